//! The inverse of a small matrix.

/// The inverse of a symmetric matrix, by Gauss and Jordan; `None` where it has none, or is not positive
/// definite: the noise is then larger than what it hides.
pub(crate) fn inverse(matrix: Vec<Vec<f64>>) -> Option<Vec<Vec<f64>>> {
    let d = matrix.len();
    let unit = |i: usize| (0..d).map(move |j| f64::from(u8::from(i == j)));
    let mut rows: Vec<Vec<f64>> =
        matrix.into_iter().enumerate().map(|(i, row)| row.into_iter().chain(unit(i)).collect()).collect();
    for column in 0..d {
        // Without exchanging rows each pivot is a ratio of leading minors: all are above 0 where it is positive definite.
        let pivot = *rows.get(column)?.get(column)?;
        if !(pivot > 0.0 && pivot.is_finite()) {
            return None;
        }
        let scaled: Vec<f64> = rows.get(column)?.iter().map(|x| x / pivot).collect();
        for (i, row) in rows.iter_mut().enumerate() {
            let factor = if i == column { 0.0 } else { *row.get(column)? };
            row.iter_mut().zip(&scaled).for_each(|(x, s)| *x -= factor * s);
        }
        rows.get_mut(column)?.clone_from(&scaled);
    }
    Some(rows.into_iter().map(|row| row.into_iter().skip(d).collect()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_positive_definite_matrix_has_its_inverse() {
        let found = inverse(vec![vec![4.0, 2.0, 0.0], vec![2.0, 3.0, 1.0], vec![0.0, 1.0, 2.0]]).unwrap();
        let want = [[5.0, -4.0, 2.0], [-4.0, 8.0, -4.0], [2.0, -4.0, 8.0]];
        let off = found.iter().flatten().zip(want.iter().flatten()).map(|(a, b)| (a * 12.0 - b).abs());
        assert!(off.fold(0.0, f64::max) < 1e-12, "{found:?}");
    }

    #[test]
    fn one_that_is_not_positive_definite_has_none() {
        assert_eq!(inverse(vec![vec![1.0, 2.0], vec![2.0, 1.0]]), None);
        assert_eq!(inverse(vec![vec![f64::NAN]]), None);
        assert_eq!(inverse(vec![vec![1.0, 1.0], vec![1.0, 1.0]]), None);
    }
}
