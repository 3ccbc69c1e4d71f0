/* Mean CT intensity and its distribution inside the body: ct-intensity, from C.
 *
 * The body is every voxel of the patient's CT series at or above the parameter `body_threshold`. Outputs, as in
 * manifest.toml: `intensity` (mean HU) and `intensity_histogram` (share of the body's voxels in each bin). */
#include "trocar_guest.h"

enum { BINS = 8 };

/* Edges of intensity_histogram, in HU: lung, fat, soft tissue, contrast, bone. */
static const double EDGES[BINS + 1] = {-1024, -500, -150, -30, 20, 80, 300, 1000, 3072};

void algorithm(tr_patient patient, const tr_job *job, tr_outputs *out) {
    tr_selection body = tr_at_least(tr_all(), tr_number(job, "body_threshold"));
    tr_series_list all = tr_series_of(patient);
    double voxels = 0, sum = 0, shares[BINS] = {0};
    for (uint32_t i = 0; i < all.len; i++) {
        if (!tr_is(all.ptr[i].modality, "CT")) continue;
        tr_volume volume = tr_open(patient, i);
        tr_distribution found = tr_histogram(volume, tr_edges(EDGES, BINS + 1), body, NULL);
        tr_close(volume);
        voxels += (double)found.summary.voxels;
        sum += found.summary.sum;
        for (size_t bin = 0; bin < BINS; bin++) shares[bin] += (double)found.counts.ptr[bin];
    }
    for (size_t bin = 0; bin < BINS && voxels > 0; bin++) shares[bin] /= voxels;
    tr_put(out, voxels > 0 ? sum / voxels : NAN);
    tr_put_vector(out, shares, BINS);
}
