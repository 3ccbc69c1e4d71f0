/* Mean SUV and volume of the tumour in PET: pet-tumour, from C.
 *
 * Takes the voxels of the segmentation `GTV_Mass_PET` on the patient's first PET series in SUV (unit g/mL) that has one.
 * Outputs, as in manifest.toml: `suv_mean` (mean, g/mL), `volume_mean` (mean, mL) and `volume_histogram` (mL). */
#include "trocar_guest.h"

enum { BINS = 6 };

/* Edges of volume_histogram, in mL. */
static const double EDGES[BINS + 1] = {0, 10, 50, 100, 500, 1000, 10000};

/* The bin that holds a volume; BINS where none does. */
static size_t bin_of(double ml) {
    size_t bin = 0;
    while (bin < BINS && ml >= EDGES[bin + 1]) bin++;
    return bin;
}

void algorithm(tr_patient patient, const tr_job *job, tr_outputs *out) {
    (void)job;
    tr_series_list all = tr_series_of(patient);
    double mean = NAN, ml = NAN;
    for (uint32_t i = 0; i < all.len && isnan(ml); i++) {
        tr_series *series = &all.ptr[i];
        tr_mask mask;
        /* A PET series in Bq/mL has no SUV without the patient's weight, so it does not count. */
        if (!tr_is(series->modality, "PT") || !tr_is(series->unit, "g/mL")) continue;
        if (!tr_open_mask(patient, i, "GTV_Mass_PET", &mask)) continue;
        tr_volume volume = tr_open(patient, i);
        tr_summary found = tr_describe(volume, tr_all(), &mask);
        tr_close(volume);
        tr_close_mask(mask);
        mean = found.voxels ? found.mean : NAN;
        ml = (double)found.voxels * tr_milliliters(series->grid);
    }
    tr_put(out, mean);
    tr_put(out, ml);
    tr_put_cell(out, BINS, isnan(ml) ? BINS : bin_of(ml));
}
