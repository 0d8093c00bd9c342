// Records in a binary tree and a list: following pointers, small loads and stores at offsets.
#include <stdio.h>
#include <stdlib.h>
struct record { struct record *left, *right, *next; int key; short hits; signed char tag; };
static struct record pool[60000];
int main(void) {
    struct record *root = NULL, *list = NULL;
    unsigned seed = 11;
    long sum = 0;
    for (int i = 0; i < 60000; i++) {
        seed = seed * 1664525 + 1013904223;
        struct record *r = &pool[i], **place = &root;
        r->key = seed >> 8, r->tag = seed >> 24, r->next = list, list = r;
        while (*place) place = r->key < (*place)->key ? &(*place)->left : &(*place)->right;
        *place = r;
    }
    for (int round = 0; round < 700000; round++) {
        seed = seed * 1664525 + 1013904223;
        int key = seed >> 8;
        for (struct record *r = root; r; r = key < r->key ? r->left : r->right) r->hits++, sum += r->tag;
    }
    for (int round = 0; round < 150; round++)
        for (struct record *r = list; r; r = r->next) sum += r->hits ^ r->key;
    printf("%ld\n", sum);
}
