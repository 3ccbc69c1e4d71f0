use crate::kernels::{Refused, Shape, Voxel, voxel::extremes};

/// Grey levels that a matrix may have: a table of 4 MiB.
const MOST: usize = 1024;

/// How values become grey levels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bins {
    /// Bins of a fixed width. Level 1 begins at `from`; of what lies lower the level is 1 too (IBSI 3.4.2, fixed bin size).
    Width {
        /// In the unit of the values.
        width: f64,
        /// Where level 1 begins.
        from: f64,
    },
    /// Bins of a fixed width that begin at a multiple of it, level 1 at the one below the least value (as pyradiomics' `binWidth`).
    Aligned {
        /// In the unit of the values.
        width: f64,
    },
    /// So many bins between the least and the greatest value of the region (IBSI 3.4.1, fixed bin number).
    Number(u32),
}

/// Grey levels of the voxels of a region: a block just as large as the region, with a border of voxels that have none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Levels {
    /// 0 outside the region.
    pub(super) levels: Vec<u16>,
    /// With the border.
    pub(super) shape: Shape,
    /// Places of the region's voxels in `levels`.
    pub(super) places: Vec<u32>,
    /// Their levels, in the same order.
    pub(super) own: Vec<u16>,
    pub(super) count: usize,
}

impl Levels {
    /// Makes grey levels of the voxels whose mark is 1.
    ///
    /// # Errors
    /// The slices are not as long as the shape says; the region is empty or has a value that is not finite; bins that are none;
    /// more than 1,024 levels.
    pub fn new<V: Voxel>(voxels: &[V], inside: &[u8], shape: Shape, bins: Bins) -> Result<Self, Refused> {
        shape.of(voxels)?;
        shape.of(inside)?;
        let corners = bounds(inside, shape).ok_or(Refused::Size)?;
        let [columns, rows, slices] = corners.map(|(first, last)| last - first + 3);
        let wide = Shape::new(columns, rows, slices);
        let scale = Scale::new(voxels, inside, bins)?;
        let mut levels = vec![0; wide.voxels()?];
        // Reserved at once: what grows step by step is copied, and leaves more memory touched than it takes.
        let marked = inside.iter().filter(|mark| **mark == 1).count();
        let (mut places, mut own) = (Vec::with_capacity(marked), Vec::with_capacity(marked));
        let mut count = 0;
        let [xs, ys, zs] = corners;
        for (z, y) in (zs.0..=zs.1).flat_map(|z| (ys.0..=ys.1).map(move |y| (z, y))) {
            let start = ((z - zs.0 + 1) * rows + y - ys.0 + 1) * columns + 1;
            let (values, marks) =
                (&shape.row(voxels, y, z)[xs.0..=xs.1], &shape.row(inside, y, z)[xs.0..=xs.1]);
            for (x, (value, _)) in values.iter().zip(marks).enumerate().filter(|(_, (_, mark))| **mark == 1) {
                let level = scale.level(value.real());
                levels[start + x] = level;
                own.push(level);
                places.push(u32::try_from(start + x).map_err(|_| Refused::Size)?);
                count = count.max(usize::from(level));
            }
        }
        Ok(Self { levels, shape: wide, places, own, count })
    }

    /// The highest grey level.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.count
    }

    /// Voxels of the region.
    #[must_use]
    pub fn voxels(&self) -> usize {
        self.places.len()
    }

    /// Distances to one neighbour of each of the 13 directions. From any voxel of the region they lie within the block.
    pub(super) fn directions(&self) -> [usize; 13] {
        let (w, s) = (self.shape.columns, self.shape.plane());
        [1, w - 1, w, w + 1, s - w - 1, s - w, s - w + 1, s - 1, s, s + 1, s + w - 1, s + w, s + w + 1]
    }
}

/// First and last place of the marks along columns, rows and slices.
fn bounds(inside: &[u8], shape: Shape) -> Option<[(usize, usize); 3]> {
    let mut found: Option<[(usize, usize); 3]> = None;
    for (at, row) in inside.chunks_exact(shape.columns).enumerate() {
        let marked = |mark: &u8| *mark == 1;
        let (Some(first), Some(last)) = (row.iter().position(marked), row.iter().rposition(marked)) else {
            continue;
        };
        let (y, z) = (at % shape.rows, at / shape.rows);
        let [xs, ys, zs] = found.unwrap_or([(first, last), (y, y), (z, z)]);
        let grown = |(low, high): (usize, usize), a: usize, b: usize| (low.min(a), high.max(b));
        found = Some([grown(xs, first, last), grown(ys, y, y), grown(zs, z, z)]);
    }
    found
}

/// Level = floor((value - from) / width) + 1, held between 1 and `most`.
struct Scale {
    from: f64,
    width: f64,
    most: usize,
    /// Multiples of the width below `from`: divided before it is subtracted, as pyradiomics' edges have it.
    aligned: Option<f64>,
}

impl Scale {
    fn new<V: Voxel>(voxels: &[V], inside: &[u8], bins: Bins) -> Result<Self, Refused> {
        let kept = voxels.iter().zip(inside).filter(|(_, mark)| **mark == 1).map(|(v, _)| v.real());
        let finite = kept.clone().all(f64::is_finite);
        let (low, high) = extremes(kept);
        if !finite {
            return Err(Refused::Size);
        }
        match bins {
            Bins::Width { width, from } => Self { from, width, most: MOST, aligned: None }.checked(high),
            Bins::Aligned { width } => {
                let below = (low / width).floor();
                Self { from: below * width, width, most: MOST, aligned: Some(below) }.checked(high)
            }
            Bins::Number(number) => {
                let (most, spread) = (number as usize, high - low);
                // One value alone is level 1, whatever the width.
                let width = if spread > 0.0 { spread / f64::from(number) } else { 1.0 };
                Self { from: low, width, most, aligned: None }.checked(low)
            }
        }
    }

    fn checked(self, high: f64) -> Result<Self, Refused> {
        let number = (high - self.from) / self.width;
        let plain = self.width.is_finite() && self.width > 0.0 && self.from.is_finite();
        let fits = number < MOST as f64 && (1..=MOST).contains(&self.most);
        if plain && fits { Ok(self) } else { Err(Refused::Size) }
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "held between 1 and 1,024")]
    fn level(&self, value: f64) -> u16 {
        let bin = match self.aligned {
            Some(below) => (value / self.width).floor() - below,
            None => ((value - self.from) / self.width).floor(),
        };
        (bin + 1.0).clamp(1.0, self.most as f64) as u16
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn levels(values: &[f32], bins: Bins) -> Result<Vec<u16>, Refused> {
        let inside = vec![1; values.len()];
        let found = Levels::new(values, &inside, Shape::new(values.len(), 1, 1), bins)?;
        Ok(found.places.iter().map(|p| found.levels[*p as usize]).collect())
    }

    #[test]
    fn a_fixed_width_counts_from_where_it_is_told_to() {
        let found = levels(&[-1.0, 0.0, 24.9, 25.0, 60.0], Bins::Width { width: 25.0, from: 0.0 });
        assert_eq!(found, Ok(vec![1, 1, 1, 2, 3]));
    }

    #[test]
    fn an_aligned_width_counts_from_a_multiple_of_itself() {
        assert_eq!(levels(&[-30.0, -25.0, 0.0, 10.0], Bins::Aligned { width: 25.0 }), Ok(vec![1, 2, 3, 3]));
        assert_eq!(levels(&[40.0, 49.9, 50.0], Bins::Aligned { width: 25.0 }), Ok(vec![1, 1, 2]));
    }

    #[test]
    fn a_fixed_number_puts_the_greatest_value_into_the_last_bin() {
        assert_eq!(levels(&[0.0, 0.9, 1.0, 3.9, 4.0], Bins::Number(4)), Ok(vec![1, 1, 2, 4, 4]));
        assert_eq!(levels(&[7.0, 7.0], Bins::Number(4)), Ok(vec![1, 1]));
    }

    #[test]
    fn a_region_lies_in_a_block_with_a_border_of_none() {
        let mut inside = vec![0; 60];
        (inside[27], inside[48]) = (1, 1);
        let found = Levels::new(&[2_i16; 60], &inside, Shape::new(5, 4, 3), Bins::Number(1)).unwrap();
        // (2, 1, 1) and (3, 1, 2): two columns, one row, two slices, and the border.
        assert_eq!(found.shape, Shape::new(4, 3, 4));
        assert_eq!(found.places, [12 + 4 + 1, 24 + 4 + 2]);
        let reach = found.directions()[12];
        assert!(
            found.places.iter().all(|p| *p as usize >= reach && *p as usize + reach < found.levels.len())
        );
    }

    #[test]
    fn what_has_no_levels_is_refused() {
        let some = [0.0, 1.0];
        for width in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e-9] {
            assert_eq!(levels(&some, Bins::Width { width, from: 0.0 }), Err(Refused::Size), "{width}");
            assert_eq!(levels(&some, Bins::Aligned { width }), Err(Refused::Size), "{width}");
        }
        assert_eq!(levels(&some, Bins::Number(0)), Err(Refused::Size));
        assert_eq!(levels(&some, Bins::Number(1025)), Err(Refused::Size));
        assert_eq!(levels(&some, Bins::Width { width: 1.0, from: f64::NAN }), Err(Refused::Size));
        assert_eq!(levels(&[f32::NAN, 1.0], Bins::Number(2)), Err(Refused::Size));
        let empty = Levels::new(&[1_i16; 2], &[0, 0], Shape::new(2, 1, 1), Bins::Number(2));
        assert_eq!(empty, Err(Refused::Size), "an empty region");
        let short = Levels::new(&[1_i16; 2], &[1], Shape::new(2, 1, 1), Bins::Number(2));
        assert_eq!(short, Err(Refused::Length));
    }
}
