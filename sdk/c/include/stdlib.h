/* What a guest has of the C library. There is no other: no file, clock, environment or locale. */
#pragma once
#include <stddef.h>

void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void *realloc(void *old, size_t size);
void free(void *place);
/* Ends the call; the host answers with the default contribution. */
_Noreturn void abort(void);
