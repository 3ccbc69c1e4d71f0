/* First-order and co-occurrence features of a lesion on CT: radiomics, from C.
 *
 * Takes the voxels of the segmentation `Lesion` on the patient's first CT series that has one. Grey levels are bins of 25 HU
 * from -1000 HU on. Outputs, as in manifest.toml: seven means, and a histogram of the joint entropy. */
#include "trocar_guest.h"

enum { MEANS = 7, BINS = 8 };

/* Edges of joint_entropy_histogram, in bits. */
static const double EDGES[BINS + 1] = {0, 1, 2, 3, 4, 5, 6, 8, 16};

/* The first CT series with the lesion's mask, and that mask. */
static bool segmented(tr_patient patient, uint32_t *series, tr_mask *mask) {
    tr_series_list all = tr_series_of(patient);
    for (*series = 0; *series < all.len; ++*series)
        if (tr_is(all.ptr[*series].modality, "CT") && tr_open_mask(patient, *series, "Lesion", mask)) return true;
    return false;
}

/* Mean, sd, skewness, entropy, contrast, joint entropy and inverse difference moment, in the order of the outputs. */
static bool features(tr_patient patient, double means[MEANS]) {
    uint32_t series;
    tr_mask mask;
    if (!segmented(patient, &series, &mask)) return false;
    tr_volume volume = tr_open(patient, series);
    tr_levels levels = tr_width(25, -1000);
    tr_features first, grey, texture;
    if (!tr_first_order(volume, mask, &first) || !tr_intensities(volume, mask, levels, &grey) ||
        !tr_glcm(volume, mask, levels, true, &texture))
        return false;
    means[0] = tr_feature(first, "mean");
    means[1] = sqrt(tr_feature(first, "variance"));
    means[2] = tr_feature(first, "skewness");
    means[3] = tr_feature(grey, "entropy");
    means[4] = tr_feature(texture, "contrast");
    means[5] = tr_feature(texture, "joint_entropy");
    means[6] = tr_feature(texture, "inverse_difference_moment");
    return true;
}

void algorithm(tr_patient patient, const tr_job *job, tr_outputs *out) {
    (void)job;
    double means[MEANS];
    bool found = features(patient, means);
    size_t bin = 0;
    while (found && bin < BINS && means[5] >= EDGES[bin + 1]) bin++;
    for (size_t i = 0; i < MEANS; i++) tr_put(out, found ? means[i] : NAN);
    tr_put_cell(out, BINS, found ? bin : BINS);
}
