/* The limit: the least that any server does to send the same bytes to N sockets.
 *
 * Accepts N connections, then writes one frame to each in turn, R times. No parsing, no
 * event loop; a full socket is waited for by poll. What a gateway reaches is printed
 * as a share of this, because a share survives a change of machine and a figure does not. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "usage.h"

static uint64_t waits;

static int listen_on(int port) {
    int one = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 4096))
        die("listen");
    socklen_t length = sizeof address;
    getsockname(listener, (struct sockaddr *)&address, &length);
    fprintf(stderr, "listening %d\n", ntohs(address.sin_port));
    return listener;
}

static void accept_all(int listener, int *sockets, int count) {
    for (int i = 0, one = 1; i < count; i++) {
        sockets[i] = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (sockets[i] < 0) die("accept");
        setsockopt(sockets[i], IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    }
}

static void write_all(int socket, const char *frame, size_t length) {
    for (size_t sent = 0; sent < length;) {
        ssize_t n = write(socket, frame + sent, length - sent);
        if (n >= 0) {
            sent += (size_t)n;
        } else if (errno == EAGAIN) {
            struct pollfd writable = {socket, POLLOUT, 0};
            waits++;
            poll(&writable, 1, -1);
        } else if (errno != EINTR) {
            die("write");
        }
    }
}

int main(int argc, char **argv) {
    if (argc != 5) {
        fprintf(stderr, "usage: write_loop PORT CONNECTIONS ROUNDS FRAME_BYTES\n");
        return 2;
    }
    int count = atoi(argv[2]), rounds = atoi(argv[3]);
    size_t length = (size_t)atol(argv[4]);
    int *sockets = calloc((size_t)count, sizeof *sockets);
    char *frame = malloc(length);
    if (!sockets || !frame) die("memory");
    memset(frame, 'x', length);

    accept_all(listen_on(atoi(argv[1])), sockets, count);
    usleep(200000); /* lets the reader finish its connects before the clock starts */
    double cpu_before = cpu_s();
    int64_t begun = now_ns();
    for (int round = 0; round < rounds; round++)
        for (int i = 0; i < count; i++) write_all(sockets[i], frame, length);
    double wall = (double)(now_ns() - begun) / 1e9, cpu = cpu_s() - cpu_before;

    double frames = (double)count * rounds;
    printf("{\"frames\":%.0f,\"wall_s\":%.4f,\"cpu_s\":%.4f,\"frames_per_s\":%.0f,"
           "\"frames_per_cpu_s\":%.0f,\"waits\":%llu}\n",
           frames, wall, cpu, wall > 0 ? frames / wall : 0, cpu > 0 ? frames / cpu : 0,
           (unsigned long long)waits);
    return 0;
}
