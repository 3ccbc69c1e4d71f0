"""Voxels as pydicom and numpy see them: the peer that runtime/imaging is held against.

    python3 -m venv /tmp/oracle
    /tmp/oracle/bin/pip install pydicom==3.0.2 numpy==2.4.6 pylibjpeg==2.1.0 \
        pylibjpeg-libjpeg==2.5.0 pylibjpeg-openjpeg==2.6.0 pylibjpeg-rle==2.2.0
    /tmp/oracle/bin/python tests/oracles/pixels.py files FOLDER   > tests/oracles/pixels_NAME.tsv
    /tmp/oracle/bin/python tests/oracles/pixels.py series FOLDER  > tests/oracles/pixels_NAME.tsv
    /tmp/oracle/bin/python tests/oracles/pixels.py check FOLDER   (exit 1 where pydicom warns of anything)

A row of `files` is a file and the SHA-256 of its voxels; one of `series` is patient, modality, columns, rows, slices,
digest, mean and standard deviation. Voxels are float32, little endian, slices along the normal: stored values times
slope plus intercept in float64, rounded once; MR is left as it is stored. Nothing of runtime/imaging is shared.
"""
import hashlib
import pathlib
import sys
import warnings
from collections import defaultdict

import numpy as np
import pydicom

assert pydicom.__version__ == "3.0.2", "this oracle is pydicom 3.0.2"
KINDS = ("CT", "MR", "PT")


def group(dataset, frame, macro, keyword):
    """An attribute of a frame: its own functional group, the shared one, or the top level."""
    places = []
    if "PerFrameFunctionalGroupsSequence" in dataset:
        places.append(dataset.PerFrameFunctionalGroupsSequence[frame])
    if "SharedFunctionalGroupsSequence" in dataset:
        places.append(dataset.SharedFunctionalGroupsSequence[0])
    for place in places:
        if macro in place and keyword in place[macro].value[0]:
            return place[macro].value[0][keyword].value
    return dataset.get(keyword)


def slices(dataset):
    """Pairs of (place along the normal, float32 voxels)."""
    stored = dataset.pixel_array
    if stored.ndim == 2:
        stored = stored[None]
    for frame, pixels in enumerate(stored):
        row = np.array(group(dataset, frame, "PlaneOrientationSequence", "ImageOrientationPatient"), float)
        place = np.array(group(dataset, frame, "PlanePositionSequence", "ImagePositionPatient"), float)
        values = pixels.astype(np.float64)
        if dataset.Modality != "MR":
            macro = "PixelValueTransformationSequence"
            slope = float(group(dataset, frame, macro, "RescaleSlope"))
            intercept = float(group(dataset, frame, macro, "RescaleIntercept"))
            values = slope * values + intercept
        yield float(np.cross(row[:3], row[3:]) @ place), values.astype("<f4")


def volume(datasets):
    found = sorted((pair for d in datasets for pair in slices(d)), key=lambda pair: pair[0])
    return np.stack([voxels for _, voxels in found])


def digest(voxels):
    return "sha256:" + hashlib.sha256(np.ascontiguousarray(voxels).tobytes()).hexdigest()


def read(folder):
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        try:
            dataset = pydicom.dcmread(path)
        except Exception:
            continue
        if dataset.get("Modality") in KINDS:
            yield path, dataset


def files(folder):
    for path, dataset in read(folder):
        try:
            print(path.relative_to(folder).as_posix(), digest(volume([dataset])), sep="\t")
        except Exception as error:
            print(path, error, file=sys.stderr)


def series(folder):
    found = defaultdict(list)
    for _, dataset in read(folder):
        found[str(dataset.PatientID), dataset.Modality, dataset.SeriesInstanceUID].append(dataset)
    for (patient, modality, _), datasets in sorted(found.items()):
        voxels = volume(datasets)
        size = voxels.shape[::-1]
        wide = voxels.astype(np.float64)
        print(patient, modality, *size, digest(voxels), repr(float(wide.mean())), repr(float(wide.std())), sep="\t")


def check(folder):
    """Every file of a folder is read, decoded and validated by pydicom without a word."""
    from pydicom import config

    config.settings.reading_validation_mode = config.RAISE
    config.settings.writing_validation_mode = config.RAISE
    count = 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for path in sorted(folder.rglob("*.dcm")):
            dataset = pydicom.dcmread(path)
            dataset.pixel_array
            for element in dataset.iterall():
                element.value
            count += 1
    print(count)
    if count == 0:
        sys.exit("no .dcm file")


{"files": files, "series": series, "check": check}[sys.argv[1]](pathlib.Path(sys.argv[2]))
