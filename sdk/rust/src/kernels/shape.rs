use super::Refused;

/// Voxels along a row, along a column, and slices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Voxels along a row.
    pub columns: usize,
    /// Voxels along a column.
    pub rows: usize,
    /// Number of slices; 1 for a plane.
    pub slices: usize,
}

impl Shape {
    /// A shape.
    #[must_use]
    pub const fn new(columns: usize, rows: usize, slices: usize) -> Self {
        Self { columns, rows, slices }
    }

    /// Number of voxels.
    ///
    /// # Errors
    /// A side of zero, or more than 2^31 voxels.
    pub fn voxels(&self) -> Result<usize, Refused> {
        let all = self.columns.checked_mul(self.rows).and_then(|n| n.checked_mul(self.slices));
        all.filter(|n| (1..=1 << 31).contains(n)).ok_or(Refused::Size)
    }

    /// Number of voxels, where a slice has just as many.
    pub(super) fn of<T>(&self, voxels: &[T]) -> Result<usize, Refused> {
        let n = self.voxels()?;
        if voxels.len() == n { Ok(n) } else { Err(Refused::Length) }
    }

    pub(super) const fn plane(&self) -> usize {
        self.columns * self.rows
    }

    /// One row of a block of this shape.
    pub(super) fn row<'a, T>(&self, voxels: &'a [T], y: usize, z: usize) -> &'a [T] {
        let from = (z * self.rows + y) * self.columns;
        &voxels[from..from + self.columns]
    }
}

/// What lies beyond a block's border.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edge {
    /// The voxel at the border, again and again (scipy: `nearest`).
    Nearest,
    /// The block mirrored, the voxel at the border twice: d c b a | a b c d (scipy: `reflect`).
    Reflect,
    /// Zero (scipy: `constant`).
    Zero,
}

impl Edge {
    /// The index within `n` that stands for `at - before`; `None` for zero.
    pub(super) fn place(self, at: usize, before: usize, n: usize) -> Option<usize> {
        let inside = at.checked_sub(before).filter(|i| *i < n);
        match self {
            Self::Zero => inside,
            Self::Nearest => Some(at.saturating_sub(before).min(n - 1)),
            Self::Reflect => {
                let turn = 2 * n;
                let i = (at + turn * before.div_ceil(turn) - before) % turn;
                Some(if i < n { i } else { turn - 1 - i })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_without_voxels_or_with_too_many_is_refused() {
        let bad = [
            Shape::new(0, 1, 1),
            Shape::new(1, 1, 0),
            Shape::new(usize::MAX, 2, 1),
            Shape::new(1 << 16, 1 << 16, 1),
        ];
        assert!(bad.iter().all(|shape| shape.voxels() == Err(Refused::Size)));
        assert_eq!(Shape::new(2, 3, 4).of(&[0_u8; 23]), Err(Refused::Length));
        assert_eq!(Shape::new(2, 3, 4).of(&[0_u8; 24]), Ok(24));
    }

    #[test]
    fn edges_go_on_as_scipy_has_them() {
        let seen = |edge: Edge| (0..11).map(|at| edge.place(at, 4, 3)).collect::<Vec<_>>();
        let some = |all: [usize; 11]| all.map(Some).to_vec();
        assert_eq!(seen(Edge::Nearest), some([0, 0, 0, 0, 0, 1, 2, 2, 2, 2, 2]));
        assert_eq!(seen(Edge::Reflect), some([2, 2, 1, 0, 0, 1, 2, 2, 1, 0, 0]));
        assert_eq!(seen(Edge::Zero)[2..8], [None, None, Some(0), Some(1), Some(2), None]);
    }
}
