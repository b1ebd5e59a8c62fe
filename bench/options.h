/* What the sink is asked to do. */
#ifndef BENCH_OPTIONS_H
#define BENCH_OPTIONS_H

#include <stdint.h>

struct options {
    const char *host, *path, *subprotocol, *origin;
    char **tokens; /* one per connection, taken in turn; NULL without --tokens */
    int token_count, port, connections, in_flight, sources;
    int raw, stamped, without_hello, slow;
    unsigned gather_us;
    double connect_rate, duration_s, patience_s, slow_bytes_per_s;
    uint64_t frame_limit, event_limit, raw_frame_bytes;
};

/* Exits with the usage text and status 2 when the arguments make no sense. */
struct options read_options(int argc, char **argv);

#endif
