"""A synthetic cohort as pydicom and highdicom read it: the peer that sdk/testkit is held against.

    python3 -m venv /tmp/oracle
    /tmp/oracle/bin/pip install pydicom==3.0.2 numpy==2.4.6 highdicom==0.28.0 pylibjpeg==2.1.0 \
        pylibjpeg-libjpeg==2.5.0 pylibjpeg-rle==2.2.0
    /tmp/oracle/bin/python tests/oracles/cohort.py FOLDER

Reads every file of `testkit cohort -o FOLDER` without a warning, decodes every image, works out means, SUV by body
weight and lesion voxels by itself, and compares them with series.csv. Masks come from DICOM-SEG through highdicom and
from RTSTRUCT by the rule that a voxel belongs to a region where its centre lies inside a contour. Exit 1 and a line
for each difference; the last line counts files, series, SEG and RTSTRUCT.
"""
import csv
import pathlib
import sys
import warnings
from collections import defaultdict

import highdicom
import numpy as np
import pydicom
from pydicom import config

assert pydicom.__version__ == "3.0.2", "this oracle is pydicom 3.0.2"


def seconds(text):
    return int(text[:2]) * 3600 + int(text[2:4]) * 60 + int(text[4:6])


def suv_factor(dataset):
    """SUV of one Bq/mL: the weight in grams over the dose at the time that the image is corrected to."""
    if dataset.Units == "GML":
        return 1.0
    tracer = dataset.RadiopharmaceuticalInformationSequence[0]
    dose = float(tracer.RadionuclideTotalDose)
    if dataset.DecayCorrection == "START":
        delay = seconds(dataset.SeriesTime) - seconds(tracer.RadiopharmaceuticalStartTime)
        dose *= 2 ** (-delay / float(tracer.RadionuclideHalfLife))
    return float(dataset.PatientWeight) * 1000 / dose


def calibrated(dataset, pixels, frame):
    pixels = pixels.astype(np.float64)
    if dataset.Modality == "MR":
        return pixels
    place = dataset
    if "SharedFunctionalGroupsSequence" in dataset:
        place = dataset.SharedFunctionalGroupsSequence[0].PixelValueTransformationSequence[0]
    values = pixels * float(place.RescaleSlope) + float(place.RescaleIntercept)
    return values * suv_factor(dataset) if dataset.Modality == "PT" else values


def slices(dataset):
    """(depth, SOP Instance UID, frame number, voxels, first voxel's centre, spacing of columns and rows)."""
    pixels = dataset.pixel_array
    if pixels.ndim == 2:
        at = [float(v) for v in dataset.ImagePositionPatient]
        rows, columns = (float(v) for v in dataset.PixelSpacing)
        yield at[2], dataset.SOPInstanceUID, 1, calibrated(dataset, pixels, 0), at, (columns, rows)
        return
    measures = dataset.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
    rows, columns = (float(v) for v in measures.PixelSpacing)
    for number, frame in enumerate(dataset.PerFrameFunctionalGroupsSequence):
        at = [float(v) for v in frame.PlanePositionSequence[0].ImagePositionPatient]
        voxels = calibrated(dataset, pixels[number], number)
        yield at[2], dataset.SOPInstanceUID, number + 1, voxels, at, (columns, rows)


def from_seg(path, volume):
    seg = pydicom.dcmread(path)
    if seg.file_meta.TransferSyntaxUID.is_little_endian:
        # It reads no big endian; pydicom does.
        seg = highdicom.seg.segread(path)
    mask = np.zeros(volume_shape(volume), bool)
    pixels = seg.pixel_array.reshape(-1, seg.Rows, seg.Columns)
    depths = [round(s[0], 6) for s in volume]
    assert [segment.SegmentLabel for segment in seg.SegmentSequence] == ["Lesion"]
    half = 0.5 if seg.SegmentationType == "BINARY" else seg.MaximumFractionalValue / 2
    for frame, plane in zip(seg.PerFrameFunctionalGroupsSequence, pixels):
        at = frame.PlanePositionSequence[0].ImagePositionPatient
        slot = depths.index(round(float(at[2]), 6))
        source = frame.DerivationImageSequence[0].SourceImageSequence[0]
        assert source.ReferencedSOPInstanceUID == volume[slot][1]
        assert int(source.get("ReferencedFrameNumber", 1)) == volume[slot][2]
        mask[slot] |= plane >= half
    return mask


def inside(polygon, x, y):
    """Even crossings of a ray are outside."""
    found = np.zeros(x.shape, bool)
    for (ax, ay), (bx, by) in zip(polygon, np.roll(polygon, -1, axis=0)):
        if ay != by:
            found ^= ((ay > y) != (by > y)) & (x < (bx - ax) * (y - ay) / (by - ay) + ax)
    return found


def from_rtstruct(path, volume):
    dataset = pydicom.dcmread(path)
    assert [roi.ROIName for roi in dataset.StructureSetROISequence] == ["Lesion"]
    mask = np.zeros(volume_shape(volume), bool)
    by_source = {(s[1], s[2]): i for i, s in enumerate(volume)}
    for contour in dataset.ROIContourSequence[0].ContourSequence:
        image = contour.ContourImageSequence[0]
        slot = by_source[image.ReferencedSOPInstanceUID, int(image.get("ReferencedFrameNumber", 1))]
        points = np.array([float(v) for v in contour.ContourData]).reshape(-1, 3)
        assert len(points) == int(contour.NumberOfContourPoints)
        depth, _, _, voxels, at, (columns, rows) = volume[slot]
        assert np.allclose(points[:, 2], depth, atol=1e-9)
        y, x = np.mgrid[: voxels.shape[0], : voxels.shape[1]]
        mask[slot] ^= inside(points[:, :2], at[0] + x * columns, at[1] + y * rows)
    return mask


def volume_shape(volume):
    return (len(volume), *volume[0][3].shape)


def truth_of(volume, modality):
    """Lesions by threshold, as the testkit states that they can be found."""
    voxels = np.stack([s[3] for s in volume])
    body, lesion = {"CT": (-500, 100), "MR": (100, 500), "PT": (0.15, 2.5)}[modality]
    return voxels, voxels > body, voxels > lesion


def table(path):
    with path.open() as file:
        return list(csv.DictReader(file))


def main(folder):
    config.settings.reading_validation_mode = config.RAISE
    warnings.simplefilter("error")
    planted = set()
    if (folder / "faults.csv").exists():
        planted = {row["file"] for row in table(folder / "faults.csv")}
    rows = {(row["patient_id"], row["modality"]): row for row in table(folder / "series.csv")}
    wrong, files, series, masks = [], 0, defaultdict(list), {}
    for path in sorted((folder / "dicom").rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_dir() or name in planted:
            continue
        dataset = pydicom.dcmread(path)
        for element in dataset.iterall():
            element.value
        files += 1
        if dataset.Modality in ("SEG", "RTSTRUCT"):
            masks[dataset.PatientID, path.stem, dataset.Modality] = path
        else:
            series[dataset.PatientID, dataset.Modality].extend(slices(dataset))
    if any("/RTSTRUCT/" in str(p) or "/SEG/" in str(p) for p in planted):
        wrong.append("a mask is a planted fault")
    counts = {"SEG": 0, "RTSTRUCT": 0}
    for key, volume in series.items():
        row = rows[key]
        if any(name.split("/")[1] == key[0] for name in planted):
            continue
        volume.sort(key=lambda s: s[0])
        voxels, body, lesion = truth_of(volume, key[1])
        for name, got in [
            ("lesion_voxels", lesion.sum()),
            ("mean", voxels.mean()),
            ("body_mean", voxels[body].mean()),
            ("lesion_mean", voxels[lesion].mean() if lesion.any() else None),
        ]:
            stated = float(row[name]) if row[name] else None
            if (got is None) != (stated is None) or got is not None and abs(got - stated) > 1e-8 * abs(stated) + 1e-9:
                wrong.append(f"{key} {name}: {got} is not {stated}")
        shape = (int(row["slices"]), int(row["rows"]), int(row["columns"]))
        if voxels.shape != shape:
            wrong.append(f"{key}: {voxels.shape} is not {shape}")
        for kind, read in [("SEG", from_seg), ("RTSTRUCT", from_rtstruct)]:
            path = masks.get((*key, kind))
            if path is None:
                if lesion.any() and any(k == kind for _, _, k in masks):
                    wrong.append(f"{key}: no {kind}")
                continue
            counts[kind] += 1
            if not np.array_equal(read(path, volume), lesion):
                wrong.append(f"{key}: the mask of {path.name} in {kind} is not the lesion")
    print(*wrong, sep="\n", end="\n" if wrong else "")
    print(files, len(series), counts["SEG"], counts["RTSTRUCT"])
    sys.exit(bool(wrong))


main(pathlib.Path(sys.argv[1]))
