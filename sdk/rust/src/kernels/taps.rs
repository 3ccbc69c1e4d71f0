//! The loop under every filter: a row as the weighted sum of rows.

/// A weight and the row that it weighs.
pub(super) type Tap<'a> = (f32, &'a [f32]);

/// `out` becomes the sum of the taps, in their order. Eight at a time, so that a row is loaded and stored once for eight taps.
pub(super) fn sum(taps: &[Tap<'_>], out: &mut [f32]) {
    out.fill(0.0);
    let (eights, rest) = taps.as_chunks::<8>();
    eights.iter().for_each(|eight| add(eight, out));
    let (fours, rest) = rest.as_chunks::<4>();
    fours.iter().for_each(|four| add(four, out));
    let (twos, rest) = rest.as_chunks::<2>();
    twos.iter().for_each(|two| add(two, out));
    let (ones, _) = rest.as_chunks::<1>();
    ones.iter().for_each(|one| add(one, out));
}

/// Voxels that are summed side by side: four vector registers, so that a step of the loop pays for its fuel and its addresses
/// once for all of them.
const TILE: usize = 16;

/// Rows are cut to one number of tiles first: then no index is checked in the loop.
#[inline(always)]
fn add<const N: usize>(taps: &[Tap<'_>; N], out: &mut [f32]) {
    let n = taps.iter().fold(out.len(), |n, (_, row)| n.min(row.len()));
    let (tiles, rest) = out[..n].as_chunks_mut::<TILE>();
    let done = tiles.len() * TILE;
    let rows = taps.map(|(_, row)| &row[..done].as_chunks::<TILE>().0[..tiles.len()]);
    for (at, tile) in tiles.iter_mut().enumerate() {
        let mut sums = *tile;
        for ((weight, _), row) in taps.iter().zip(&rows) {
            sums.iter_mut().zip(&row[at]).for_each(|(sum, voxel)| *sum += weight * voxel);
        }
        *tile = sums;
    }
    for (at, voxel) in rest.iter_mut().enumerate() {
        taps.iter().for_each(|(weight, row)| *voxel += weight * row[done + at]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_number_of_taps_is_summed() {
        for n in 0..20 {
            let rows: Vec<Vec<f32>> =
                (0..n).map(|t| (0..53).map(|i| (t * 53 + i) as f32).collect()).collect();
            let taps: Vec<Tap<'_>> =
                rows.iter().zip(1..).map(|(row, w)| (w as f32, row.as_slice())).collect();
            let mut out = [7.0; 53];
            sum(&taps, &mut out);
            for (i, found) in out.iter().enumerate() {
                let want: usize = (0..n).map(|t| (t + 1) * (t * 53 + i)).sum();
                assert_eq!(*found, want as f32, "{n} taps, voxel {i}");
            }
        }
    }
}
