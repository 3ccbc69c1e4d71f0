"""Mean SUV and volume of the tumour in PET: pet-tumour, from Python.

Takes the voxels of the segmentation `GTV_Mass_PET` on the patient's first PET series in SUV (unit g/mL) that has one.
Outputs, as in manifest.toml: `suv_mean` (mean, g/mL), `volume_mean` (mean, mL) and `volume_histogram` (mL).
"""

from bisect import bisect_right

from trocar import algorithm, cell, describe, milliliters, number, open_mask

# The segmentation, as RTSTRUCT's ROI Name or SEG's Segment Label.
LABEL = "GTV_Mass_PET"

# Edges of volume_histogram, in mL.
EDGES = [0.0, 10.0, 50.0, 100.0, 500.0, 1000.0, 10000.0]


@algorithm
def pet_tumour(patient, params):
    for index, series in enumerate(patient.series()):
        # A PET series in Bq/mL has no SUV without the patient's weight, so it does not count.
        if series.modality != "PT" or series.unit != "g/mL":
            continue
        mask = open_mask(patient, index, LABEL)
        if mask is None:
            continue
        with mask, patient.open(index) as volume:
            found = describe(volume, mask=mask)
        size = found.voxels * milliliters(series.grid)
        mean = found.mean if found.voxels else None
        return [number(mean), number(size), cell(len(EDGES) - 1, bisect_right(EDGES, size) - 1)]
    return [number(None), number(None), cell(len(EDGES) - 1, None)]
