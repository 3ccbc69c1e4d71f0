use trocar_terms::Modality;

/// How large the volumes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// 64 x 64 x 16 voxels of 5 mm, or a grid of each modality's own where there are several.
    Normal,
    /// 8 x 8 x 4 voxels.
    Tiny,
    /// Ten slices of 4 x 4 voxels behind headers of some eighty elements: for whoever measures an index.
    Headers,
}

/// Where the voxels of a series lie. The middle of every volume is the origin, so that the series of a patient overlap.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Grid {
    pub(crate) columns: usize,
    pub(crate) rows: usize,
    pub(crate) slices: usize,
    /// Between columns, rows and slices.
    pub(crate) spacing_mm: [f64; 3],
}

impl Grid {
    /// The grid of a modality: one for all where it is alone, its own where there are several.
    pub(crate) const fn of(modality: Modality, size: Size, alone: bool) -> Self {
        match (size, modality) {
            (Size::Tiny, Modality::PT) if !alone => Self::new(6, 6, 5, [50.0, 50.0, 16.0]),
            (Size::Tiny, Modality::MR) if !alone => Self::new(8, 7, 6, [38.0, 40.0, 14.0]),
            (Size::Tiny, _) => Self::new(8, 8, 4, [40.0, 40.0, 20.0]),
            (Size::Headers, _) => Self::new(4, 4, 10, [80.0, 80.0, 8.0]),
            (Size::Normal, Modality::PT) if !alone => Self::new(40, 40, 20, [8.0, 8.0, 4.0]),
            (Size::Normal, Modality::MR) if !alone => Self::new(56, 52, 16, [5.5, 6.0, 5.0]),
            (Size::Normal, _) => Self::new(64, 64, 16, [5.0, 5.0, 5.0]),
        }
    }

    const fn new(columns: usize, rows: usize, slices: usize, spacing_mm: [f64; 3]) -> Self {
        Self { columns, rows, slices, spacing_mm }
    }

    /// Millilitres of a voxel.
    pub(crate) fn voxel_ml(&self) -> f64 {
        let [x, y, z] = self.spacing_mm;
        x * y * z / 1000.0
    }

    /// The centre of a voxel, which may lie between voxels or outside.
    pub(crate) fn centre_mm(&self, column: f64, row: f64, slice: f64) -> [f64; 3] {
        let [x, y, z] = self.spacing_mm;
        let place = |at: f64, count: usize, step: f64| (at - (count as f64 - 1.0) / 2.0) * step;
        [place(column, self.columns, x), place(row, self.rows, y), place(slice, self.slices, z)]
    }

    /// The centre of a slice's first voxel: Image Position (Patient).
    pub(crate) fn position_mm(&self, slice: usize) -> [f64; 3] {
        self.centre_mm(0.0, 0.0, slice as f64)
    }
}
