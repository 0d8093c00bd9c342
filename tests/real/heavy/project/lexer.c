#include "calc.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

void next(struct lexer *lexer) {
    while (*lexer->at == ' ') lexer->at++;
    if (isdigit((unsigned char)*lexer->at)) {
        char *end;
        lexer->value = strtod(lexer->at, &end);
        lexer->at = end;
        lexer->token = NUMBER;
    } else if (!strncmp(lexer->at, "fib", 3)) {
        lexer->at += 3;
        lexer->token = FIB;
    } else {
        static const char *const symbols = "+-*/()";
        const char *found = *lexer->at ? strchr(symbols, *lexer->at) : NULL;
        lexer->token = !*lexer->at ? END : found ? (enum token)(PLUS + (found - symbols)) : WRONG;
        if (*lexer->at) lexer->at++;
    }
}
