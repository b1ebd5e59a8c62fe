/* Many WebSocket clients that only count: the load generator of the benchmark.
 *
 * One thread and one epoll, so that it runs on one core and leaves the other to the
 * server. All sockets share one read buffer; a connection owns memory only while half a
 * frame is waiting in it. When the server is ahead, one recv brings many frames: the
 * sink gets cheaper per frame the further behind it is, and so outruns any server. */
#include "sink.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "usage.h"

/* A read stays inside the L2 cache; the buffer also holds the largest frame we accept. */
enum { READ_BYTES = 256 << 10, BUFFER_BYTES = 4 << 20, ROUND = 512 };

/* How often slow readers read their share. */
enum { SLOW_TICKS_PER_S = 4 };

struct sink sink;

static char buffer[BUFFER_BYTES];
static size_t read_most = READ_BYTES;
static volatile sig_atomic_t stopped;

static void on_signal(int number) {
    (void)number;
    stopped = 1;
}

void enter(struct connection *c, enum phase phase, int64_t now) {
    int was_shaking = c->phase < GREETING, is_shaking = phase < GREETING;
    sink.shaking -= was_shaking && !is_shaking;
    sink.greeting += (phase == GREETING) - (c->phase == GREETING);
    if (was_shaking && !is_shaking && phase != CLOSED) {
        sink.upgraded++;
        sink.last_upgrade_ns = now;
    }
    c->phase = phase;
}

void end(struct connection *c) {
    enter(c, CLOSED, 0);
    sink.closed++;
    close(c->socket);
    free(c->rest);
    c->rest = NULL;
    c->rest_length = 0;
}

void fail(struct connection *c, enum reason reason) {
    sink.reasons[reason]++;
    end(c);
}

static void answer_ping(const struct connection *c, const struct frame *ping) {
    static const unsigned char mask[4] = {0x5a, 0x17, 0xc3, 0x2e};
    unsigned char pong[6 + 125];
    size_t length = ping->length < 125 ? ping->length : 125;
    pong[0] = 0x80 | OP_PONG;
    pong[1] = (unsigned char)(0x80 | length);
    memcpy(pong + 2, mask, 4);
    for (size_t i = 0; i < length; i++)
        pong[6 + i] = (unsigned char)ping->payload[i] ^ mask[i % 4];
    sink.tally.pings++;
    if (send(c->socket, pong, 6 + length, MSG_NOSIGNAL) < 0) return; /* recv will tell why */
}

static void on_frame(struct connection *c, const struct frame *frame, int64_t now) {
    sink.tally.frames++;
    if (frame->opcode == OP_TEXT) {
        int hello = tally_text(&sink.tally, frame, sink.options.stamped, now);
        if (hello && c->phase == GREETING) {
            enter(c, LIVE, now);
            /* A slow reader reads by the clock, not when there is something to read. */
            if (sink.options.slow) epoll_ctl(sink.poller, EPOLL_CTL_DEL, c->socket, NULL);
        }
    } else if (frame->opcode == OP_PING) {
        answer_ping(c, frame);
    } else if (frame->opcode == OP_CLOSE) {
        const unsigned char *code = (const unsigned char *)frame->payload;
        unsigned number = frame->length >= 2 ? (unsigned)(code[0] << 8 | code[1]) : 1005;
        sink.close_codes[number < CODES ? number : 0]++;
        end(c);
    }
}

static void keep_rest(struct connection *c, const char *bytes, size_t length) {
    free(c->rest);
    c->rest = length ? malloc(length) : NULL;
    c->rest_length = length;
    if (length && !c->rest) die("memory");
    if (length) memcpy(c->rest, bytes, length);
}

static void on_bytes(struct connection *c, size_t length, int64_t now) {
    size_t at = c->phase == UPGRADING ? take_upgrade(c, buffer, length, now) : 0, used;
    struct frame frame;
    enum cut cut = CUT_MORE;
    while (c->phase != UPGRADING && c->phase != CLOSED &&
           (cut = cut_frame(buffer + at, length - at, &frame, &used)) == CUT_FRAME) {
        on_frame(c, &frame, now);
        at += used;
    }
    if (c->phase == CLOSED) return;
    if (cut == CUT_BAD || length - at > BUFFER_BYTES - READ_BYTES)
        fail(c, BAD_FRAME);
    else if (at < length || c->rest)
        keep_rest(c, buffer + at, length - at);
}

static void on_raw_bytes(size_t length, int64_t now) {
    struct tally *t = &sink.tally;
    if (!t->first_batch_ns) t->first_batch_ns = now;
    t->last_batch_ns = now;
    t->batch_bytes += length;
    t->frames = t->batches = t->batch_bytes / sink.options.raw_frame_bytes;
}

static void on_readable(struct connection *c) {
    size_t kept = c->rest_length;
    if (kept) memcpy(buffer, c->rest, kept);
    ssize_t n = recv(c->socket, buffer + kept, read_most, 0);
    if (n == 0 && sink.options.raw) {
        end(c); /* how the write loop says that it has finished */
    } else if (n == 0) {
        fail(c, END_OF_STREAM);
    } else if (n < 0) {
        if (errno != EAGAIN && errno != EINTR) fail(c, RESET_BY_PEER);
    } else {
        sink.bytes_read += (uint64_t)n;
        if (sink.options.raw)
            on_raw_bytes((size_t)n, now_ns());
        else
            on_bytes(c, kept + (size_t)n, now_ns());
    }
}

static void check_ready(int64_t now) {
    if (sink.ready_ns || sink.started < sink.options.connections) return;
    if (sink.shaking || sink.greeting) return;
    sink.ready_ns = now;
    sink.ready_cpu_s = cpu_s();
    report_ready();
}

static int is_over(int64_t now) {
    const struct options *o = &sink.options;
    if (stopped || (sink.ready_ns && sink.closed == o->connections)) return 1;
    if (o->frame_limit && sink.tally.batches >= o->frame_limit) return 1;
    if (o->event_limit && sink.tally.events >= o->event_limit) return 1;
    return sink.ready_ns && (double)(now - sink.ready_ns) > o->duration_s * 1e9;
}

static void poll_once(void) {
    static struct epoll_event events[ROUND];
    int wait_ms = sink.started < sink.options.connections ? 1 : 50;
    int count = epoll_wait(sink.poller, events, ROUND, wait_ms);
    for (int i = 0; i < count; i++) {
        struct connection *c = events[i].data.ptr;
        if (c->phase == CONNECTING)
            on_connected(c);
        else if (c->phase != CLOSED)
            on_readable(c);
    }
    /* Not after a full round: more is waiting already. */
    if (sink.ready_ns && sink.options.gather_us && count < ROUND) usleep(sink.options.gather_us);
}

static void read_slowly(void) {
    read_most = (size_t)(sink.options.slow_bytes_per_s / SLOW_TICKS_PER_S);
    for (int i = 0; read_most && i < sink.options.connections; i++)
        if (sink.connections[i].phase == LIVE) on_readable(&sink.connections[i]);
    read_most = READ_BYTES;
}

static void run(void) {
    int64_t now = now_ns(), next_look_ns = now, next_slow_ns = now;
    while (!is_over(now)) {
        start_due();
        poll_once();
        now = now_ns();
        if (!sink.ready_ns && now > next_look_ns) {
            give_up_on_the_late(now);
            next_look_ns = now + 500000000;
        }
        check_ready(now);
        if (sink.options.slow && sink.ready_ns && now > next_slow_ns) {
            read_slowly();
            next_slow_ns = now + 1000000000 / SLOW_TICKS_PER_S;
        }
    }
}

int main(int argc, char **argv) {
    struct sigaction stop = {.sa_handler = on_signal};
    sigaction(SIGTERM, &stop, NULL);
    sigaction(SIGINT, &stop, NULL);
    sink.options = read_options(argc, argv);
    sink.connections = calloc((size_t)sink.options.connections, sizeof *sink.connections);
    sink.poller = epoll_create1(EPOLL_CLOEXEC);
    if (!sink.connections || sink.poller < 0) die("epoll");
    run();
    report();
    return 0;
}
