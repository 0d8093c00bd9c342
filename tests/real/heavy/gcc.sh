# gcc and g++: C at several levels with link-time optimisation, a shared library, C++ exceptions and threads, linked statically too, and run
cp /work/project/*.[ch] . && sh /work/project/generate.sh >tables.c
for flags in -O0 '-O3 -flto' '-O2 -static -g'; do gcc $flags -o calc calc.c lexer.c main.c tables.c -lm && ./calc 'fib 25 - 3*(2+1)'; done
cat >lib.c <<'C'
int counter; __attribute__((constructor)) static void up(void) { counter = 41; } int value(void) { return ++counter; }
C
gcc -shared -fPIC -o libv.so lib.c && printf 'int value(void); int printf(const char *, ...); int main(void) { printf("%%d\\n", value()); }' | gcc -x c - -o dyn -L. -lv -Wl,-rpath,. && ./dyn
cat >t.cc <<'C'
#include <algorithm>
#include <atomic>
#include <iostream>
#include <map>
#include <numeric>
#include <stdexcept>
#include <sstream>
#include <string>
#include <thread>
#include <vector>
struct Guard { int &n; ~Guard() { ++n; } };
int depth(int n, int &unwound) { Guard g{unwound}; if (n == 0) throw std::runtime_error("deep"); return depth(n - 1, unwound) + 1; }
template <int N> constexpr long fact() { if constexpr (N < 2) return 1; else return N * fact<N - 1>(); }
int main() {
    int unwound = 0;
    for (int i = 0; i < 2000; i++) try { depth(20, unwound); } catch (const std::exception &e) { if (i == 0) std::cout << e.what() << '\n'; }
    std::cout << unwound << ' ' << fact<15>() << '\n';
    std::atomic<long> sum = 0;
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; t++) threads.emplace_back([&, t] { for (int i = 0; i < 50000; i++) sum += i * t; });
    for (auto &t : threads) t.join();
    std::cout << sum << '\n';
    std::map<std::string, int> words;
    std::istringstream text("a rose is a rose is a rose");
    for (std::string word; text >> word;) words[word]++;
    for (auto &[word, n] : words) std::cout << word << n << ' ';
    std::vector<double> v(100000);
    std::iota(v.begin(), v.end(), 0.5);
    std::stable_sort(v.begin(), v.end(), [](double a, double b) { return int(a) % 1000 > int(b) % 1000; });
    std::cout << v[0] << ' ' << v[99999] << ' ' << std::accumulate(v.begin(), v.end(), 0.0) << std::endl;
}
C
for flags in -O0 '-O2 -static'; do g++ -std=c++20 $flags -o t t.cc && ./t; done
printf 'int main(void) { return x; }' | gcc -x c - -o bad 2>&1 | grep -c error
echo 'int f(int a) { return a * 7; }' | gcc -O2 -x c -S - -o - | grep -c ret
