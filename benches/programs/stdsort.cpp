// std::sort and std::stable_sort of records with a comparison that is inlined.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <vector>
struct Record { uint32_t key; uint16_t group; };
int main() {
    uint32_t seed = 17;
    unsigned long sum = 0;
    for (int round = 0; round < 3; round++) {
        std::vector<Record> records(600000);
        for (auto &r : records) seed = seed * 1664525 + 1013904223, r = {seed, uint16_t(seed >> 5 & 63)};
        std::sort(records.begin(), records.end(), [](const Record &a, const Record &b) { return a.key < b.key; });
        sum += records[300000].key;
        std::stable_sort(records.begin(), records.end(), [](const Record &a, const Record &b) { return a.group < b.group; });
        sum += records[300000].key;
    }
    std::printf("%lu\n", sum);
}
