/*
 * Two functions that a Citus built against a newer PostgreSQL 15 than the server calls, while the server has them only inside of
 * other functions. Loaded before the server's own code, and into servers of tests alone.
 */
#include <stdint.h>

extern void *pg_detoast_datum(void *value);

void *DatumGetHeapTupleHeader(uintptr_t value) { return pg_detoast_datum((void *)value); }

/* It only checks, and that only in builds for debugging. */
void heap_datum_check(void) {}
