/* The sink's state: one set of connections, one tally. See sink.c. */
#ifndef BENCH_SINK_H
#define BENCH_SINK_H

#include <stddef.h>
#include <stdint.h>

#include "frames.h"
#include "options.h"

enum phase { CONNECTING, UPGRADING, GREETING, LIVE, CLOSED };

enum reason { CONNECT_FAILED, RESET_BY_PEER, END_OF_STREAM, BAD_UPGRADE, BAD_FRAME, TIMED_OUT,
              REASONS };

/* Of a slow reader. With the kernel's own choice it could leave megabytes unread unnoticed. */
enum { SLOW_RECEIVE_BUFFER = 4096 };

enum { CODES = 5000, STATUSES = 1000 };

struct connection {
    int socket;
    enum phase phase;
    int64_t begun_ns;
    char *rest; /* bytes of a frame whose end has not arrived */
    size_t rest_length;
};

struct sink {
    struct options options;
    struct connection *connections;
    int poller, started, shaking, greeting, upgraded, closed;
    int64_t first_connect_ns, last_upgrade_ns, ready_ns;
    double ready_cpu_s;
    struct tally tally;
    uint64_t bytes_read, reasons[REASONS], close_codes[CODES], statuses[STATUSES];
};

extern struct sink sink;

/* sink.c */
void enter(struct connection *c, enum phase phase, int64_t now);
void end(struct connection *c);
void fail(struct connection *c, enum reason reason);

/* handshake.c */
void start_due(void);
void on_connected(struct connection *c);
/* Returns how many bytes the answer took, 0 while it is incomplete. */
size_t take_upgrade(struct connection *c, const char *bytes, size_t length, int64_t now);
void give_up_on_the_late(int64_t now);

/* report.c */
void report_ready(void);
void report(void);

#endif
