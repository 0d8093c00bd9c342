// Deterministic output from everything that V8 and libuv do at run time.
'use strict';
const { Worker, isMainThread, workerData, parentPort } = require('worker_threads');
const crypto = require('crypto');

function work(shared, id) {
    const cells = new Int32Array(shared);
    for (let i = 0; i < 200000; i++) Atomics.add(cells, 0, 1);
    Atomics.add(cells, 1, 1);
    Atomics.notify(cells, 1);
    while (Atomics.load(cells, 2) === 0) Atomics.wait(cells, 2, 0);
    let hash = 0;
    for (let i = 0; i < 300000; i++) hash = (Math.imul(hash, 31) + (i ^ id)) | 0;
    return hash;
}

if (!isMainThread) {
    parentPort.postMessage({ id: workerData.id, hash: work(workerData.shared, workerData.id) });
} else {
    main().catch((error) => { console.error(error); process.exit(1); });
}

function compute() {
    // Monomorphic, then polymorphic: optimised code is thrown away and made anew.
    const area = (s) => s.w * s.h;
    let sum = 0;
    for (let i = 0; i < 3000000; i++) sum += area({ w: i & 7, h: 3 });
    for (let i = 0; i < 1000; i++) sum += area({ h: i, w: 2.5, extra: 1 }) + area({ w: 'a'.length, h: 1 });
    console.log('shapes', sum);
    const sieve = new Uint8Array(2000000);
    let primes = 0;
    for (let i = 2; i < sieve.length; i++) {
        if (sieve[i]) continue;
        primes++;
        for (let j = i * 2; j < sieve.length; j += i) sieve[j] = 1;
    }
    console.log('primes', primes);
    let overflow = 0;
    for (let i = 0; i < 100000; i++) overflow += i * 100003;
    console.log('overflow', overflow);
    let big = 1n;
    for (let i = 1n; i < 400n; i++) big *= i;
    console.log('bigint', big.toString(36).slice(0, 40));
    const float = Array.from({ length: 1000 }, (_, i) => Math.sin(i) * Math.exp(i / 300) + Math.atan2(i, 7));
    console.log('float', float.reduce((a, b) => a + b, 0).toPrecision(12));
    const words = 'the quick brown fox jumps over the lazy dog '.repeat(3000);
    console.log('regexp', words.replace(/(\w+) (\w+)/g, '$2 $1').length, (words.match(/\b[a-z]*o[a-z]*\b/g) || []).length);
    let caught = 0;
    for (let i = 0; i < 20000; i++) {
        try { (i % 3 === 0 ? null : { x: 1 }).x; } catch (e) { if (e instanceof TypeError) caught++; }
    }
    console.log('caught', caught);
    const deep = (n) => (n === 0 ? 0 : 1 + deep(n - 1));
    let overflowed = false;
    try { deep(1e7); } catch (e) { overflowed = e instanceof RangeError; }
    console.log('stack', deep(5000), overflowed);
    const map = new Map();
    for (let i = 0; i < 300000; i++) map.set('k' + (i % 5000), { i, list: [i, i + 1] });
    console.log('collected', map.size, map.get('k4999').i);
    function* numbers() { for (let i = 0; ; i++) yield i; }
    let generated = 0;
    for (const n of numbers()) { if (n > 100000) break; generated += n; }
    console.log('generator', generated);
    console.log('eval', new Function('a', 'b', 'return a ** b')(3, 7), JSON.stringify(JSON.parse('{"a":[1,2.5,"\\u00e9"]}')));
    console.log('hash', crypto.createHash('sha256').update(words).digest('hex').slice(0, 16));
}

async function wasm() {
    // (func (export "f") (param i32) (result i32)): the sum of 1 to the parameter.
    const bytes = Uint8Array.from([0, 97, 115, 109, 1, 0, 0, 0, 1, 6, 1, 96, 1, 127, 1, 127, 3, 2, 1, 0, 7, 5, 1, 1, 102, 0, 0,
        10, 27, 1, 25, 1, 1, 127, 3, 64, 32, 1, 32, 0, 106, 33, 1, 32, 0, 65, 1, 107, 34, 0, 13, 0, 11, 32, 1, 11]);
    const { instance } = await WebAssembly.instantiate(bytes);
    let sum = 0;
    for (let i = 1; i < 2000; i++) sum = (sum + instance.exports.f(i)) | 0;
    console.log('wasm', sum);
}

async function workers() {
    const shared = new SharedArrayBuffer(64);
    const cells = new Int32Array(shared);
    const list = [0, 1, 2, 3].map((id) => new Worker(__filename, { workerData: { shared, id } }));
    const results = list.map((w) => new Promise((ok, no) => { w.on('message', ok); w.on('error', no); }));
    const ended = list.map((w) => new Promise((ok) => w.on('exit', ok)));
    while (Atomics.load(cells, 1) < 4) await new Promise((ok) => setTimeout(ok, 5));
    Atomics.store(cells, 2, 1);
    Atomics.notify(cells, 2);
    const got = await Promise.all(results);
    console.log('workers', Atomics.load(cells, 0), got.sort((a, b) => a.id - b.id).map((r) => r.hash).join());
    console.log('ended', (await Promise.all(ended)).join());
    // One that never stops by itself.
    const endless = new Worker('for (;;);', { eval: true });
    await new Promise((ok) => setTimeout(ok, 100));
    console.log('terminated', await endless.terminate());
}

async function io() {
    const http = require('http');
    const fs = require('fs/promises');
    const zlib = require('zlib');
    const server = http.createServer((request, response) => {
        const chunks = [];
        request.on('data', (c) => chunks.push(c));
        request.on('end', () => response.end(crypto.createHash('md5').update(Buffer.concat(chunks)).digest('hex') + request.url));
    });
    await new Promise((ok) => server.listen(0, '127.0.0.1', ok));
    const port = server.address().port;
    const post = (i) => new Promise((ok, no) => {
        const r = http.request({ port, method: 'POST', path: '/' + i }, (res) => {
            let text = '';
            res.on('data', (c) => (text += c));
            res.on('end', () => ok(text));
        });
        r.on('error', no);
        r.end(Buffer.alloc(50000 + i, i));
    });
    const answers = await Promise.all(Array.from({ length: 40 }, (_, i) => post(i)));
    console.log('http', crypto.createHash('md5').update(answers.join()).digest('hex'));
    server.close();
    await fs.writeFile('a.txt', 'x'.repeat(100000));
    const packed = zlib.gzipSync(await fs.readFile('a.txt'));
    console.log('zlib', zlib.gunzipSync(packed).length, (await fs.stat('a.txt')).size);
    console.log('brotli', zlib.brotliDecompressSync(zlib.brotliCompressSync(packed)).equals(packed));
    const { execFileSync, spawn } = require('child_process');
    console.log('child', execFileSync('sh', ['-c', 'echo $((6*7))']).toString().trim());
    const slow = spawn('sleep', ['100']);
    const gone = new Promise((ok) => slow.on('exit', (code, signal) => ok(signal)));
    slow.kill('SIGTERM');
    console.log('killed', await gone);
    const heard = new Promise((ok) => process.on('SIGUSR2', ok));
    process.kill(process.pid, 'SIGUSR2');
    console.log('signal', await heard);
}

async function main() {
    compute();
    await wasm();
    await workers();
    await io();
    const start = process.hrtime.bigint();
    let turns = 0;
    await new Promise((ok) => { const f = () => (++turns < 20000 ? setImmediate(f) : ok()); f(); });
    console.log('turns', turns, process.hrtime.bigint() > start);
}
