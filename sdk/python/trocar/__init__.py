"""Write a Trocar algorithm in Python: one pure function over one patient.

    from trocar import algorithm, describe, number

    @algorithm
    def mean_ct(patient, params):
        series = next(i for i, s in enumerate(patient.series()) if s.modality == "CT")
        with patient.open(series) as volume:
            return [number(describe(volume).mean)]

The function returns one list of numbers for each [[outputs]] of the manifest, in that order. Whatever it raises ends the
call, and the host uses the default contribution, which counts nowhere. Voxels stay outside: `describe` and `histogram` are
kernels, compiled code that reads the volume slab by slab and hands a few numbers back.
"""

import inspect
import sys

import wit_world
from componentize_py_types import Err
from wit_world.imports import radiomics, statistics, types
from wit_world.imports.imaging import Mask, Patient, Volume

__all__ = ["algorithm", "describe", "histogram", "open_mask", "edges", "even_bins", "region", "select"]
__all__ += ["first_order", "intensities", "glcm", "grey_levels"]
__all__ += ["number", "numbers", "count", "cell", "weights", "plain", "milliliters", "Mask", "Patient", "Volume"]

NONE = float("nan")


def algorithm(function):
    """Makes a function of (patient, params) or (patient, params, state) the algorithm of the component.

    `params` is a dict of plain values by the manifest's names, `state` the last round's released vector. Exactly one
    function of a guest carries this.
    """
    takes_state = len(inspect.signature(function).parameters) == 3

    class WitWorld(wit_world.WitWorld):
        def map_patient(self, subject, params, state):
            values = {param.name: plain(param.value) for param in params}
            with subject:
                return function(subject, values, state) if takes_state else function(subject, values)

    # Where componentize-py looks for it.
    sys.modules[function.__module__].WitWorld = WitWorld
    return function


def plain(value):
    """A value of the clinical table, an attribute or a parameter as int, float or str; None where it is missing."""
    return None if isinstance(value, types.Value_Missing) else value.value


def open_mask(patient, series, label):
    """A segmentation on the grid of a series; None where the patient has none of this label."""
    try:
        return patient.open_mask(series, label)
    except Err as refused:
        if refused.value == types.Fault.ABSENT:
            return None
        raise


def region(first, size):
    """A box of voxels: the first (column, row, slice), and how many of each."""
    return statistics.Region(tuple(first), tuple(size))


def select(at_least=None, below=None, region=None):
    """Voxels whose value is at least `at_least` and less than `below`, inside a region."""
    limits = [None if limit is None else float(limit) for limit in (at_least, below)]
    return statistics.Selection(region, *limits)


EVERYTHING = select()


def describe(volume, which=EVERYTHING, mask=None):
    """Voxels, sum, mean, sd, min and max of the selected voxels, of those alone that `mask` has, where one is given."""
    return statistics.describe(volume, which, mask)


def histogram(volume, bins, which=EVERYTHING, mask=None):
    """As `describe`, with the number of voxels in each bin: `.summary` and `.counts`, in one pass."""
    return statistics.histogram(volume, bins, which, mask)


def first_order(volume, mask):
    """First-order features (IBSI) of the voxels that the mask has, by name."""
    return named(radiomics.first_order(volume, mask))


def intensities(volume, mask, levels):
    """Features of the histogram of grey levels, by name."""
    return named(radiomics.intensities(volume, mask, levels))


def glcm(volume, mask, levels, merge=True):
    """Features of the co-occurrence of grey levels, by name: of all directions' common matrix, or the mean over directions."""
    return named(radiomics.glcm(volume, mask, levels, merge))


def grey_levels(width=None, start=None, number=None):
    """Grey levels: bins of a width from `start` on (without: from a multiple of the width on), or a number of bins."""
    if number is not None:
        return radiomics.Levels_Number(number)
    if start is None:
        return radiomics.Levels_Aligned(float(width))
    return radiomics.Levels_Width(radiomics.FixedWidth(float(width), float(start)))


def named(features):
    """A list of features as a dict."""
    return {feature.name: feature.value for feature in features}


def edges(values):
    """Bins between strictly increasing edges, as in the manifest."""
    return statistics.Bins_Edges([float(value) for value in values])


def even_bins(low, high, count):
    """`count` bins of the same width from `low` to `high`."""
    return statistics.Bins_Even(statistics.EvenBins(float(low), float(high), count))


def milliliters(grid):
    """The volume of a voxel, in mL."""
    columns, rows, slices = grid.spacing_mm
    return columns * rows * slices / 1000.0


def number(value):
    """For kinds `sum`, `mean`, `variance` and `quantiles`: her value; None where she has none."""
    return [NONE if value is None else float(value)]


def numbers(values):
    """For kind `moments`: her value of each variable, None where she lacks one."""
    return [NONE if value is None else float(value) for value in values]


def count(counts):
    """For kind `count`: whether she counts."""
    return [1.0 if counts else 0.0]


def cell(cells, index):
    """For kinds `histogram` and `table`: one cell of `cells`; None: no cell."""
    return [1.0 if i == index else 0.0 for i in range(cells)]


def weights(values):
    """For kinds `histogram` and `table`: a weight in 0..=1 for each cell."""
    return [float(value) for value in values]
