// Containers of the standard library: maps, hash maps, strings and vectors, with their allocations.
#include <cstdio>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>
int main() {
    std::map<std::string, long> sorted;
    std::unordered_map<unsigned, std::vector<unsigned>> lists;
    unsigned seed = 1;
    long sum = 0;
    for (int i = 0; i < 350000; i++) {
        seed = seed * 1664525 + 1013904223;
        sorted["word number " + std::to_string(seed >> 20)] += i;
        lists[seed >> 18].push_back(i);
        if (i % 16 == 0) lists.erase(seed >> 19);
    }
    for (const auto &[word, count] : sorted) sum = sum * 31 + count + word.size();
    long members = 0;
    for (const auto &[key, list] : lists) members += key + list.size() * list.back();
    std::printf("%ld %ld\n", sum, members);
}
