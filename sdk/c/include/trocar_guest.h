/* Write a Trocar algorithm in C: one pure function over one patient.
 *
 * trocar.h, which the build writes, declares all that the contract (sdk/wit) and the kernels (sdk/kernels/wit) have. What
 * follows are shorter names for most of it. Where the host refuses something these functions end the call, and the
 * patient gets the default contribution; to go on instead, call the function of trocar.h. */
#pragma once
#include "trocar.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef trocar_own_patient_t tr_patient;
typedef trocar_guest_imaging_own_volume_t tr_volume;
typedef trocar_guest_imaging_own_mask_t tr_mask;
typedef trocar_guest_imaging_list_series_info_t tr_series_list;
typedef trocar_guest_types_series_info_t tr_series;
typedef trocar_guest_types_grid_t tr_grid;
typedef trocar_kernels_statistics_selection_t tr_selection;
typedef trocar_kernels_statistics_summary_t tr_summary;
typedef trocar_kernels_statistics_distribution_t tr_distribution;
typedef trocar_kernels_statistics_bins_t tr_bins;

/* The job's parameters, and the last round's released vector (empty in the first). */
typedef struct {
    trocar_list_param_t params;
    trocar_list_f64_t state;
} tr_job;

/* What the algorithm says of a patient: one vector for each [[outputs]] of the manifest, in that order. */
typedef struct {
    trocar_list_f64_t *vectors;
    size_t count;
} tr_outputs;

/* The guest's own function. Handles that it opens and does not close are closed after it. */
void algorithm(tr_patient patient, const tr_job *job, tr_outputs *out);

/* An integer, real or days parameter of the manifest. */
double tr_number(const tr_job *job, const char *name);

/* Whether a text of the host is this one. */
bool tr_is(trocar_string_t text, const char *word);

/* The patient's series, of the granted modalities. */
tr_series_list tr_series_of(tr_patient patient);
tr_volume tr_open(tr_patient patient, uint32_t series);
void tr_close(tr_volume volume);
/* Whether the patient has such a segmentation; if so it is opened. */
bool tr_open_mask(tr_patient patient, uint32_t series, const char *label, tr_mask *mask);
void tr_close_mask(tr_mask mask);

/* The volume of a voxel, in mL. */
double tr_milliliters(tr_grid grid);

/* Voxels: all; those at least so much, and less than so much. */
tr_selection tr_all(void);
tr_selection tr_at_least(tr_selection of, double value);
tr_selection tr_below(tr_selection of, double value);

/* Bins between increasing edges, of which there is one more than bins; bins of one width. */
tr_bins tr_edges(const double *edges, size_t count);
tr_bins tr_even_bins(double low, double high, uint32_t count);

/* Kernels: of the selected voxels, and of those alone that the mask has, where one is given (or NULL). */
tr_summary tr_describe(tr_volume volume, tr_selection which, const tr_mask *mask);
tr_distribution tr_histogram(tr_volume volume, tr_bins bins, tr_selection which, const tr_mask *mask);

/* Radiomics (IBSI) of the voxels that a mask has: a feature by its name. Grey levels are bins of a width, level 1 from `start`
 * on; `merge`: of all directions' common matrix, else the mean over directions. False: not defined for these voxels. */
typedef trocar_kernels_radiomics_list_feature_t tr_features;
typedef trocar_kernels_radiomics_levels_t tr_levels;
tr_levels tr_width(double width, double start);
bool tr_first_order(tr_volume volume, tr_mask mask, tr_features *found);
bool tr_intensities(tr_volume volume, tr_mask mask, tr_levels into, tr_features *found);
bool tr_glcm(tr_volume volume, tr_mask mask, tr_levels into, bool merge, tr_features *found);
double tr_feature(tr_features of, const char *name);

/* Outputs: a number (NAN: she has none), one cell of several (cells or more: none), weights or any other vector. */
void tr_put(tr_outputs *out, double value);
void tr_put_cell(tr_outputs *out, size_t cells, size_t cell);
void tr_put_vector(tr_outputs *out, const double *values, size_t count);
