enum token { END, NUMBER, PLUS, MINUS, TIMES, OVER, OPEN, CLOSE, FIB, WRONG };
struct lexer { const char *at; enum token token; double value; };
void next(struct lexer *lexer);
int calculate(const char *text, double *result);
extern const long fibonacci[];
