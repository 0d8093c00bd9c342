// Virtual calls on objects of several classes, in an order that the predictor has to learn.
#include <cstdio>
#include <memory>
#include <vector>
struct Shape {
    virtual ~Shape() = default;
    virtual long area(long k) const = 0;
    virtual long edges() const { return 4; }
};
struct Square : Shape { long a; explicit Square(long x) : a(x) {} long area(long k) const override { return a * a + k; } };
struct Box : Shape { long a, b; Box(long x, long y) : a(x), b(y) {} long area(long k) const override { return a * b ^ k; } };
struct Triangle : Box {
    using Box::Box;
    long area(long k) const override { return Box::area(k) / 2; }
    long edges() const override { return 3; }
};
int main() {
    std::vector<std::unique_ptr<Shape>> shapes;
    for (long i = 0; i < 1000; i++) {
        switch (i * 7 % 5 % 3) {
        case 0: shapes.push_back(std::make_unique<Square>(i)); break;
        case 1: shapes.push_back(std::make_unique<Box>(i, i + 1)); break;
        default: shapes.push_back(std::make_unique<Triangle>(i, 5)); break;
        }
    }
    long sum = 0;
    for (int round = 0; round < 40000; round++)
        for (const auto &shape : shapes) sum += shape->area(sum & 15) * shape->edges();
    std::printf("%ld\n", sum);
}
