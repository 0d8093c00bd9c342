// Exceptions thrown through several frames with destructors: the unwinder and its tables.
#include <cstdio>
#include <stdexcept>
struct Guard {
    long &count;
    explicit Guard(long &c) : count(c) {}
    ~Guard() { count++; }
};
__attribute__((noinline)) static int deep(int n, int i, long &count) {
    Guard guard(count);
    if (n == 0) {
        if (i % 3 == 0) throw i;
        if (i % 3 == 1) throw std::runtime_error("one");
        return i;
    }
    return deep(n - 1, i, count) + 1;
}
int main() {
    long count = 0, sum = 0;
    for (int i = 0; i < 50000; i++) {
        try {
            sum += deep(6, i, count);
        } catch (int value) {
            sum += value;
        } catch (const std::exception &e) {
            sum += e.what()[0];
        }
    }
    std::printf("%ld %ld\n", count, sum);
}
