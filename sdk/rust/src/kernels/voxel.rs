use super::histogram::Histogram;

/// Lanes of a sum: enough for two vector registers of the narrowest type that sums run in.
const LANES: usize = 8;

/// Voxels whose deviations are summed about their own mean, then joined: few enough to stay in the fastest cache.
pub(super) const BLOCK: usize = 4096;

/// Sum, sum of squared deviations from the mean, and extremes of a block's voxels.
#[derive(Debug, Clone, Copy)]
pub struct Moments {
    pub(super) count: u64,
    pub(super) sum: f64,
    pub(super) deviations: f64,
    pub(super) low: f64,
    pub(super) high: f64,
}

/// Least and greatest. By comparison: `f64::min` is a call for each value in a guest.
pub(super) fn extremes(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| {
        (if v < low { v } else { low }, if v > high { v } else { high })
    })
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for i16 {}
    impl Sealed for u8 {}
    impl Sealed for f32 {}
}

/// What a voxel may be: `i16` (CT in HU), `f32` (any calibrated value) or `u8`.
pub trait Voxel: Copy + PartialOrd + std::fmt::Debug + sealed::Sealed + 'static {
    /// As a double, exactly.
    fn real(self) -> f64;

    #[doc(hidden)]
    fn moments(block: &[Self]) -> Moments;

    #[doc(hidden)]
    fn moments_inside(block: &[Self], inside: &[u8]) -> Moments;

    #[doc(hidden)]
    fn count(voxels: &[Self], into: &mut Histogram);

    #[doc(hidden)]
    fn count_inside(voxels: &[Self], inside: &[u8], into: &mut Histogram);
}

/// Integer lanes: exact, whatever their order.
#[derive(Clone, Copy)]
struct Whole {
    count: [u32; LANES],
    sum: [i32; LANES],
    squares: [u64; LANES],
    low: [i16; LANES],
    high: [i16; LANES],
}

impl Whole {
    const NONE: Self = Self {
        count: [0; LANES],
        sum: [0; LANES],
        squares: [0; LANES],
        low: [i16::MAX; LANES],
        high: [i16::MIN; LANES],
    };

    #[inline(always)]
    fn see(&mut self, voxels: &[i16; LANES]) {
        for (i, voxel) in voxels.iter().enumerate() {
            let wide = i32::from(*voxel);
            self.sum[i] += wide;
            self.squares[i] += u64::from((wide * wide).unsigned_abs());
            self.low[i] = self.low[i].min(*voxel);
            self.high[i] = self.high[i].max(*voxel);
        }
    }

    /// A mark of 1 keeps a voxel, any other leaves it out, without a branch.
    #[inline(always)]
    fn see_inside(&mut self, voxels: &[i16; LANES], inside: &[u8; LANES]) {
        for (i, (voxel, mark)) in voxels.iter().zip(inside).enumerate() {
            let keep = *mark == 1;
            let wide = if keep { i32::from(*voxel) } else { 0 };
            self.count[i] += u32::from(keep);
            self.sum[i] += wide;
            self.squares[i] += u64::from((wide * wide).unsigned_abs());
            self.low[i] = self.low[i].min(if keep { *voxel } else { i16::MAX });
            self.high[i] = self.high[i].max(if keep { *voxel } else { i16::MIN });
        }
    }

    /// n * squares - sum^2 is exact: a block has at most 2^12 voxels of 16 bits.
    fn moments(&self, count: u64) -> Moments {
        let sum: i64 = self.sum.iter().map(|s| i64::from(*s)).sum();
        let squares: u64 = self.squares.iter().sum();
        let spread = i128::from(count) * i128::from(squares) - i128::from(sum) * i128::from(sum);
        Moments {
            count,
            sum: sum as f64,
            deviations: spread as f64 / count.max(1) as f64,
            low: self.low.iter().copied().min().map_or(f64::INFINITY, f64::from),
            high: self.high.iter().copied().max().map_or(f64::NEG_INFINITY, f64::from),
        }
    }
}

impl Voxel for i16 {
    #[inline]
    fn real(self) -> f64 {
        f64::from(self)
    }

    fn moments(block: &[Self]) -> Moments {
        let (whole, rest) = block.as_chunks::<LANES>();
        let mut lanes = Whole::NONE;
        whole.iter().for_each(|eight| lanes.see(eight));
        rest.iter().for_each(|voxel| {
            let keep = [1, 0, 0, 0, 0, 0, 0, 0];
            lanes.see_inside(&[*voxel; LANES], &keep);
        });
        lanes.moments(block.len() as u64)
    }

    fn moments_inside(block: &[Self], inside: &[u8]) -> Moments {
        let ((eights, rest), (marks, last)) = (block.as_chunks::<LANES>(), inside.as_chunks::<LANES>());
        let mut lanes = Whole::NONE;
        eights.iter().zip(marks).for_each(|(eight, marks)| lanes.see_inside(eight, marks));
        for (voxel, mark) in rest.iter().zip(last) {
            lanes.see_inside(&[*voxel; LANES], &[*mark, 0, 0, 0, 0, 0, 0, 0]);
        }
        lanes.moments(lanes.count.iter().map(|n| u64::from(*n)).sum())
    }

    fn count(voxels: &[Self], into: &mut Histogram) {
        into.census().add(voxels);
    }

    fn count_inside(voxels: &[Self], inside: &[u8], into: &mut Histogram) {
        into.census().add_inside(voxels, inside);
    }
}

impl Voxel for u8 {
    #[inline]
    fn real(self) -> f64 {
        f64::from(self)
    }

    fn moments(block: &[Self]) -> Moments {
        i16::moments(&widened(block))
    }

    fn moments_inside(block: &[Self], inside: &[u8]) -> Moments {
        i16::moments_inside(&widened(block), inside)
    }

    fn count(voxels: &[Self], into: &mut Histogram) {
        voxels.chunks(BLOCK).for_each(|block| into.census().add(&widened(block)));
    }

    fn count_inside(voxels: &[Self], inside: &[u8], into: &mut Histogram) {
        for (block, marks) in voxels.chunks(BLOCK).zip(inside.chunks(BLOCK)) {
            into.census().add_inside(&widened(block), marks);
        }
    }
}

fn widened(block: &[u8]) -> Vec<i16> {
    block.iter().map(|v| i16::from(*v)).collect()
}

/// Lanes of doubles. What a sum rounds depends on the order alone, which is fixed.
#[inline(always)]
fn lanes(block: &[f32], mut see: impl FnMut(usize, f32)) {
    let (eights, rest) = block.as_chunks::<LANES>();
    for eight in eights {
        for (i, voxel) in eight.iter().enumerate() {
            see(i, *voxel);
        }
    }
    rest.iter().for_each(|voxel| see(0, *voxel));
}

impl Voxel for f32 {
    #[inline]
    fn real(self) -> f64 {
        f64::from(self)
    }

    fn moments(block: &[Self]) -> Moments {
        let (mut sum, mut low, mut high) =
            ([0.0; LANES], [Self::INFINITY; LANES], [Self::NEG_INFINITY; LANES]);
        lanes(block, |i, voxel| {
            sum[i] += f64::from(voxel);
            low[i] = if voxel < low[i] { voxel } else { low[i] };
            high[i] = if voxel > high[i] { voxel } else { high[i] };
        });
        let sum: f64 = sum.iter().sum();
        let mean = sum / block.len().max(1) as f64;
        let mut deviations = [0.0; LANES];
        lanes(block, |i, voxel| {
            let off = f64::from(voxel) - mean;
            deviations[i] += off * off;
        });
        Moments {
            count: block.len() as u64,
            sum,
            deviations: deviations.iter().sum(),
            low: extremes(low.into_iter().map(f64::from)).0,
            high: extremes(high.into_iter().map(f64::from)).1,
        }
    }

    /// Gathers the block's voxels inside first: most blocks are wholly in or out.
    fn moments_inside(block: &[Self], inside: &[u8]) -> Moments {
        let mut kept = [0.0; BLOCK];
        let mut count = 0;
        for (voxel, mark) in block.iter().zip(inside) {
            if let Some(place) = kept.get_mut(count) {
                *place = *voxel;
            }
            count += usize::from(*mark == 1);
        }
        Self::moments(kept.get(..count).unwrap_or_default())
    }

    fn count(voxels: &[Self], into: &mut Histogram) {
        into.count_reals(voxels.iter().map(|voxel| (*voxel, true)));
    }

    fn count_inside(voxels: &[Self], inside: &[u8], into: &mut Histogram) {
        into.count_reals(voxels.iter().zip(inside).map(|(voxel, mark)| (*voxel, *mark == 1)));
    }
}
