# V8's interpreter and compilers with deoptimisation, workers on shared memory, WebAssembly, collections, http, children
node /work/node.js
