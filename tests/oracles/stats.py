#!/usr/bin/env python3
"""Statistics of the CT, MR or PET series of a folder, by pydicom and numpy: an oracle that shares no code with Trocar.

Pinned (the .tsv files beside this script were made with exactly these, on Python 3.11):
    numpy==2.4.6 pydicom==3.0.2 pylibjpeg==2.1.0 pylibjpeg-libjpeg==2.5.0 pylibjpeg-openjpeg==2.6.0 pyjpegls==1.5.1

    python3 -m venv /tmp/oracle && /tmp/oracle/bin/pip install <the line above>
    /tmp/oracle/bin/python tests/oracles/stats.py target/data/pydicom CT > tests/oracles/pydicom_ct.tsv
    /tmp/oracle/bin/python tests/oracles/stats.py <sts51 unpacked> PT > tests/oracles/sts51_pet.tsv
    # with --at-least V only voxels of at least V count, as for ct-intensity's parameter body_threshold

A voxel is float64 slope * stored + intercept, rounded once to float32. Sums are float64, the slices in the order of their
positions along the normal. `sd` is that of the population (divided by n). A series is what shares Patient ID and Series
Instance UID; it is left out, with a word on stderr, where its images are no evenly spaced stack. In the data named above every
patient has one such series of the modality, so a row is also a patient. Rows are sorted by grid and mean and carry no id.
"""
import argparse
import collections
import math
import pathlib
import sys
import warnings

import numpy as np
import pydicom

UNITS = {"CT": lambda image: "[hnsf'U]", "MR": lambda image: "1",
         "PT": lambda image: {"GML": "g/mL", "BQML": "Bq/mL"}[image.Units]}
HEAD = ["modality", "unit", "columns", "rows", "slices", "spacing_x_mm", "spacing_y_mm", "spacing_z_mm",
        "voxels", "mean", "sd", "min", "max"]


class Unusable(Exception):
    """This series is no volume."""


def images(folder, modality):
    """Every readable file of the modality with pixels, by (patient, series). pydicom names what it cannot read."""
    found = collections.defaultdict(list)
    for path in sorted(p for p in pathlib.Path(folder).rglob("*") if p.is_file()):
        try:
            image = pydicom.dcmread(path)
        except Exception:  # not DICOM: the folder may hold anything
            continue
        if image.get("Modality") == modality and image.get("PatientID") and "PixelData" in image:
            found[image.PatientID, image.SeriesInstanceUID].append(image)
    return found


def in_order(series):
    """The slices along the normal, and the distance between them."""
    if any("LOCALIZER" in image.get("ImageType", []) for image in series):
        raise Unusable("localizer")
    needed = ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing")
    if not all(image.get(key) for image in series for key in needed):
        raise Unusable("no geometry")
    first = np.array(series[0].ImageOrientationPatient, float)
    if any(np.abs(np.array(image.ImageOrientationPatient, float) - first).max() > 1e-3 for image in series):
        raise Unusable("orientation differs")
    normal = np.cross(first[:3], first[3:])
    depth = [float(np.dot(normal, np.array(image.ImagePositionPatient, float))) for image in series]
    ordered = sorted(zip(depth, range(len(series))))
    steps = np.diff([d for d, _ in ordered])
    if len(steps) and (steps.min() < 0.01 or np.abs(steps - steps.mean()).max() > max(0.06, 0.01 * steps.mean())):
        raise Unusable("no even stack")
    distance = float(steps.mean()) if len(steps) else float(series[0].SliceThickness)
    return [series[i] for _, i in ordered], distance


def voxels(image, modality):
    """One slice in calibrated units, as float32."""
    stored = image.pixel_array.astype(np.float64)
    if modality == "MR":
        return stored.astype(np.float32)
    return (float(image.RescaleSlope) * stored + float(image.RescaleIntercept)).astype(np.float32)


def row(series, modality, at_least):
    """The statistics of one series."""
    slices, distance = in_order(series)
    values = np.stack([voxels(image, modality) for image in slices]).astype(np.float64)
    depth, rows, columns = values.shape
    spacing = [float(v) for v in slices[0].PixelSpacing]
    values = values[values >= at_least]
    mean = float(values.sum() / values.size)
    sd = math.sqrt(float(((values - mean) ** 2).sum() / values.size))
    unit = UNITS[modality](slices[0])
    return [modality, unit, columns, rows, depth, spacing[1], spacing[0], distance,
            values.size, mean, sd, float(values.min()), float(values.max())]


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("folder")
    arguments.add_argument("modality", choices=sorted(UNITS))
    arguments.add_argument("--at-least", type=float, default=-math.inf, metavar="V")
    given = arguments.parse_args()
    warnings.simplefilter("ignore")
    table = []
    for series in images(given.folder, given.modality).values():
        try:
            table.append(row(series, given.modality, given.at_least))
        except Exception as reason:  # also what pydicom cannot decode
            print(f"left out a series of {len(series)}: {type(reason).__name__}: {reason}", file=sys.stderr)
    print("\t".join(HEAD))
    for line in sorted(table, key=lambda line: line[2:]):
        print("\t".join(repr(v) if isinstance(v, float) else str(v) for v in line))


if __name__ == "__main__":
    main()
