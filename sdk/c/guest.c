#include "trocar_guest.h"

/* The bindings ask for an object file with the types of imports and exports; trocar-compose writes them in afterwards. */
void __component_type_object_force_link_trocar(void) {}

static void must(bool done) {
    if (!done) abort();
}

static trocar_string_t text(const char *word) {
    return (trocar_string_t){.ptr = (uint8_t *)word, .len = strlen(word)};
}

static trocar_guest_imaging_borrow_patient_t lent(tr_patient patient) {
    return trocar_guest_imaging_borrow_patient(patient);
}

void exports_trocar_map_patient(trocar_own_patient_t subject, trocar_list_param_t *params, trocar_list_f64_t *state,
                                trocar_list_list_f64_t *ret) {
    tr_job job = {.params = *params, .state = *state};
    tr_outputs out = {NULL, 0};
    algorithm(subject, &job, &out);
    *ret = (trocar_list_list_f64_t){.ptr = out.vectors, .len = out.count};
}

double tr_number(const tr_job *job, const char *name) {
    for (size_t i = 0; i < job->params.len; i++) {
        trocar_param_t *param = &job->params.ptr[i];
        if (!tr_is(param->name, name)) continue;
        switch (param->value.tag) {
        case TROCAR_GUEST_TYPES_VALUE_INTEGER: return (double)param->value.val.integer;
        case TROCAR_GUEST_TYPES_VALUE_REAL: return param->value.val.real;
        case TROCAR_GUEST_TYPES_VALUE_DAYS: return param->value.val.days;
        default: abort();
        }
    }
    abort();
}

bool tr_is(trocar_string_t given, const char *word) {
    return given.len == strlen(word) && memcmp(given.ptr, word, given.len) == 0;
}

tr_series_list tr_series_of(tr_patient patient) {
    tr_series_list found;
    trocar_guest_imaging_method_patient_series(lent(patient), &found);
    return found;
}

tr_volume tr_open(tr_patient patient, uint32_t series) {
    tr_volume volume;
    trocar_guest_imaging_fault_t fault;
    must(trocar_guest_imaging_method_patient_open(lent(patient), series, &volume, &fault));
    return volume;
}

void tr_close(tr_volume volume) { trocar_guest_imaging_volume_drop_own(volume); }

bool tr_open_mask(tr_patient patient, uint32_t series, const char *label, tr_mask *mask) {
    trocar_string_t name = text(label);
    trocar_guest_imaging_fault_t fault;
    if (trocar_guest_imaging_method_patient_open_mask(lent(patient), series, &name, mask, &fault)) return true;
    must(fault == TROCAR_GUEST_TYPES_FAULT_ABSENT);
    return false;
}

void tr_close_mask(tr_mask mask) { trocar_guest_imaging_mask_drop_own(mask); }

double tr_milliliters(tr_grid grid) { return grid.spacing_mm.f0 * grid.spacing_mm.f1 * grid.spacing_mm.f2 / 1000.0; }

tr_selection tr_all(void) {
    tr_selection all;
    memset(&all, 0, sizeof all);
    return all;
}

tr_selection tr_at_least(tr_selection of, double value) {
    of.at_least.is_some = true;
    of.at_least.val = value;
    return of;
}

tr_selection tr_below(tr_selection of, double value) {
    of.below.is_some = true;
    of.below.val = value;
    return of;
}

tr_bins tr_edges(const double *edges, size_t count) {
    tr_bins bins = {.tag = TROCAR_KERNELS_STATISTICS_BINS_EDGES};
    bins.val.edges.ptr = (double *)edges;
    bins.val.edges.len = count;
    return bins;
}

tr_bins tr_even_bins(double low, double high, uint32_t count) {
    tr_bins bins = {.tag = TROCAR_KERNELS_STATISTICS_BINS_EVEN};
    bins.val.even = (trocar_kernels_statistics_even_bins_t){.low = low, .high = high, .count = count};
    return bins;
}

tr_summary tr_describe(tr_volume volume, tr_selection which, const tr_mask *mask) {
    tr_summary found;
    trocar_kernels_statistics_fault_t fault;
    trocar_guest_imaging_borrow_mask_t inside;
    if (mask) inside = trocar_guest_imaging_borrow_mask(*mask);
    must(trocar_kernels_statistics_describe(trocar_guest_imaging_borrow_volume(volume), &which, mask ? &inside : NULL,
                                            &found, &fault));
    return found;
}

tr_distribution tr_histogram(tr_volume volume, tr_bins bins, tr_selection which, const tr_mask *mask) {
    tr_distribution found;
    trocar_kernels_statistics_fault_t fault;
    trocar_guest_imaging_borrow_mask_t inside;
    if (mask) inside = trocar_guest_imaging_borrow_mask(*mask);
    must(trocar_kernels_statistics_histogram(trocar_guest_imaging_borrow_volume(volume), &bins, &which,
                                             mask ? &inside : NULL, &found, &fault));
    return found;
}

tr_levels tr_width(double width, double start) {
    tr_levels levels = {.tag = TROCAR_KERNELS_RADIOMICS_LEVELS_WIDTH};
    levels.val.width = (trocar_kernels_radiomics_fixed_width_t){.width = width, .start = start};
    return levels;
}

/* Features are undefined of too few voxels, and of none; anything else ends the call. */
static bool defined(bool done, trocar_kernels_radiomics_fault_t fault) {
    must(done || fault == TROCAR_GUEST_TYPES_FAULT_UNSUPPORTED || fault == TROCAR_GUEST_TYPES_FAULT_ABSENT);
    return done;
}

bool tr_first_order(tr_volume volume, tr_mask mask, tr_features *found) {
    trocar_kernels_radiomics_fault_t fault = 0;
    bool done = trocar_kernels_radiomics_first_order(trocar_guest_imaging_borrow_volume(volume),
        trocar_guest_imaging_borrow_mask(mask), found, &fault);
    return defined(done, fault);
}

bool tr_intensities(tr_volume volume, tr_mask mask, tr_levels into, tr_features *found) {
    trocar_kernels_radiomics_fault_t fault = 0;
    bool done = trocar_kernels_radiomics_intensities(trocar_guest_imaging_borrow_volume(volume),
        trocar_guest_imaging_borrow_mask(mask), &into, found, &fault);
    return defined(done, fault);
}

bool tr_glcm(tr_volume volume, tr_mask mask, tr_levels into, bool merge, tr_features *found) {
    trocar_kernels_radiomics_fault_t fault = 0;
    bool done = trocar_kernels_radiomics_glcm(trocar_guest_imaging_borrow_volume(volume),
        trocar_guest_imaging_borrow_mask(mask), &into, merge, found, &fault);
    return defined(done, fault);
}

double tr_feature(tr_features of, const char *name) {
    for (size_t i = 0; i < of.len; i++)
        if (tr_is(of.ptr[i].name, name)) return of.ptr[i].value;
    abort();
}

static double *place(tr_outputs *out, size_t count) {
    out->vectors = realloc(out->vectors, (out->count + 1) * sizeof *out->vectors);
    double *values = malloc(count * sizeof *values);
    out->vectors[out->count++] = (trocar_list_f64_t){.ptr = values, .len = count};
    return values;
}

void tr_put(tr_outputs *out, double value) { *place(out, 1) = value; }

void tr_put_cell(tr_outputs *out, size_t cells, size_t cell) {
    double *values = place(out, cells);
    for (size_t i = 0; i < cells; i++) values[i] = i == cell ? 1.0 : 0.0;
}

void tr_put_vector(tr_outputs *out, const double *given, size_t count) {
    double *values = place(out, count);
    for (size_t i = 0; i < count; i++) values[i] = given[i];
}
