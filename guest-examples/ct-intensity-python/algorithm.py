"""Mean CT intensity and its distribution inside the body: ct-intensity, from Python.

The body is every voxel of the patient's CT series at or above the parameter `body_threshold`. Outputs, as in
manifest.toml: `intensity` (mean HU) and `intensity_histogram` (share of the body's voxels in each bin).
"""

from trocar import algorithm, edges, histogram, number, select, weights

# Edges of intensity_histogram, in HU: lung, fat, soft tissue, contrast, bone.
EDGES = [-1024.0, -500.0, -150.0, -30.0, 20.0, 80.0, 300.0, 1000.0, 3072.0]


@algorithm
def ct_intensity(patient, params):
    body = select(at_least=params["body_threshold"])
    voxels, total, counts = 0, 0.0, [0] * (len(EDGES) - 1)
    for index, series in enumerate(patient.series()):
        if series.modality != "CT":
            continue
        with patient.open(index) as volume:
            found = histogram(volume, edges(EDGES), body)
        voxels += found.summary.voxels
        total += found.summary.sum
        counts = [a + b for a, b in zip(counts, found.counts)]
    mean = total / voxels if voxels else None
    return [number(mean), weights(n / max(voxels, 1) for n in counts)]
