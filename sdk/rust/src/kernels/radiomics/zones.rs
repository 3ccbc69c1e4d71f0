use super::{
    Levels,
    table::{Entry, SizeMatrix, figures},
};
use crate::kernels::Refused;
use std::collections::BTreeMap;

/// Figures of the grey level size zone matrix (IBSI 3.8) of a region: how large the zones of one level are, whose voxels share
/// at least a corner.
///
/// # Errors
/// None that a region could give: one is never empty.
pub fn glszm(levels: &Levels) -> Result<SizeMatrix, Refused> {
    let mut left = levels.levels.clone();
    let mut zones = BTreeMap::new();
    let mut open = Vec::new();
    for place in &levels.places {
        let level = left[*place as usize];
        if level > 0 {
            let size = flood(levels, &mut left, *place as usize, &mut open);
            *zones.entry((usize::from(level), size)).or_insert(0_u64) += 1;
        }
    }
    let all: Vec<Entry> =
        zones.iter().map(|((level, size), n)| Entry { level: *level, size: *size, count: *n }).collect();
    figures(&all, levels.places.len() as f64).ok_or(Refused::Size)
}

/// Takes the zone of a voxel away and returns its size. No voxel is put on the list twice.
fn flood(levels: &Levels, left: &mut [u16], first: usize, open: &mut Vec<usize>) -> usize {
    let level = std::mem::take(&mut left[first]);
    let reaches = levels.directions();
    let mut size = 0;
    open.push(first);
    while let Some(at) = open.pop() {
        size += 1;
        for other in reaches.iter().flat_map(|reach| [at - reach, at + reach]) {
            if left[other] == level {
                left[other] = 0;
                open.push(other);
            }
        }
    }
    size
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::{Shape, radiomics::Bins};

    #[test]
    fn zones_touch_at_corners_too() {
        let shape = Shape::new(2, 2, 2);
        let levels =
            Levels::new(&[1_i16, 2, 2, 2, 2, 2, 2, 1], &[1; 8], shape, Bins::Width { width: 1.0, from: 1.0 });
        let found = glszm(&levels.unwrap()).unwrap();
        assert_eq!((found.percentage, found.large), (0.25, (4.0 + 36.0) / 2.0));
    }
}
