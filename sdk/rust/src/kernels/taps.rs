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

/// Rows are cut to one length first: then no index is checked in the loop, and it runs in vector registers.
#[inline(always)]
fn add<const N: usize>(taps: &[Tap<'_>; N], out: &mut [f32]) {
    let n = taps.iter().fold(out.len(), |n, (_, row)| n.min(row.len()));
    let out = &mut out[..n];
    let rows = taps.map(|(_, row)| &row[..n]);
    for i in 0..n {
        let mut sum = out[i];
        for t in 0..N {
            sum += taps[t].0 * rows[t][i];
        }
        out[i] = sum;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_number_of_taps_is_summed() {
        for n in 0..20 {
            let rows: Vec<Vec<f32>> =
                (0..n).map(|t| (0..13).map(|i| (t * 13 + i) as f32).collect()).collect();
            let taps: Vec<Tap<'_>> =
                rows.iter().zip(1..).map(|(row, w)| (w as f32, row.as_slice())).collect();
            let mut out = [7.0; 13];
            sum(&taps, &mut out);
            for (i, found) in out.iter().enumerate() {
                let want: usize = (0..n).map(|t| (t + 1) * (t * 13 + i)).sum();
                assert_eq!(*found, want as f32, "{n} taps, voxel {i}");
            }
        }
    }
}
