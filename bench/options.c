#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: sink --port N [options]\n"
    "  --host ADDRESS       IPv4 address of the server (127.0.0.1)\n"
    "  --path PATH          request target of the upgrade (/)\n"
    "  --subprotocol LIST   value of Sec-WebSocket-Protocol\n"
    "  --tokens FILE        one token a line, used in turn: rt.v1, rt.token.<line>\n"
    "  --origin ORIGIN      value of Origin\n"
    "  --connections N      sockets to open (1)\n"
    "  --connect-rate N     at most so many new sockets a second (0: no limit)\n"
    "  --in-flight N        at most so many handshakes at a time (64)\n"
    "  --sources N          source addresses 127.0.0.2 and on, used in turn (0: 127.0.0.1)\n"
    "  --patience-s S       give up on a handshake after this long (30)\n"
    "  --duration-s S       end so long after the last handshake (10)\n"
    "  --frames N           end earlier, after N batch frames in all\n"
    "  --events N           the same, after N events\n"
    "  --gather-us N        rest so long after each round of reads (0): cheaper for both sides,\n"
    "                       worthless with --latency\n"
    "  --slow-bytes-per-s N read so much of each socket after its hello, 0 for nothing; its\n"
    "                       receive buffer is small (as fast as it comes)\n"
    "  --latency            measure \"bench_ns\" (CLOCK_MONOTONIC) in each event\n"
    "  --no-hello           the server greets nobody: ready after the 101\n"
    "  --raw                no WebSocket: connect and count bytes\n"
    "  --frame-bytes N      with --raw, the size of a frame (512)\n";

enum { HOST = 1, PORT, PATH, SUBPROTOCOL, TOKENS, ORIGIN, CONNECTIONS, RATE, IN_FLIGHT, SOURCES,
       PATIENCE, DURATION, FRAMES, EVENTS, GATHER, SLOW, LATENCY, NO_HELLO, RAW, FRAME_BYTES };

static const struct option names[] = {
    {"host", 1, NULL, HOST},           {"port", 1, NULL, PORT},
    {"path", 1, NULL, PATH},           {"subprotocol", 1, NULL, SUBPROTOCOL},
    {"tokens", 1, NULL, TOKENS},       {"origin", 1, NULL, ORIGIN},
    {"connections", 1, NULL, CONNECTIONS}, {"connect-rate", 1, NULL, RATE},
    {"in-flight", 1, NULL, IN_FLIGHT}, {"sources", 1, NULL, SOURCES},
    {"patience-s", 1, NULL, PATIENCE}, {"duration-s", 1, NULL, DURATION},
    {"frames", 1, NULL, FRAMES},       {"events", 1, NULL, EVENTS},
    {"gather-us", 1, NULL, GATHER},    {"slow-bytes-per-s", 1, NULL, SLOW},
    {"latency", 0, NULL, LATENCY},
    {"no-hello", 0, NULL, NO_HELLO},   {"raw", 0, NULL, RAW},
    {"frame-bytes", 1, NULL, FRAME_BYTES}, {NULL, 0, NULL, 0}};

static void refuse(const char *why) {
    fprintf(stderr, "sink: %s\n%s", why, usage);
    exit(2);
}

static void read_tokens(struct options *o, const char *file) {
    FILE *lines = fopen(file, "r");
    char *line = NULL;
    size_t room = 0;
    if (!lines) refuse("cannot open the file of --tokens");
    while (getline(&line, &room, lines) > 0) {
        line[strcspn(line, "\r\n")] = 0;
        if (!*line) continue;
        o->tokens = realloc(o->tokens, (size_t)(o->token_count + 1) * sizeof *o->tokens);
        if (!o->tokens) abort();
        o->tokens[o->token_count++] = strdup(line);
    }
    free(line);
    fclose(lines);
    if (!o->token_count) refuse("the file of --tokens is empty");
}

struct options read_options(int argc, char **argv) {
    struct options o = {.host = "127.0.0.1", .path = "/", .connections = 1, .in_flight = 64,
                        .patience_s = 30, .duration_s = 10, .raw_frame_bytes = 512};
    for (int name; (name = getopt_long(argc, argv, "", names, NULL)) != -1;) switch (name) {
        case HOST: o.host = optarg; break;
        case PORT: o.port = atoi(optarg); break;
        case PATH: o.path = optarg; break;
        case SUBPROTOCOL: o.subprotocol = optarg; break;
        case TOKENS: read_tokens(&o, optarg); break;
        case ORIGIN: o.origin = optarg; break;
        case CONNECTIONS: o.connections = atoi(optarg); break;
        case RATE: o.connect_rate = atof(optarg); break;
        case IN_FLIGHT: o.in_flight = atoi(optarg); break;
        case SOURCES: o.sources = atoi(optarg); break;
        case PATIENCE: o.patience_s = atof(optarg); break;
        case DURATION: o.duration_s = atof(optarg); break;
        case FRAMES: o.frame_limit = strtoull(optarg, NULL, 10); break;
        case EVENTS: o.event_limit = strtoull(optarg, NULL, 10); break;
        case GATHER: o.gather_us = (unsigned)atoi(optarg); break;
        case SLOW: o.slow = 1; o.slow_bytes_per_s = atof(optarg); break;
        case LATENCY: o.stamped = 1; break;
        case NO_HELLO: o.without_hello = 1; break;
        case RAW: o.raw = 1; break;
        case FRAME_BYTES: o.raw_frame_bytes = strtoull(optarg, NULL, 10); break;
        default: refuse("unknown option");
        }
    if (optind < argc || o.port <= 0 || o.port > 65535) refuse("--port is needed, 1 to 65535");
    if (o.connections < 1 || o.in_flight < 1 || o.sources < 0 || !o.raw_frame_bytes)
        refuse("a count must be positive");
    return o;
}
