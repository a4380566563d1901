/* Calls `epoch` of a program for this processor once in each thread, on memory that is read from
 * the standard input and written to the standard output.
 *
 * Input, in words of 64 bits: threads, words to a thread's table, steps, moves, sizes, regions,
 * buffers; then the moves and the sizes, for each region its bytes, where it began modulo 64 and
 * whether it must end at a wall, for each thread and buffer its region and how far into it; then
 * the regions.
 * Output: steps taken, the words of `control`, and the regions. */

#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* as WORDS and LINE in `threads` and `memory`; who reads the output sees if they are not */
#define CONTROL 32

typedef int64_t word;

word epoch(word *buffers, word *sizes, word thread, word threads, word *control, word count,
           word *moves, word moved);

static word threads, width, count, moved, *moves, *sizes, *tables;
static word control[CONTROL] __attribute__((aligned(64)));

static void fail(const char *what) {
    fprintf(stderr, "%s\n", what);
    exit(3);
}

static void take(void *place, size_t bytes) {
    if (bytes && fread(place, bytes, 1, stdin) != 1) fail("the input ends early");
}

static word next(void) {
    word value;
    take(&value, sizeof value);
    return value;
}

static word *list(word length) {
    word *found = malloc((length + 1) * sizeof(word));
    take(found, length * sizeof(word));
    return found;
}

/* Memory behind which nothing can be read or written, if it ends at a wall. */
static char *memory(word bytes, word rest, word walled) {
    word page = sysconf(_SC_PAGESIZE), room = (bytes + 64 + page - 1) / page * page;
    char *start = mmap(0, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED || mprotect(start + room, page, PROT_NONE)) fail("no memory");
    return walled ? start + room - bytes : start + rest;
}

static void *enter(void *number) {
    word thread = (word)number;
    return (void *)epoch(tables + thread * width, sizes, thread, threads, control, count, moves,
                         moved);
}

int main(void) {
    threads = next(), width = next(), count = next(), moved = next();
    word known = next(), regions = next(), buffers = next();
    moves = list(2 * moved), sizes = list(known);
    word *about = list(3 * regions), *where = list(2 * threads * buffers);
    char **places = malloc((regions + 1) * sizeof(char *));
    for (word k = 0; k < regions; k++) {
        places[k] = memory(about[3 * k], about[3 * k + 1], about[3 * k + 2]);
        take(places[k], about[3 * k]);
    }
    tables = aligned_alloc(64, (threads * width * sizeof(word) + 63) / 64 * 64);
    for (word t = 0; t < threads; t++)
        for (word k = 0; k < buffers; k++, where += 2)
            tables[t * width + k] = (word)(places[where[0]] + where[1]);
    pthread_t others[threads];
    for (word t = 1; t < threads; t++)
        if (pthread_create(&others[t], 0, enter, (void *)t)) fail("no thread");
    word done = (word)enter(0);
    for (word t = 1; t < threads; t++) pthread_join(others[t], 0);
    fwrite(&done, sizeof done, 1, stdout);
    fwrite(control, sizeof control, 1, stdout);
    for (word k = 0; k < regions; k++) fwrite(places[k], about[3 * k], 1, stdout);
    return 0;
}
