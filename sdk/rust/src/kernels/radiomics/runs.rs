use super::{
    Gather, Levels,
    table::{Entry, SizeMatrix, figures},
};
use crate::kernels::Refused;

/// Figures of the grey level run length matrix (IBSI 3.7) of a region: how long a level goes on along each direction.
///
/// # Errors
/// None that a region could give: one is never empty.
pub fn glrlm(levels: &Levels, gather: Gather) -> Result<SizeMatrix, Refused> {
    let shape = levels.shape;
    // With its first element unused and its border, the longest side has a place for each length.
    let longest = shape.columns.max(shape.rows).max(shape.slices);
    let mut runs = vec![0_u32; (levels.count + 1) * longest];
    let (mut all, voxels) = (Vec::new(), levels.places.len() as f64);
    for reach in levels.directions() {
        count(levels, reach, &mut runs, longest);
        if gather == Gather::Average {
            all.extend(figures(&entries(&runs, longest), voxels));
            runs.fill(0);
        }
    }
    if gather == Gather::Merge {
        all.extend(figures(&entries(&runs, longest), 13.0 * voxels));
    }
    SizeMatrix::mean_of(&all).ok_or(Refused::Size)
}

/// A run begins where the voxel before has another level; the border's voxels have none.
fn count(levels: &Levels, reach: usize, runs: &mut [u32], longest: usize) {
    for (place, level) in levels.places.iter().zip(&levels.own) {
        let (first, level) = (*place as usize, *level);
        if levels.levels[first - reach] == level {
            continue;
        }
        let mut last = first;
        while levels.levels[last + reach] == level {
            last += reach;
        }
        runs[usize::from(level) * longest + (last - first) / reach + 1] += 1;
    }
}

fn entries(runs: &[u32], longest: usize) -> Vec<Entry> {
    let all = runs.iter().enumerate().filter(|(_, count)| **count > 0);
    all.map(|(at, n)| Entry { level: at / longest, size: at % longest, count: u64::from(*n) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::{Shape, radiomics::Bins};

    #[test]
    fn a_row_of_two_runs_has_their_lengths() {
        let bins = Bins::Width { width: 1.0, from: 1.0 };
        let levels = Levels::new(&[1_i16, 1, 1, 2], &[1; 4], Shape::new(4, 1, 1), bins).unwrap();
        let mut runs = vec![0; 3 * 6];
        count(&levels, 1, &mut runs, 6);
        let found: Vec<_> = entries(&runs, 6).iter().map(|e| (e.level, e.size, e.count)).collect();
        assert_eq!(found, [(1, 3, 1), (2, 1, 1)]);
    }

    #[test]
    fn a_full_cube_has_runs_as_long_as_its_side() {
        let levels = Levels::new(&[5_i16; 27], &[1; 27], Shape::new(3, 3, 3), Bins::Number(1)).unwrap();
        let merged = glrlm(&levels, Gather::Merge).unwrap();
        // 3 axes of 9 runs of 3; 6 diagonals of planes and 4 of the cube have shorter ones.
        assert!(merged.large > 1.0 && merged.large < 9.0 && merged.grey_variance == 0.0);
    }
}
