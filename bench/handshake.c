/* From socket() to the checked 101, at a bounded rate and with a bounded number at a time. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "usage.h"
#include "sink.h"

/* The sample handshake of RFC 6455 §1.3: with its key, the answer is known beforehand. */
#define KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

enum { REQUEST_BYTES = 8192 };

static int write_subprotocol(const struct connection *c, char *at, size_t room) {
    const struct options *o = &sink.options;
    size_t index = (size_t)(c - sink.connections);
    if (o->tokens)
        return snprintf(at, room, "Sec-WebSocket-Protocol: rt.v1, rt.token.%s\r\n",
                        o->tokens[index % (size_t)o->token_count]);
    if (o->subprotocol)
        return snprintf(at, room, "Sec-WebSocket-Protocol: %s\r\n", o->subprotocol);
    return 0;
}

static void send_upgrade(struct connection *c) {
    const struct options *o = &sink.options;
    char protocol[REQUEST_BYTES / 2] = "", request[REQUEST_BYTES];
    int p = write_subprotocol(c, protocol, sizeof protocol);
    int n = snprintf(request, sizeof request,
                     "GET %s HTTP/1.1\r\nHost: %s:%d\r\nUpgrade: websocket\r\n"
                     "Connection: Upgrade\r\nSec-WebSocket-Key: " KEY "\r\n"
                     "Sec-WebSocket-Version: 13\r\n%s%s%s%s\r\n",
                     o->path, o->host, o->port, protocol, o->origin ? "Origin: " : "",
                     o->origin ? o->origin : "", o->origin ? "\r\n" : "");
    if (p >= (int)sizeof protocol || n >= (int)sizeof request) {
        fprintf(stderr, "sink: path, token and origin do not fit a request of 8 KiB\n");
        exit(2);
    }
    /* A fresh socket's buffer takes the whole request, or the connect has failed. */
    if (send(c->socket, request, (size_t)n, MSG_NOSIGNAL) != n) fail(c, CONNECT_FAILED);
}

void on_connected(struct connection *c) {
    struct epoll_event readable = {.events = EPOLLIN, .data.ptr = c};
    int error = 0;
    socklen_t length = sizeof error;
    getsockopt(c->socket, SOL_SOCKET, SO_ERROR, &error, &length);
    if (error) {
        fail(c, CONNECT_FAILED);
        return;
    }
    epoll_ctl(sink.poller, EPOLL_CTL_MOD, c->socket, &readable);
    enter(c, sink.options.raw ? LIVE : UPGRADING, now_ns());
    if (!sink.options.raw) send_upgrade(c);
}

static void bind_to_own_address(int socket, int index) {
    int one = 1;
    struct sockaddr_in own = {.sin_family = AF_INET};
    own.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + (uint32_t)(index % sink.options.sources));
    /* Otherwise bind would take a port that no other destination could share. */
    setsockopt(socket, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    if (bind(socket, (struct sockaddr *)&own, sizeof own)) die("bind");
}

static void start(struct connection *c, int index) {
    struct sockaddr_in server = {.sin_family = AF_INET,
                                 .sin_port = htons((uint16_t)sink.options.port)};
    struct epoll_event writable = {.events = EPOLLOUT, .data.ptr = c};
    int one = 1, small = SLOW_RECEIVE_BUFFER;
    if (inet_pton(AF_INET, sink.options.host, &server.sin_addr) != 1) die("--host");
    c->socket = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->socket < 0) die("socket (is `ulimit -n` above --connections?)");
    setsockopt(c->socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (sink.options.slow) setsockopt(c->socket, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    if (sink.options.sources) bind_to_own_address(c->socket, index);

    c->begun_ns = now_ns();
    if (!sink.first_connect_ns) sink.first_connect_ns = c->begun_ns;
    sink.shaking++;
    if (connect(c->socket, (struct sockaddr *)&server, sizeof server) && errno != EINPROGRESS)
        fail(c, CONNECT_FAILED);
    else
        epoll_ctl(sink.poller, EPOLL_CTL_ADD, c->socket, &writable);
}

void start_due(void) {
    const struct options *o = &sink.options;
    while (sink.started < o->connections && sink.shaking < o->in_flight) {
        double elapsed_s = (double)(now_ns() - sink.first_connect_ns) / 1e9;
        if (o->connect_rate > 0 && sink.started > elapsed_s * o->connect_rate) return;
        start(&sink.connections[sink.started], sink.started);
        sink.started++;
    }
}

size_t take_upgrade(struct connection *c, const char *bytes, size_t length, int64_t now) {
    const char *stop = memmem(bytes, length, "\r\n\r\n", 4);
    if (!stop) return 0;
    size_t used = (size_t)(stop - bytes) + 4;
    unsigned status = used > 12 ? (unsigned)atoi(bytes + 9) : 0;
    if (status == 101 && memmem(bytes, used, ACCEPT, sizeof ACCEPT - 1)) {
        enter(c, sink.options.without_hello ? LIVE : GREETING, now);
        return used;
    }
    if (status != 101) sink.statuses[status < STATUSES ? status : 0]++;
    fail(c, BAD_UPGRADE);
    return used;
}

void give_up_on_the_late(int64_t now) {
    for (int i = 0; i < sink.started; i++) {
        struct connection *c = &sink.connections[i];
        if (c->phase < LIVE && (double)(now - c->begun_ns) > sink.options.patience_s * 1e9)
            fail(c, TIMED_OUT);
    }
}
