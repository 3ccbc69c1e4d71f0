use super::information;
use std::collections::BTreeMap;

figures! {
    /// Figures of a matrix of grey levels and sizes: run lengths (GLRLM, IBSI 3.7) or sizes of zones (GLSZM, IBSI 3.8). Codes
    /// are of runs, then of zones.
    SizeMatrix {
        /// Short runs, small zones (22OV, P001).
        small,
        /// Long runs, large zones (W4KF, 48P8).
        large,
        /// Low grey levels (V3SW, XMSY).
        low_grey,
        /// High grey levels (G3QZ, 5GN9).
        high_grey,
        /// Small and low (HTZT, 5RAI).
        small_low_grey,
        /// Small and high (GD3A, HW1V).
        small_high_grey,
        /// Large and low (IVPO, YH51).
        large_low_grey,
        /// Large and high (3KUM, J17V).
        large_high_grey,
        /// Grey level non-uniformity (R5YN, JNSA).
        grey_nonuniformity,
        /// The same, normalised (OVBL, Y1RO).
        grey_nonuniformity_normalised,
        /// Run length or zone size non-uniformity (W92Y, 4JP3).
        size_nonuniformity,
        /// The same, normalised (IC23, VB3A).
        size_nonuniformity_normalised,
        /// Run or zone percentage (9ZK5, P30P).
        percentage,
        /// Grey level variance (8CE5, BYLV).
        grey_variance,
        /// Run length or zone size variance (SXLW, 3NSA).
        size_variance,
        /// Run or zone size entropy in bits (HJ9O, GU8N).
        entropy,
    }
}

/// So many runs or zones of a grey level and a size.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) level: usize,
    pub(super) size: usize,
    pub(super) count: u64,
}

/// All figures of some entries, each pair of level and size once; `voxels`: how many voxels they share out.
pub(super) fn figures(entries: &[Entry], voxels: f64) -> Option<SizeMatrix> {
    let total: u64 = entries.iter().map(|e| e.count).sum();
    if total == 0 {
        return None;
    }
    let n = total as f64;
    let (mut levels, mut sizes) = (BTreeMap::new(), BTreeMap::new());
    for entry in entries {
        *levels.entry(entry.level).or_insert(0) += entry.count;
        *sizes.entry(entry.size).or_insert(0) += entry.count;
    }
    let mean = |of: &dyn Fn(f64, f64) -> f64| {
        entries.iter().map(|e| e.count as f64 * of(e.level as f64, e.size as f64)).sum::<f64>() / n
    };
    let (level, size) = (mean(&|i, _| i), mean(&|_, j| j));
    let uneven =
        |all: &BTreeMap<usize, u64>| all.values().map(|c| (*c as f64) * (*c as f64)).sum::<f64>() / n;
    let (grey, sized) = (uneven(&levels), uneven(&sizes));
    Some(SizeMatrix {
        small: mean(&|_, j| 1.0 / (j * j)),
        large: mean(&|_, j| j * j),
        low_grey: mean(&|i, _| 1.0 / (i * i)),
        high_grey: mean(&|i, _| i * i),
        small_low_grey: mean(&|i, j| 1.0 / (i * i * j * j)),
        small_high_grey: mean(&|i, j| i * i / (j * j)),
        large_low_grey: mean(&|i, j| j * j / (i * i)),
        large_high_grey: mean(&|i, j| i * i * j * j),
        grey_nonuniformity: grey,
        grey_nonuniformity_normalised: grey / n,
        size_nonuniformity: sized,
        size_nonuniformity_normalised: sized / n,
        percentage: n / voxels,
        grey_variance: mean(&|i, _| (i - level) * (i - level)),
        size_variance: mean(&|_, j| (j - size) * (j - size)),
        entropy: -entries.iter().map(|e| information(e.count as f64 / n)).sum::<f64>(),
    })
}
