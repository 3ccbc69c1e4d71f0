"""Radiomic features of the lesions of a made-up cohort, by pydicom and pyradiomics: the peer of guest-examples/radiomics.

    pip install as for tests/oracles/pyradiomics.py, and pydicom==3.0.2
    trocar testkit cohort -o FOLDER --patients 12 --seed 11 --masks seg
    python tests/oracles/lesions.py FOLDER > tests/oracles/lesions.tsv

A row is a patient and the figures of the example in the order of its outputs, nothing where there is no lesion. A fractional segment has a voxel
where the stored value is at least half of the maximum. The bins of pyradiomics begin at a multiple of their width, those of the example
at -1000 HU: the figures are none that depend on where levels are counted from.
"""
import pathlib
import sys

import numpy as np
import pydicom
import radiomics
import SimpleITK as sitk
from radiomics import firstorder, glcm

assert radiomics.__version__.lstrip("v") == "3.0.1" and pydicom.__version__ == "3.0.2"
radiomics.setVerbosity(60)


def volume(folder):
    slices = [pydicom.dcmread(path) for path in folder.glob("*.dcm")]
    slices.sort(key=lambda one: float(one.ImagePositionPatient[2]))
    values = [one.pixel_array * float(one.RescaleSlope) + float(one.RescaleIntercept) for one in slices]
    return np.stack(values), [float(one.ImagePositionPatient[2]) for one in slices]


def lesion(path, shape, heights):
    inside = np.zeros(shape, bool)
    if not path.is_file():
        return inside
    segmentation = pydicom.dcmread(path)
    pixels = segmentation.PixelData
    if segmentation.SegmentationType == "BINARY":
        bits = np.unpackbits(np.frombuffer(pixels, "u1"), bitorder="little")
    else:
        bits = np.frombuffer(pixels, "u1") >= segmentation.MaximumFractionalValue / 2
    plane = shape[1] * shape[2]
    for at, frame in enumerate(segmentation.PerFrameFunctionalGroupsSequence):
        height = float(frame.PlanePositionSequence[0].ImagePositionPatient[2])
        on = int(np.argmin(np.abs(np.array(heights) - height)))
        inside[on] |= bits[at * plane : (at + 1) * plane].reshape(shape[1:]).astype(bool)
    return inside


def figures(values, inside):
    image, mask = sitk.GetImageFromArray(values), sitk.GetImageFromArray(inside.astype(np.uint8))
    found = {}
    kinds = (firstorder.RadiomicsFirstOrder, {}), (glcm.RadiomicsGLCM, {"weightingNorm": "no_weighting"})
    for kind, settings in kinds:
        one = kind(image, mask, binWidth=25, **settings)
        one.enableAllFeatures()
        one.execute()
        found |= one.featureValues
    names = ["Mean", "Variance", "Skewness", "Entropy", "Contrast", "JointEntropy", "Idm"]
    numbers = [float(found[name]) for name in names]
    numbers[1] = numbers[1] ** 0.5
    return numbers


print("# pyradiomics 3.0.1, pydicom 3.0.2, tests/oracles/lesions.py")
for folder in sorted((pathlib.Path(sys.argv[1]) / "dicom").iterdir()):
    values, heights = volume(folder)
    inside = lesion(folder / "SEG" / "CT.dcm", values.shape, heights)
    print("\t".join([folder.name, *map(repr, figures(values, inside) if inside.any() else [])]))
