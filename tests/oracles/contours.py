#!/usr/bin/env python3
"""Voxels, volume and mean inside a region of an RTSTRUCT, by pydicom and numpy: an oracle that shares no code with Trocar.

Pinned (the .tsv files beside this script were made with exactly these, on Python 3.11): numpy==2.4.6 pydicom==3.0.2

    python3 -m venv /tmp/oracle && /tmp/oracle/bin/pip install <the line above>
    /tmp/oracle/bin/python tests/oracles/contours.py <sts51 unpacked> GTV_Mass_PET > tests/oracles/sts51_tumour.tsv
    /tmp/oracle/bin/python tests/oracles/contours.py <sts5 unpacked> GTV_Mass_CT GTV_Mass_MR_T1 GTV_Mass_PET \
        > tests/oracles/sts5_tumour.tsv
    # with --against sts51_pet_reference.tsv: how far MIRP's masks are from these, on stderr

The rule: a voxel is inside where its centre is inside an odd number of the region's closed contours on the plane of its slice. A
contour lies on the slice with -1/2 <= distance < 1/2 in slices. On a boundary, what has the smaller column or row is inside: a
centre on the left or upper edge is in, on the right or lower edge it is out. Centres are tested one by one against all edges, in
double precision; Trocar fills rows instead. A row is a patient, a label and the series that the RTSTRUCT names.
"""
import argparse
import collections
import pathlib
import statistics
import sys

import numpy as np
import pydicom

HEAD = ["patient", "label", "modality", "voxels", "voxel_ml", "volume_ml", "mean"]


def objects(folder):
    """Images by (patient, series), and RTSTRUCTs by patient."""
    images, structures = collections.defaultdict(list), collections.defaultdict(list)
    for path in sorted(p for p in pathlib.Path(folder).rglob("*") if p.is_file()):
        one = pydicom.dcmread(path)
        if one.Modality == "RTSTRUCT":
            structures[one.PatientID].append(one)
        else:
            images[one.PatientID, one.SeriesInstanceUID].append(one)
    return images, structures


class Series:
    """Slices in order, with the axes that turn a place into column, row and slice."""

    def __init__(self, slices):
        first = slices[0]
        self.axes = np.array(first.ImageOrientationPatient, float).reshape(2, 3)
        normal = np.cross(*self.axes)
        normal = normal / np.linalg.norm(normal)
        depth = lambda image: float(np.dot(np.array(image.ImagePositionPatient, float), normal))
        self.slices = sorted(slices, key=depth)
        self.axes = np.vstack([self.axes, normal])
        self.origin = np.array(self.slices[0].ImagePositionPatient, float)
        distance = (depth(self.slices[-1]) - depth(self.slices[0])) / (len(slices) - 1)
        down, across = (float(v) for v in first.PixelSpacing)
        self.spacing = np.array([across, down, distance])
        self.size = (first.Columns, first.Rows, len(slices))

    def index(self, points):
        """Columns, rows and slices, with fractions, of places in mm."""
        return ((points - self.origin) @ self.axes.T) / self.spacing

    def values(self):
        """Calibrated voxels as float32: slices, rows, columns."""
        one = lambda i: i.pixel_array * float(i.get("RescaleSlope", 1)) + float(i.get("RescaleIntercept", 0))
        stored = lambda i: i.pixel_array.astype(np.float64)
        read = stored if self.slices[0].Modality == "MR" else one
        return np.stack([read(i).astype(np.float32) for i in self.slices])


def inside(contour, columns, rows):
    """Whether each centre has an odd number of edges to its left."""
    px, py = np.meshgrid(np.arange(columns, dtype=float), np.arange(rows, dtype=float))
    odd = np.zeros((rows, columns), bool)
    for a, b in zip(contour, np.roll(contour, -1, axis=0)):
        (x, y), (u, v) = (a, b) if a[1] <= b[1] else (b, a)
        if y == v:
            continue
        crossed = (y <= py) & (py < v)
        odd ^= crossed & (x + (py - y) * (u - x) / (v - y) <= px)
    return odd


def mask(series, structure, label):
    """The region as slices, rows, columns."""
    columns, rows, count = series.size
    found = np.zeros((count, rows, columns), bool)
    numbers = [r.ROINumber for r in structure.StructureSetROISequence if r.ROIName == label]
    for region in structure.ROIContourSequence:
        if region.ReferencedROINumber not in numbers:
            continue
        for contour in region.ContourSequence:
            assert contour.ContourGeometricType == "CLOSED_PLANAR"
            at = series.index(np.array(contour.ContourData, float).reshape(-1, 3))
            assert np.ptp(at[:, 2]) * series.spacing[2] < 0.2
            on = int(np.floor((at[:, 2].min() + at[:, 2].max()) / 2 + 0.5))
            if 0 <= on < count:
                found[on] ^= inside(at[:, :2], columns, rows)
    return found


def rows(folder, labels):
    """A row for each patient and label."""
    images, structures = objects(folder)
    for patient, regions in sorted(structures.items()):
        for structure in regions:
            named = structure.ReferencedFrameOfReferenceSequence[0].RTReferencedStudySequence[0]
            uid = named.RTReferencedSeriesSequence[0].SeriesInstanceUID
            series = Series(images[patient, uid])
            for label in labels:
                if label in [r.ROIName for r in structure.StructureSetROISequence]:
                    voxels = series.values()[mask(series, structure, label)].astype(np.float64)
                    voxel_ml = float(np.prod(series.spacing)) / 1000
                    modality = series.slices[0].Modality
                    yield [patient, label, modality, voxels.size, voxel_ml, voxels.size * voxel_ml, float(voxels.mean())]


def compare(table, reference):
    """How far another table of masks is from this one, on stderr."""
    lines = [line.split("\t") for line in pathlib.Path(reference).read_text().splitlines()]
    at = {name: i for i, name in enumerate(lines[0])}
    other = {line[0]: (int(line[at["mask_voxels"]]), float(line[at["suv_mean"]])) for line in lines[1:]}
    off = [(row[3] / other[row[0]][0] - 1, row[6] / other[row[0]][1] - 1, row[0]) for row in table]
    say = lambda text: print(text, file=sys.stderr)
    for which, name in ((0, "voxels"), (1, "mean")):
        worst = max(off, key=lambda o: abs(o[which]))
        middle = statistics.median(abs(o[which]) for o in off)
        say(f"{name}: median |difference| {middle:.5f}, largest {worst[which]:+.5f} ({worst[2]})")
    voxels = sum(row[3] for row in table)
    say(f"voxels in all {voxels} / {sum(v for v, _ in other.values())}")
    say(f"mean of means {statistics.mean(row[6] for row in table):.6f} / {statistics.mean(m for _, m in other.values()):.6f}")
    say(f"pooled mean {sum(row[3] * row[6] for row in table) / voxels:.6f}, median volume {statistics.median(r[5] for r in table):.3f}")


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("folder")
    arguments.add_argument("labels", nargs="+")
    arguments.add_argument("--against", metavar="TSV")
    given = arguments.parse_args()
    table = list(rows(given.folder, given.labels))
    print("\t".join(HEAD))
    for line in table:
        print("\t".join(repr(v) if isinstance(v, float) else str(v) for v in line))
    if given.against:
        compare(table, given.against)


if __name__ == "__main__":
    main()
