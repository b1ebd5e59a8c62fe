#include "frames.h"

#include <string.h>

enum cut cut_frame(const char *bytes, size_t length, struct frame *frame, size_t *used) {
    const unsigned char *head = (const unsigned char *)bytes;
    if (length < 2) return CUT_MORE;
    /* FIN without RSV, and no mask: our server neither fragments nor compresses. */
    if ((head[0] & 0xf0) != 0x80 || head[1] & 0x80) return CUT_BAD;

    size_t size = head[1], start = 2;
    if (size >= 126) {
        start = size == 126 ? 4 : 10;
        if (length < start) return CUT_MORE;
        size = 0;
        for (size_t i = 2; i < start; i++) size = size << 8 | head[i];
    }
    *used = start + size;
    if (length - start < size) return CUT_MORE;
    *frame = (struct frame){head[0] & 0x0f, bytes + start, size};
    return CUT_FRAME;
}

static int begins(const struct frame *frame, const char *text, size_t length) {
    return frame->length >= length && memcmp(frame->payload, text, length) == 0;
}

#define BEGINS(frame, text) begins(frame, text, sizeof text - 1)

static uint64_t count_marks(const struct frame *frame, const char *mark, size_t length) {
    const char *at = frame->payload, *end = at + frame->length;
    uint64_t count = 0;
    while ((at = memmem(at, (size_t)(end - at), mark, length))) {
        count++;
        at += length;
    }
    return count;
}

static void add_latencies(struct tally *tally, const struct frame *frame, int64_t now) {
    static const char mark[] = "\"bench_ns\":";
    const char *at = frame->payload, *end = at + frame->length;
    while ((at = memmem(at, (size_t)(end - at), mark, sizeof mark - 1))) {
        int64_t stamp = 0;
        for (at += sizeof mark - 1; at < end && *at >= '0' && *at <= '9'; at++)
            stamp = stamp * 10 + (*at - '0');
        histogram_add(&tally->latency, now > stamp ? (uint64_t)(now - stamp) / 1000 : 0);
    }
}

int tally_text(struct tally *tally, const struct frame *frame, int stamped, int64_t now) {
    static const char event[] = "{\"seq\":";
    if (BEGINS(frame, "{\"type\":\"batch\"")) {
        if (!tally->batches++) tally->first_batch_ns = now;
        tally->last_batch_ns = now;
        tally->batch_bytes += frame->length + (frame->length < 126 ? 2 : frame->length < 65536 ? 4 : 10);
        tally->events += count_marks(frame, event, sizeof event - 1);
        if (stamped) add_latencies(tally, frame, now);
        return 0;
    }
    tally->other_texts++;
    if (BEGINS(frame, "{\"type\":\"reset\"")) tally->resets++;
    return BEGINS(frame, "{\"type\":\"hello\"");
}
