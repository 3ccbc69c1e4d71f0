"""What numpy, scipy and ITK make of a made-up volume: the peer of sdk/rust/src/kernels.

    pip install numpy==2.4.6 scipy==1.17.1 SimpleITK==2.5.7
    python tests/oracles/kernels.py > tests/oracles/kernels.tsv

A row is what, index of a voxel (or name of a figure), value. The volume's formula is also in sdk/rust/tests/kernels.rs: 17 x 13 x 9, whole
numbers. Of each filtered or resampled volume 60 voxels are drawn with a fixed seed, and its two ends.
"""
import numpy as np
import scipy
import scipy.ndimage as ndi
import SimpleITK as sitk

assert scipy.__version__ == "1.17.1" and sitk.Version.VersionString() == "2.5.7"
SHAPE = (9, 13, 17)
z, y, x = np.mgrid[0 : SHAPE[0], 0 : SHAPE[1], 0 : SHAPE[2]]
WHOLE = (x * 131 + y * 57 + z * 211 + x * y * z * 5 + x * x % 7 * 90) % 997 - 400
REAL = WHOLE.astype(np.float64)
INSIDE = (x * 3 + y * 5 + z * 7) % 4 != 0
SPECKLE = (x * x * 5 + y * y * 3 + z * 11 + x * y * 7) % 10 < 3
MODES = {"nearest": "nearest", "reflect": "reflect", "zero": "constant"}
rng = np.random.default_rng(5)


def row(what, name, value):
    print(what, name, repr(float(value)), sep="\t")


def some(what, volume):
    flat = np.asarray(volume).ravel()
    for at in [0, len(flat) - 1, *rng.integers(len(flat), size=60)]:
        row(what, int(at), flat[at])


def statistics(what, values):
    for name, value in (("count", values.size), ("mean", values.mean()), ("sd", values.std()), ("min", values.min()), ("max", values.max())):
        row(what, name, value)
    counts, _ = np.histogram(values, bins=32, range=(-400, 600))
    for at, count in enumerate(counts):
        row(f"{what} histogram", at, count)


def resampled(size, spacing, how, outside):
    image = sitk.GetImageFromArray(REAL.astype(np.float32))
    image.SetSpacing((0.8, 1.1, 3.0))
    grid = sitk.Image(size, sitk.sitkFloat32)
    grid.SetSpacing(spacing)
    middle = np.array([0.8, 1.1, 3.0]) * (np.array(image.GetSize()) - 1) / 2
    grid.SetOrigin((middle - np.array(spacing) * (np.array(size) - 1) / 2).tolist())
    return sitk.GetArrayFromImage(sitk.Resample(image, grid, sitk.Transform(), how, outside, sitk.sitkFloat32))


print(f"# numpy {np.__version__}, scipy {scipy.__version__}, SimpleITK 2.5.7, tests/oracles/kernels.py")
statistics("whole", WHOLE.ravel())
statistics("inside", WHOLE[INSIDE])
for ours, mode in MODES.items():
    some(f"gaussian {ours}", ndi.gaussian_filter(REAL, (1.5, 0.8, 1.2), mode=mode, truncate=4.0))
    some(f"mean {ours}", ndi.uniform_filter(REAL, (3, 5, 7), mode=mode))
    plane = np.array([[1, -2, 3], [4, 5, -6], [-7, 8, 9]]) / 8
    some(f"plane {ours}", np.stack([ndi.convolve(slice, plane, mode=mode) for slice in REAL]))
    some(f"volume {ours}", ndi.convolve(REAL, ((np.arange(45) * 7 % 11 - 4) / 16).reshape(3, 3, 5), mode=mode))
some("linear", resampled((21, 10, 25), (0.61, 1.3, 1.1), sitk.sitkLinear, -7.0))
some("nearest", resampled((21, 10, 25), (0.61, 1.3, 1.1), sitk.sitkNearestNeighbor, -7.0))
for name, order in (("faces", 1), ("edges", 2), ("corners", 3)):
    labels, count = ndi.label(SPECKLE, ndi.generate_binary_structure(3, order))
    row(f"components {name}", "count", count)
    for at, size in enumerate(np.bincount(labels.ravel())[1:]):
        row(f"components {name}", at, size)
    some(f"labels {name}", labels)
