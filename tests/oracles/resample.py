"""Voxels of series on other grids, as ITK interpolates them: the peer of runtime/imaging's resampling.

    pip install pydicom==3.0.2 numpy==2.4.6 SimpleITK==2.5.7
    python tests/oracles/resample.py FOLDER > tests/oracles/resample_sts5.tsv      (FOLDER: the five patients with CT, MR and PET)

Voxels come from pydicom and numpy (stored values times slope plus intercept), the geometry from Image Position and Orientation; ITK
interpolates: `on` is the PET on the grid of the CT, `centred` the CT on 45 x 42 x 40 voxels of 3 x 3 x 3.5 mm round its own centre. Outside is
0, in a CT -1000. A row is patient, kind, column, row, slice, value, for 400 voxels drawn with a fixed seed.
"""
import pathlib
import sys
from collections import defaultdict

import numpy as np
import pydicom
import SimpleITK as sitk

assert pydicom.__version__ == "3.0.2" and sitk.Version.VersionString() == "2.5.7"


def volume(datasets):
    row, column = np.array(datasets[0].ImageOrientationPatient, float).reshape(2, 3)
    normal = np.cross(row, column)
    datasets = sorted(datasets, key=lambda d: float(np.dot(normal, np.array(d.ImagePositionPatient, float))))
    places = np.array([d.ImagePositionPatient for d in datasets], float)
    voxels = [d.pixel_array * float(d.RescaleSlope) + float(d.RescaleIntercept) for d in datasets]
    image = sitk.GetImageFromArray(np.stack(voxels).astype(np.float32))
    step = float(np.dot(normal, places[-1] - places[0])) / (len(places) - 1)
    down, across = map(float, datasets[0].PixelSpacing)
    image.SetSpacing((across, down, step))
    image.SetOrigin(tuple(places[0]))
    image.SetDirection(np.stack([row, column, normal], axis=1).flatten().tolist())
    return image


def centred(image, size, spacing):
    grid = sitk.Image(size, sitk.sitkFloat32)
    grid.SetSpacing(spacing)
    grid.SetDirection(image.GetDirection())
    middle = [(n - 1) / 2 for n in image.GetSize()]
    centre = image.TransformContinuousIndexToPhysicalPoint(middle)
    half = np.array(grid.GetDirection()).reshape(3, 3) @ (np.array(spacing) * (np.array(size) - 1) / 2)
    grid.SetOrigin((np.array(centre) - half).tolist())
    return grid


def rows(patient, kind, image, grid, outside, rng):
    found = sitk.Resample(image, grid, sitk.Transform(), sitk.sitkLinear, outside, sitk.sitkFloat32)
    for _ in range(400):
        at = [int(rng.integers(n)) for n in found.GetSize()]
        print("\t".join([patient, kind, *map(str, at), repr(float(found[at]))]))


print("# pydicom 3.0.2, SimpleITK 2.5.7, tests/oracles/resample.py")
patients = defaultdict(lambda: defaultdict(list))
for path in sorted(pathlib.Path(sys.argv[1]).rglob("*")):
    if path.is_file():
        dataset = pydicom.dcmread(path, force=True)
        if dataset.get("Modality") in ("CT", "PT"):
            patients[str(dataset.PatientID)][dataset.Modality].append(dataset)
rng = np.random.default_rng(20261124)
for patient in sorted(patients):
    pet, ct = volume(patients[patient]["PT"]), volume(patients[patient]["CT"])
    rows(patient, "on", pet, ct, 0.0, rng)
    rows(patient, "centred", ct, centred(ct, [45, 42, 40], (3.0, 3.0, 3.5)), -1000.0, rng)
