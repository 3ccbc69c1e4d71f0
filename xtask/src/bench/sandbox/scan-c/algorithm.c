/* Mean, sd, min, max and a histogram of 256 bins over the first series, for `cargo xtask bench sandbox`. */
#include "trocar_guest.h"

enum { BINS = 256 };

void algorithm(tr_patient patient, const tr_job *job, tr_outputs *out) {
    (void)job;
    tr_volume volume = tr_open(patient, 0);
    tr_distribution found = tr_histogram(volume, tr_even_bins(-1024, 3072, BINS), tr_all(), NULL);
    tr_close(volume);
    double numbers[4 + BINS] = {found.summary.mean, found.summary.sd, found.summary.min, found.summary.max};
    for (size_t bin = 0; bin < BINS; bin++) numbers[4 + bin] = (double)found.counts.ptr[bin];
    tr_put_vector(out, numbers, 4 + BINS);
}
