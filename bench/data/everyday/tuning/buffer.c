#include <stdlib.h>
#include <string.h>

typedef struct {
    char *data;
    size_t length;
    size_t capacity;
} buffer;

void buffer_init(buffer *b)
{
    b->data = NULL;
    b->length = 0;
    b->capacity = ⟦0;⟧
}

int buffer_append(buffer *b, const char *text, size_t n)
{
    if (b->length + n > b->capacity) {
        size_t capacity = 2 * (b->length + n);
        char *data = realloc(b->data, capacity);
        if (data == NULL)
            return -1;
        b->data = data;
        b->capacity = capacity;
    }
    memcpy(b->data + b->length, text, n);
    ⟦b->length += n;⟧
    return 0;
}

void buffer_free(buffer *b)
{
    free(b->data);
    buffer_init(b);
}
