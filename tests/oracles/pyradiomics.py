"""Radiomic features as pyradiomics has them: the peer of sdk/rust/src/kernels/radiomics.

    pip install 'setuptools<66' wheel cython numpy==1.23.5 scipy==1.10.1 SimpleITK==2.5.7 six pykwalify PyWavelets==1.9.0
    pip install --no-deps --no-build-isolation pyradiomics==3.0.1
    python tests/oracles/pyradiomics.py SDIST > tests/oracles/radiomics.tsv     (SDIST: the unpacked pyradiomics-3.0.1)

A row is case, class, feature (by our name), pyradiomics' value, and the value of its own baseline table where that has one. Cases: `phantom`,
the digital phantom of the IBSI reference manual; `waves`, a made-up volume whose formula is also in sdk/rust/tests; the five that
pyradiomics brings, whose voxels tests/oracles/radiomics_cases.py unpacks. `width` is a bin width of 25 (1 for the phantom) aligned to
multiples, `number` 16 bins; `average` has a figure for each of 13 directions and their mean, `merge` one matrix.
"""
import csv
import pathlib
import sys

import numpy as np
import radiomics
import SimpleITK as sitk
from radiomics import firstorder, glcm, glrlm, glszm

assert radiomics.__version__.lstrip("v") == "3.0.1" and sitk.Version.VersionString() == "2.5.7"
radiomics.setVerbosity(60)
CASES = ["brain1", "brain2", "breast1", "lung1", "lung2"]
FIRST = {
    "Mean": "mean", "Variance": "variance", "Skewness": "skewness", "Kurtosis": "kurtosis", "Median": "median", "Minimum": "minimum",
    "10Percentile": "percentile_10", "90Percentile": "percentile_90", "Maximum": "maximum", "InterquartileRange": "interquartile_range",
    "Range": "range", "MeanAbsoluteDeviation": "mean_absolute_deviation",
    "RobustMeanAbsoluteDeviation": "robust_mean_absolute_deviation", "Energy": "energy", "RootMeanSquared": "root_mean_square",
}
HISTOGRAM = {"Entropy": "entropy", "Uniformity": "uniformity"}
GLCM = {
    "MaximumProbability": "joint_maximum", "JointAverage": "joint_average", "SumSquares": "joint_variance", "JointEntropy": "joint_entropy",
    "DifferenceAverage": "difference_average", "DifferenceVariance": "difference_variance", "DifferenceEntropy": "difference_entropy",
    "SumAverage": "sum_average", "SumEntropy": "sum_entropy", "JointEnergy": "angular_second_moment", "Contrast": "contrast",
    "Id": "inverse_difference", "Idn": "inverse_difference_normalised", "Idm": "inverse_difference_moment",
    "Idmn": "inverse_difference_moment_normalised", "InverseVariance": "inverse_variance", "Correlation": "correlation",
    "Autocorrelation": "autocorrelation", "ClusterTendency": "cluster_tendency", "ClusterShade": "cluster_shade",
    "ClusterProminence": "cluster_prominence", "Imc1": "information_correlation_1", "Imc2": "information_correlation_2",
}
RUNS = {
    "ShortRunEmphasis": "small", "LongRunEmphasis": "large", "LowGrayLevelRunEmphasis": "low_grey", "HighGrayLevelRunEmphasis": "high_grey",
    "ShortRunLowGrayLevelEmphasis": "small_low_grey", "ShortRunHighGrayLevelEmphasis": "small_high_grey",
    "LongRunLowGrayLevelEmphasis": "large_low_grey", "LongRunHighGrayLevelEmphasis": "large_high_grey",
    "GrayLevelNonUniformity": "grey_nonuniformity", "GrayLevelNonUniformityNormalized": "grey_nonuniformity_normalised",
    "RunLengthNonUniformity": "size_nonuniformity", "RunLengthNonUniformityNormalized": "size_nonuniformity_normalised",
    "RunPercentage": "percentage", "GrayLevelVariance": "grey_variance", "RunVariance": "size_variance", "RunEntropy": "entropy",
}
ZONES = {
    "SmallAreaEmphasis": "small", "LargeAreaEmphasis": "large", "LowGrayLevelZoneEmphasis": "low_grey",
    "HighGrayLevelZoneEmphasis": "high_grey", "SmallAreaLowGrayLevelEmphasis": "small_low_grey",
    "SmallAreaHighGrayLevelEmphasis": "small_high_grey", "LargeAreaLowGrayLevelEmphasis": "large_low_grey",
    "LargeAreaHighGrayLevelEmphasis": "large_high_grey", "GrayLevelNonUniformity": "grey_nonuniformity",
    "GrayLevelNonUniformityNormalized": "grey_nonuniformity_normalised", "SizeZoneNonUniformity": "size_nonuniformity",
    "SizeZoneNonUniformityNormalized": "size_nonuniformity_normalised", "ZonePercentage": "percentage",
    "GrayLevelVariance": "grey_variance", "ZoneVariance": "size_variance", "ZoneEntropy": "entropy",
}
NONE = np.nan
PHANTOM = [
    [[1, 4, 4, 1, 1], [1, 4, 6, 1, 1], [4, 1, 6, 4, 1], [4, 4, 6, 4, 1]],
    [[1, 4, 4, 1, 1], [1, 1, 6, 1, 1], [NONE, 1, 3, 1, 1], [4, 4, 6, 1, 1]],
    [[1, 4, 4, NONE, NONE], [1, 1, 1, 1, 1], [1, 1, NONE, 1, 1], [1, 1, 6, 1, 1]],
    [[1, 4, 4, NONE, NONE], [1, 1, 1, 1, 1], [1, 1, 1, 1, 1], [1, 1, 6, 1, 1]],
]


def waves():
    z, y, x = np.mgrid[0:10, 0:11, 0:12]
    values = (x * 37 + y * 91 + z * 53 + x * y * 7 + y * z * 11 + x * x * z % 17 * 13) % 401 - 150
    inside = ((2 * x - 11) ** 2 + (2 * y - 10) ** 2 + (2 * z - 9) ** 2 <= 110) & ((x * y + z) % 7 != 0)
    return values, inside


def computed(kind, image, mask, **settings):
    found = kind(image, mask, **settings)
    found.enableAllFeatures()
    found.execute()
    return found.featureValues


def rows(case, image, mask, width, baseline=lambda kind, name: None):
    def table(kind, names, found, pinned=None):
        for name, ours in names.items():
            value, known = float(found[name]), pinned and baseline(pinned, name)
            if name == "Kurtosis":
                # pyradiomics' is not the excess.
                value, known = value - 3.0, known and known - 3.0
            print(case, kind, ours, repr(value), "" if known is None else repr(known), sep="\t")

    first = computed(firstorder.RadiomicsFirstOrder, image, mask, binWidth=width)
    table("first", FIRST, first, "firstorder")
    for bins, settings in (("width", {"binWidth": width}), ("number", {"binCount": 16})):
        if case == "phantom" and bins == "number":
            continue
        pin = (lambda kind: kind) if bins == "width" else (lambda kind: None)
        table(f"histogram {bins}", HISTOGRAM, computed(firstorder.RadiomicsFirstOrder, image, mask, **settings), pin("firstorder"))
        table(f"glcm {bins} average", GLCM, computed(glcm.RadiomicsGLCM, image, mask, **settings), pin("glcm"))
        table(f"glrlm {bins} average", RUNS, computed(glrlm.RadiomicsGLRLM, image, mask, **settings), pin("glrlm"))
        one = settings | {"weightingNorm": "no_weighting"}
        table(f"glcm {bins} merge", GLCM, computed(glcm.RadiomicsGLCM, image, mask, **one))
        table(f"glrlm {bins} merge", RUNS, computed(glrlm.RadiomicsGLRLM, image, mask, **one))
        table(f"glszm {bins}", ZONES, computed(glszm.RadiomicsGLSZM, image, mask, **settings), pin("glszm"))


def baselines(folder):
    found = {}
    for kind in ("firstorder", "glcm", "glrlm", "glszm"):
        with open(folder / f"baseline_{kind}.csv", newline="") as file:
            for row in csv.DictReader(file):
                feature = row.pop("featureName")
                for case in CASES:
                    found[case, f"{kind}_{feature.rsplit('_', 1)[-1]}"] = row[case]
    return found


def images(values, inside):
    mask = sitk.GetImageFromArray(inside.astype(np.uint8))
    return sitk.GetImageFromArray(np.nan_to_num(values).astype(float)), mask


def main():
    print("# pyradiomics 3.0.1, numpy", np.__version__ + ", tests/oracles/pyradiomics.py")
    phantom = np.array(PHANTOM)
    rows("phantom", *images(phantom, ~np.isnan(phantom)), 1)
    rows("waves", *images(*waves()), 25)
    folder = pathlib.Path(sys.argv[1]) / "data"
    known = baselines(folder / "baseline")
    for case in CASES:
        image, mask = (sitk.ReadImage(str(folder / f"{case}_{what}.nrrd")) for what in ("image", "label"))
        image, mask = radiomics.imageoperations.cropToTumorMask(image, mask, radiomics.imageoperations.checkMask(image, mask)[0])

        def baseline(kind, name, case=case):
            text = known.get((case, f"{kind}_{name}"))
            return None if text is None else float(text)

        rows(case, image, mask, 25, baseline)


main()
