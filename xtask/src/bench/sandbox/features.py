"""The peer of the radiomics row of `cargo xtask bench sandbox`, run by it.

    features.py time FILE...              pyradiomics' first-order features and co-occurrence matrix: file, nanoseconds of processor time, and
                                           the figures that our guest gives too, in its order
    features.py pet STS FOLDER            the tumour of each patient of the PET archive (unpacked at STS), as files like those of
                                           tests/oracles/radiomics_cases.py; tests/oracles must be importable

Only features that ours computes too are enabled. The voxels are in memory, cut to the tumour's box; what is timed is the computation: two
feature classes made and run, with bins of 25 (0.25 in PET).
"""
import pathlib
import sys
import time

import numpy as np

RUNS = 5
FIRST = {
    "Mean": 0, "Variance": 1, "Skewness": 2, "Kurtosis": 3, "Median": 4, "Minimum": 5, "10Percentile": 6, "90Percentile": 7, "Maximum": 8,
    "InterquartileRange": 9, "Range": 10, "MeanAbsoluteDeviation": 11, "RobustMeanAbsoluteDeviation": 12, "Energy": 16,
    "RootMeanSquared": 17,
}
GLCM = {
    "MaximumProbability": 0, "JointAverage": 1, "SumSquares": 2, "JointEntropy": 3, "DifferenceAverage": 4, "DifferenceVariance": 5,
    "DifferenceEntropy": 6, "SumAverage": 7, "SumEntropy": 9, "JointEnergy": 10, "Contrast": 11, "Id": 13, "Idn": 14, "Idm": 15,
    "Idmn": 16, "InverseVariance": 17, "Correlation": 18, "Autocorrelation": 19, "ClusterTendency": 20, "ClusterShade": 21,
    "ClusterProminence": 22, "Imc1": 23, "Imc2": 24,
}


def read(path):
    head, _, rest = path.read_bytes().partition(b"\n")
    shape = tuple(int(n) for n in reversed(head.split()))
    count = int(np.prod(shape))
    voxels = np.frombuffer(rest, "<f4", count).reshape(shape)
    return voxels.astype(float), np.frombuffer(rest, "u1", count, 4 * count).reshape(shape)


def clock(path):
    import radiomics
    import SimpleITK as sitk
    from radiomics import firstorder, glcm

    radiomics.setVerbosity(60)
    image, mask = (sitk.GetImageFromArray(array) for array in read(path))
    width = 0.25 if path.parent.name == "pet" else 25
    times = []
    for _ in range(RUNS):
        begun = time.process_time_ns()
        found = []
        for kind, names in ((firstorder.RadiomicsFirstOrder, FIRST), (glcm.RadiomicsGLCM, GLCM)):
            one = kind(image, mask, binWidth=width)
            for name in names:
                one.enableFeatureByName(name)
            one.execute()
            found.append(one.featureValues)
        times.append(time.process_time_ns() - begun)
    figures = {FIRST[name]: float(value) for name, value in found[0].items()}
    figures[FIRST["Kurtosis"]] -= 3.0
    figures |= {len(FIRST) + 3 + GLCM[name]: float(value) for name, value in found[1].items()}
    shown = " ".join(f"{at}={value!r}" for at, value in sorted(figures.items()))
    print(path, sorted(times)[RUNS // 2], shown, sep="\t")


def pet(archive, folder):
    from contours import Series, mask, objects

    folder.mkdir(parents=True)
    images, structures = objects(archive)
    for patient, regions in sorted(structures.items()):
        for structure in regions:
            named = structure.ReferencedFrameOfReferenceSequence[0].RTReferencedStudySequence[0]
            series = Series(images[patient, named.RTReferencedSeriesSequence[0].SeriesInstanceUID])
            inside = mask(series, structure, "GTV_Mass_PET")
            box = tuple(slice(at.min(), at.max() + 1) for at in np.nonzero(inside))
            voxels = series.values()[box].astype("<f4")
            with open(folder / f"{patient}.voxels", "wb") as file:
                file.write(" ".join(map(str, voxels.shape[::-1])).encode() + b"\n")
                file.write(voxels.tobytes() + inside[box].astype("u1").tobytes())


if sys.argv[1] == "pet":
    pet(pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3]))
else:
    for name in sys.argv[2:]:
        clock(pathlib.Path(name))
