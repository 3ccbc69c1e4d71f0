/* The little of the C library that a guest needs, without any import. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Free blocks in order of address; neighbours are joined, so that slabs of one size do not split the memory. */
typedef struct block {
    struct block *next; /* while it is free */
    size_t size;        /* of what follows the head */
} block_t;

enum { ALIGN = 16, PAGE = 65536 };
_Static_assert(sizeof(block_t) <= ALIGN, "a head takes one unit");

static block_t *first_free;

static char *end_of(block_t *block) { return (char *)block + ALIGN + block->size; }

static void give_back(block_t *block) {
    block_t **link = &first_free;
    while (*link && *link < block && end_of(*link) != (char *)block) link = &(*link)->next;
    if (*link && *link < block) {
        (*link)->size += ALIGN + block->size;
        block = *link;
    } else {
        block->next = *link;
        *link = block;
    }
    if (block->next && end_of(block) == (char *)block->next) {
        block->size += ALIGN + block->next->size;
        block->next = block->next->next;
    }
}

/* The host traps where the manifest's memory is used up, so that a failure is never seen here. */
static void grow(size_t size) {
    size_t pages = size / PAGE + 1;
    size_t at = __builtin_wasm_memory_grow(0, pages);
    if (at == SIZE_MAX) abort();
    block_t *block = (block_t *)(at * PAGE);
    block->size = pages * PAGE - ALIGN;
    give_back(block);
}

static void *take(size_t size) {
    for (block_t **link = &first_free; *link; link = &(*link)->next) {
        block_t *block = *link;
        if (block->size < size) continue;
        if (block->size - size > ALIGN) {
            block_t *rest = (block_t *)((char *)block + ALIGN + size);
            rest->size = block->size - size - ALIGN;
            rest->next = block->next;
            block->size = size;
            *link = rest;
        } else {
            *link = block->next;
        }
        return (char *)block + ALIGN;
    }
    return NULL;
}

void *malloc(size_t size) {
    if (size > SIZE_MAX / 2) abort();
    size = size ? (size + ALIGN - 1) / ALIGN * ALIGN : ALIGN;
    void *found = take(size);
    if (!found) {
        grow(size + ALIGN);
        found = take(size);
    }
    return found;
}

void *calloc(size_t count, size_t size) {
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) abort();
    return memset(malloc(bytes), 0, bytes);
}

void free(void *place) {
    if (place) give_back((block_t *)((char *)place - ALIGN));
}

void *realloc(void *old, size_t size) {
    if (!old) return malloc(size);
    block_t *block = (block_t *)((char *)old - ALIGN);
    if (size <= block->size) return old;
    void *made = malloc(size);
    memcpy(made, old, block->size);
    free(old);
    return made;
}

_Noreturn void abort(void) { __builtin_trap(); }

/* The machine copies and fills by itself (bulk memory); a loop here would be made a call of the function it stands in. */
void *memcpy(void *restrict to, const void *restrict from, size_t size) { return memmove(to, from, size); }

void *memmove(void *to, const void *from, size_t size) {
    __asm__ volatile("local.get %0\nlocal.get %1\nlocal.get %2\nmemory.copy 0, 0" : : "r"(to), "r"(from), "r"(size) : "memory");
    return to;
}

void *memset(void *to, int byte, size_t size) {
    __asm__ volatile("local.get %0\nlocal.get %1\nlocal.get %2\nmemory.fill 0" : : "r"(to), "r"(byte), "r"(size) : "memory");
    return to;
}

int memcmp(const void *a, const void *b, size_t size) {
    const unsigned char *x = a, *y = b;
    for (size_t i = 0; i < size; i++)
        if (x[i] != y[i]) return x[i] < y[i] ? -1 : 1;
    return 0;
}

size_t strlen(const char *text) {
    const char *end = text;
    while (*end) end++;
    return (size_t)(end - text);
}
