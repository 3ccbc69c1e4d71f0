"""Mean, sd, min, max and a histogram of 256 bins over the first series, for `cargo xtask bench sandbox`."""

from trocar import algorithm, even_bins, histogram, numbers


@algorithm
def scan(patient, params):
    with patient.open(0) as volume:
        found = histogram(volume, even_bins(-1024, 3072, 256))
    all = found.summary
    return [numbers([all.mean, all.sd, all.min, all.max, *found.counts])]
