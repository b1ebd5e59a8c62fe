/* Latencies in microseconds, counted in log-linear buckets: 64 per power of two, so a
 * percentile is wrong by 1.6 % at most and an hour of samples costs 30 KB. */
#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

#include <stdint.h>

enum { PER_OCTAVE = 64, BUCKETS = 60 * PER_OCTAVE };

struct histogram {
    uint64_t samples, largest;
    uint64_t bucket[BUCKETS];
};

static inline unsigned bucket_of(uint64_t value) {
    if (value < PER_OCTAVE) return (unsigned)value;
    unsigned shift = 63u - (unsigned)__builtin_clzll(value) - 6u;
    return (shift + 1) * PER_OCTAVE + (unsigned)(value >> shift) - PER_OCTAVE;
}

/* The largest value that the bucket holds: a percentile must not flatter. */
static inline uint64_t bucket_top(unsigned index) {
    if (index < PER_OCTAVE) return index;
    unsigned shift = index / PER_OCTAVE - 1;
    return (((uint64_t)(index % PER_OCTAVE) + PER_OCTAVE + 1) << shift) - 1;
}

static inline void histogram_add(struct histogram *h, uint64_t value) {
    h->samples++;
    h->bucket[bucket_of(value)]++;
    if (value > h->largest) h->largest = value;
}

static inline uint64_t histogram_percentile(const struct histogram *h, double share) {
    uint64_t rank = (uint64_t)(share * (double)h->samples), seen = 0;
    for (unsigned i = 0; i < BUCKETS; i++) {
        seen += h->bucket[i];
        if (seen > rank) return bucket_top(i) < h->largest ? bucket_top(i) : h->largest;
    }
    return h->largest;
}

#endif
