#include "calc.h"
#include <setjmp.h>

static jmp_buf wrong;
static double sum(struct lexer *lexer);

static double atom(struct lexer *lexer) {
    double value = lexer->value;
    switch (lexer->token) {
    case NUMBER: next(lexer); return value;
    case MINUS: next(lexer); return -atom(lexer);
    case FIB: next(lexer); return fibonacci[(int)atom(lexer)];
    case OPEN:
        next(lexer);
        value = sum(lexer);
        if (lexer->token != CLOSE) longjmp(wrong, 1);
        next(lexer);
        return value;
    default: longjmp(wrong, 1);
    }
}

static double product(struct lexer *lexer) {
    double value = atom(lexer);
    for (;;) {
        if (lexer->token == TIMES) next(lexer), value *= atom(lexer);
        else if (lexer->token == OVER) next(lexer), value /= atom(lexer);
        else return value;
    }
}

static double sum(struct lexer *lexer) {
    double value = product(lexer);
    for (;;) {
        if (lexer->token == PLUS) next(lexer), value += product(lexer);
        else if (lexer->token == MINUS) next(lexer), value -= product(lexer);
        else return value;
    }
}

int calculate(const char *text, double *result) {
    struct lexer lexer = {.at = text};
    if (setjmp(wrong)) return 0;
    next(&lexer);
    *result = sum(&lexer);
    return lexer.token == END;
}
