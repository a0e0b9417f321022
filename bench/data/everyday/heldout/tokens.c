#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum kind { NUMBER, WORD, SYMBOL };

struct token {
    enum kind kind;
    const char *start;
    size_t length;
};

static const char *skip_blanks(const char *text)
{
    while (isspace((unsigned char)*text))
        ⟦text++;⟧
    return text;
}

const char *next_token(const char *text, struct token *token)
{
    text = skip_blanks(⟦text⟧);
    token->start = text;
    if (isdigit((unsigned char)*text)) {
        token->kind = NUMBER;
        while (isdigit((unsigned char)*text))
            text++;
    } else if (isalpha((unsigned char)*text)) {
        token->kind = WORD;
        while (isalnum((unsigned char)*text))
            text++;
    } else {
        token->kind = SYMBOL;
        text++;
    }
    token->length = text - token->start;
    return text;
}
