/* What a server sends, counted: RFC 6455 frame headers and the shape of a batch. */
#ifndef BENCH_FRAMES_H
#define BENCH_FRAMES_H

#include <stddef.h>
#include <stdint.h>

#include "histogram.h"

enum { OP_TEXT = 1, OP_CLOSE = 8, OP_PING = 9, OP_PONG = 10 };

struct frame {
    unsigned opcode;
    const char *payload;
    size_t length;
};

enum cut { CUT_FRAME, CUT_MORE, CUT_BAD };

/* Takes one frame off the front of `bytes` and stores its size on the wire in `*used`.
 * CUT_BAD for what a correct server never sends to a client that offered no extension. */
enum cut cut_frame(const char *bytes, size_t length, struct frame *frame, size_t *used);

struct tally {
    uint64_t frames, batches, events, other_texts, pings, resets, batch_bytes;
    int64_t first_batch_ns, last_batch_ns;
    struct histogram latency;
};

/* Counts a text frame; `stamped` looks for "bench_ns" in each event as well.
 * Returns 1 if it was a hello. */
int tally_text(struct tally *tally, const struct frame *frame, int stamped, int64_t now);

#endif
