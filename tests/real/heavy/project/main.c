#include "calc.h"
#include <stdio.h>

int main(int argc, char **argv) {
    double result;
    for (int i = 1; i < argc; i++) {
        if (!calculate(argv[i], &result)) {
            fprintf(stderr, "wrong: %s\n", argv[i]);
            return 1;
        }
        printf("%g\n", result);
    }
}
