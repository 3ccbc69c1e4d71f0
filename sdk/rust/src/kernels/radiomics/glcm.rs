use super::{Gather, Levels, information};
use crate::kernels::Refused;

figures! {
    /// Figures of the grey level co-occurrence matrix (IBSI 3.6): symmetric, distance 1.
    Glcm {
        /// Joint maximum (GYBY).
        joint_maximum,
        /// Joint average (60VM).
        joint_average,
        /// Joint variance (UR99).
        joint_variance,
        /// Joint entropy in bits (TU9B).
        joint_entropy,
        /// Difference average (TF7R).
        difference_average,
        /// Difference variance (D3YU).
        difference_variance,
        /// Difference entropy (NTRS).
        difference_entropy,
        /// Sum average (ZGXS).
        sum_average,
        /// Sum variance (OEEB).
        sum_variance,
        /// Sum entropy (P6QZ).
        sum_entropy,
        /// Angular second moment (8ZQL).
        angular_second_moment,
        /// Contrast (ACUI).
        contrast,
        /// Dissimilarity (8S9J).
        dissimilarity,
        /// Inverse difference (IB1Z).
        inverse_difference,
        /// Normalised inverse difference (NDRX).
        inverse_difference_normalised,
        /// Inverse difference moment (WF0Z).
        inverse_difference_moment,
        /// Normalised inverse difference moment (1QCO).
        inverse_difference_moment_normalised,
        /// Inverse variance (E8JP).
        inverse_variance,
        /// Correlation (NI2N); 1 where all grey levels are equal.
        correlation,
        /// Autocorrelation (QWB0).
        autocorrelation,
        /// Cluster tendency (DG8W).
        cluster_tendency,
        /// Cluster shade (7NFM).
        cluster_shade,
        /// Cluster prominence (AE86).
        cluster_prominence,
        /// Information correlation 1 (R8DG); 0 where all grey levels are equal.
        information_correlation_1,
        /// Information correlation 2 (JN9H).
        information_correlation_2,
    }
}

/// Of the grey levels of a region. Directions in which no voxel has a neighbour are left out.
///
/// # Errors
/// No voxel of the region has a neighbour in it.
pub fn glcm(levels: &Levels, gather: Gather) -> Result<Glcm, Refused> {
    let side = levels.count + 1;
    let mut pairs = vec![0_u32; side * side];
    let mut all = Vec::new();
    for reach in levels.directions() {
        count(levels, reach, &mut pairs, side);
        if gather == Gather::Average {
            all.extend(Marginals::of(&pairs, side).map(|m| m.figures()));
            pairs.fill(0);
        }
    }
    if gather == Gather::Merge {
        all.extend(Marginals::of(&pairs, side).map(|m| m.figures()));
    }
    Glcm::mean_of(&all).ok_or(Refused::Size)
}

/// Counts each voxel's level with that of its neighbour. What has no level counts in column 0, which nobody reads.
fn count(levels: &Levels, reach: usize, pairs: &mut [u32], side: usize) {
    let ahead = &levels.levels[reach..];
    let mut see = |place: u32, level: u16| {
        let other = usize::from(ahead[place as usize]);
        pairs[usize::from(level) * side + other] += 1;
    };
    let ((fours, rest), (own, last)) = (levels.places.as_chunks::<4>(), levels.own.as_chunks::<4>());
    for ([p, q, r, s], [i, j, k, l]) in fours.iter().zip(own) {
        see(*p, *i);
        see(*q, *j);
        see(*r, *k);
        see(*s, *l);
    }
    rest.iter().zip(last).for_each(|(place, level)| see(*place, *level));
}

/// What is left of a matrix once its entries were seen: all figures follow from it.
struct Marginals {
    single: Vec<f64>,
    difference: Vec<f64>,
    sum: Vec<f64>,
    maximum: f64,
    entropy: f64,
    squares: f64,
    product: f64,
}

impl Marginals {
    /// Of the symmetric matrix: each pair counts both ways. `None` without a pair.
    fn of(pairs: &[u32], side: usize) -> Option<Self> {
        let rows = || pairs.chunks_exact(side).enumerate().skip(1);
        let total: u64 = rows().flat_map(|(_, row)| row.iter().skip(1)).map(|n| u64::from(*n)).sum();
        let mut all = Self::none(side);
        for (i, row) in rows() {
            for (j, n) in row.iter().enumerate().skip(i) {
                let other = if i == j { *n } else { pairs[j * side + i] };
                let both = u64::from(*n) + u64::from(other);
                if both > 0 {
                    all.see(i, j, both as f64 / (2 * total) as f64);
                }
            }
        }
        (total > 0).then_some(all)
    }

    fn none(side: usize) -> Self {
        let (single, difference, sum) = (vec![0.0; side], vec![0.0; side], vec![0.0; 2 * side]);
        Self { single, difference, sum, maximum: 0.0, entropy: 0.0, squares: 0.0, product: 0.0 }
    }

    /// The probability of (i, j), and as much of (j, i).
    fn see(&mut self, i: usize, j: usize, p: f64) {
        let both = if i == j { 1.0 } else { 2.0 };
        self.single[i] += p;
        if i != j {
            self.single[j] += p;
        }
        self.difference[j - i] += both * p;
        self.sum[i + j] += both * p;
        self.maximum = self.maximum.max(p);
        self.entropy -= both * information(p);
        self.squares += both * p * p;
        self.product += both * p * (i * j) as f64;
    }

    fn figures(&self) -> Glcm {
        let levels = (self.single.len() - 1) as f64;
        let mean = expected(&self.single, |i| i);
        let variance = expected(&self.single, |i| (i - mean) * (i - mean));
        let apart = expected(&self.difference, |k| k);
        let total = expected(&self.sum, |k| k);
        let cluster = |power: i32| expected(&self.sum, |k| (k - 2.0 * mean).powi(power));
        let apart_by = |weight: &dyn Fn(f64) -> f64| expected(&self.difference, weight);
        // Both rows and columns have the one distribution of single levels, so that HXY1 = HXY2 = 2 HX.
        let (single, joint) = (entropy(&self.single), self.entropy);
        let varied = variance > 0.0;
        Glcm {
            joint_maximum: self.maximum,
            joint_average: mean,
            joint_variance: variance,
            joint_entropy: joint,
            difference_average: apart,
            difference_variance: apart_by(&|k| (k - apart) * (k - apart)),
            difference_entropy: entropy(&self.difference),
            sum_average: total,
            sum_variance: expected(&self.sum, |k| (k - total) * (k - total)),
            sum_entropy: entropy(&self.sum),
            angular_second_moment: self.squares,
            contrast: apart_by(&|k| k * k),
            dissimilarity: apart,
            inverse_difference: apart_by(&|k| 1.0 / (1.0 + k)),
            inverse_difference_normalised: apart_by(&|k| 1.0 / (1.0 + k / levels)),
            inverse_difference_moment: apart_by(&|k| 1.0 / (1.0 + k * k)),
            inverse_difference_moment_normalised: apart_by(&|k| 1.0 / (1.0 + k * k / (levels * levels))),
            inverse_variance: apart_by(&|k| if k > 0.0 { 1.0 / (k * k) } else { 0.0 }),
            correlation: if varied { (self.product - mean * mean) / variance } else { 1.0 },
            autocorrelation: self.product,
            cluster_tendency: cluster(2),
            cluster_shade: cluster(3),
            cluster_prominence: cluster(4),
            information_correlation_1: if varied { (joint - 2.0 * single) / single } else { 0.0 },
            information_correlation_2: (1.0 - (-2.0 * (2.0 * single - joint).max(0.0)).exp()).sqrt(),
        }
    }
}

/// The expectation of a function of the index.
fn expected(distribution: &[f64], of: impl Fn(f64) -> f64) -> f64 {
    distribution.iter().enumerate().map(|(k, p)| p * of(k as f64)).sum()
}

fn entropy(distribution: &[f64]) -> f64 {
    -distribution.iter().map(|p| information(*p)).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::{Shape, radiomics::Bins};

    fn of(values: &[i16], inside: &[u8], shape: Shape, gather: Gather) -> Result<Glcm, Refused> {
        glcm(&Levels::new(values, inside, shape, Bins::Width { width: 1.0, from: 1.0 }).unwrap(), gather)
    }

    #[test]
    fn one_level_alone_is_perfectly_ordered() {
        for gather in [Gather::Average, Gather::Merge] {
            let found = of(&[1; 8], &[1; 8], Shape::new(2, 2, 2), gather).unwrap();
            let ordered = [found.joint_maximum, found.angular_second_moment, found.correlation];
            assert_eq!(ordered, [1.0; 3]);
            let still =
                [found.joint_entropy, found.contrast, found.information_correlation_1, found.sum_variance];
            assert_eq!(still, [0.0; 4]);
        }
    }

    #[test]
    fn two_levels_side_by_side_never_repeat() {
        let found = of(&[1, 2, 1, 2], &[1; 4], Shape::new(4, 1, 1), Gather::Merge).unwrap();
        assert_eq!((found.contrast, found.joint_maximum, found.correlation), (1.0, 0.5, -1.0));
        assert_eq!((found.information_correlation_1, found.joint_average), (-1.0, 1.5));
    }

    #[test]
    fn voxels_without_a_neighbour_have_no_matrix() {
        assert_eq!(of(&[1, 9, 2], &[1, 0, 1], Shape::new(3, 1, 1), Gather::Merge), Err(Refused::Size));
        assert_eq!(of(&[1], &[1], Shape::new(1, 1, 1), Gather::Average), Err(Refused::Size));
    }
}
