/* What the sink says: a "ready" line on stderr, one JSON object on stdout at the end. */
#include "usage.h"
#include "sink.h"

static const char *const reason_names[REASONS] = {
    "connect_failed", "reset_by_peer", "end_of_stream", "bad_upgrade", "bad_frame", "timed_out"};

static double between_s(int64_t from, int64_t to) {
    return from && to > from ? (double)(to - from) / 1e9 : 0;
}

static double rate(double count, double span_s) {
    return span_s > 0 ? count / span_s : 0;
}

static void print_count(const char *name, uint64_t count) {
    printf("\"%s\":%llu,", name, (unsigned long long)count);
}

static void print_by_number(const char *name, const uint64_t *counts, int length) {
    const char *comma = "";
    printf("\"%s\":{", name);
    for (int i = 0; i < length; i++) {
        if (!counts[i]) continue;
        printf("%s\"%d\":%llu", comma, i, (unsigned long long)counts[i]);
        comma = ",";
    }
    printf("}");
}

static void print_errors(void) {
    const char *comma = "";
    printf("\"errors\":{");
    for (int i = 0; i < REASONS; i++) {
        if (!sink.reasons[i]) continue;
        printf("%s\"%s\":%llu", comma, reason_names[i], (unsigned long long)sink.reasons[i]);
        comma = ",";
    }
    printf("},");
    print_by_number("http_statuses", sink.statuses, STATUSES);
    printf(",");
    print_by_number("close_codes", sink.close_codes, CODES);
}

static double percentile_ms(double share) {
    return (double)histogram_percentile(&sink.tally.latency, share) / 1000;
}

static void print_latency(void) {
    printf("\"latency_ms\":{\"samples\":%llu,\"p50\":%.3f,\"p95\":%.3f,\"p99\":%.3f,"
           "\"max\":%.3f},", (unsigned long long)sink.tally.latency.samples, percentile_ms(0.5),
           percentile_ms(0.95), percentile_ms(0.99), (double)sink.tally.latency.largest / 1000);
}

static void print_connects(void) {
    double span_s = between_s(sink.first_connect_ns, sink.last_upgrade_ns);
    printf("\"connected\":%d,\"failed\":%d,\"connect_s\":%.4f,\"connects_per_s\":%.1f,"
           "\"hello_s\":%.4f", sink.upgraded, sink.options.connections - sink.upgraded, span_s,
           rate(sink.upgraded, span_s), between_s(sink.first_connect_ns, sink.ready_ns));
}

void report_ready(void) {
    fprintf(stderr, "ready %d of %d\n", sink.upgraded, sink.options.connections);
}

void report(void) {
    const struct tally *t = &sink.tally;
    double span_s = between_s(t->first_batch_ns, t->last_batch_ns);
    double own_cpu_s = sink.ready_ns ? cpu_s() - sink.ready_cpu_s : 0;
    printf("{");
    print_connects();
    printf(",");
    print_count("frames", t->frames);
    print_count("batches", t->batches);
    print_count("events", t->events);
    print_count("other_texts", t->other_texts);
    print_count("resets", t->resets);
    print_count("pings", t->pings);
    print_count("bytes", sink.bytes_read);
    print_count("batch_bytes", t->batch_bytes);
    printf("\"span_s\":%.4f,\"frames_per_s\":%.1f,\"cpu_s\":%.4f,\"frames_per_cpu_s\":%.1f,",
           span_s, rate((double)t->batches, span_s), own_cpu_s,
           rate((double)t->batches, own_cpu_s));
    if (sink.options.stamped) print_latency();
    print_errors();
    printf("}\n");
}
