#!/usr/bin/env python3
"""NIfTI images by nibabel, with what nibabel reads in them and in the images of ../shared/data.

Pinned (nifti.tsv was made with exactly these, on Python 3.11): nibabel==5.4.2 numpy==2.4.6

    python3 -m venv /tmp/oracle && /tmp/oracle/bin/pip install <the line above>
    /tmp/oracle/bin/python tests/oracles/nifti.py target/data/nifti ../shared/data > tests/oracles/nifti.tsv

A row is a file, its size, the spacing in mm, the centre of the first voxel in DICOM's coordinates (left, posterior, superior) and
the SHA-256 of its values as float32, little endian, the first axis fastest. `nonzero` counts the voxels that are not 0.
"""
import hashlib
import pathlib
import sys

import nibabel
import numpy as np

SHARED = ["ibsi1/phantom.nii.gz", "ibsi1/mask.nii.gz", "onnx/t1_crop.nii.gz"]


def turned(spacing, angles):
    """An affine at right angles, turned about two axes."""
    a, b = angles
    about_z = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    about_x = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    affine = np.eye(4)
    affine[:3, :3] = about_z @ about_x @ np.diag(spacing)
    affine[:3, 3] = [12.5, -33.25, 101.75]
    return affine


def made(folder):
    """Images of every kind that is read."""
    values = np.arange(7 * 5 * 4).reshape(7, 5, 4)
    for kind in ("u1", "i1", "u2", "i2", "u4", "i4", "f4", "f8"):
        image = nibabel.Nifti1Image((values % 100).astype(kind), turned((1.5, 2.25, 3.0), (0.3, 0.2)))
        image.to_filename(folder / f"{kind}.nii")
        image.to_filename(folder / f"{kind}.nii.gz")
    big = nibabel.Nifti1Image(values.astype(">i2"), turned((1.5, 2.25, 3.0), (0.3, 0.2)), nibabel.Nifti1Header(endianness=">"))
    big.to_filename(folder / "big.nii")
    scaled = nibabel.Nifti1Image(values.astype("i2"), turned((-1.5, 2.25, 3.0), (0.3, -1.1)))
    scaled.header.set_slope_inter(0.25, -7.5)
    scaled.to_filename(folder / "scaled.nii.gz")
    q_only = nibabel.Nifti1Image(values.astype("i2"), None)
    q_only.set_qform(turned((1.5, 2.25, -3.0), (2.3, 0.7)), 1)
    q_only.set_sform(None, 0)
    q_only.to_filename(folder / "q_form.nii")


def row(name, path):
    """What nibabel sees."""
    image = nibabel.load(path)
    affine = image.affine
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    values = image.get_fdata(dtype=np.float64).astype("<f4")
    digest = hashlib.sha256(values.tobytes(order="F")).hexdigest()
    centre = [float(v) for v in affine[:3, 3] * [-1, -1, 1]]
    return [name, *image.shape, *(repr(float(v)) for v in spacing), *(repr(v) for v in centre), np.count_nonzero(values), digest]


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    made(folder)
    print(*"file columns rows slices dx dy dz x y z nonzero sha256".split(), sep="\t")
    for path in sorted(folder.glob("*.nii*")):
        print(*row(path.name, path), sep="\t")
    for name in SHARED if len(sys.argv) > 2 else []:
        print(*row(name, pathlib.Path(sys.argv[2]) / name), sep="\t")


if __name__ == "__main__":
    main()
