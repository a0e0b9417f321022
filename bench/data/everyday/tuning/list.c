#include <stdio.h>
#include <stdlib.h>

struct node {
    int value;
    struct node *next;
};

struct node *push(struct node *head, int value)
{
    struct node *node = malloc(sizeof(⟦*node⟧));
    if (node == NULL)
        return NULL;
    node->value = value;
    node->next = head;
    return node;
}

int sum(const struct node *head)
{
    int total = 0;
    for (; head != NULL; head = head->next)
        ⟦total += head->value;⟧
    return total;
}

void free_list(struct node *head)
{
    while (head != NULL) {
        struct node *next = head->next;
        free(head);
        head = next;
    }
}
