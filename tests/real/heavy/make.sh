# make -j2 of a C library and programs with generated sources and dependency files, its test, a rebuild, clean; cmake with ninja and ctest
cp -r /work/project p && cd p
make -j2 -s test && touch calc.h && make -j2 | grep -c '^gcc' && make -s clean && ls
mkdir b && cmake -G Ninja -S . -B b -DCMAKE_C_COMPILER=gcc >/dev/null && cmake --build b >log && b/calc '2*(3+4)' && (cd b && ctest | sed 's/ *[0-9.]* sec.*//')
