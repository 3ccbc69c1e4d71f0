//! Segmentations: DICOM SEG, RTSTRUCT and labelled NIfTI images, as masks on the grid of a series.

mod contours;
mod grid;
mod header;
mod open;
mod raster;
mod record;
mod segmentation;
mod stencil;
mod structures;

pub(crate) use grid::{GridMask, MAX_MASK_VOXELS, Mapping};
pub use header::NamedCode;
pub(crate) use header::{MaskHeader, STOP, TAGS, read_segmentation, read_structures, segments};
pub(crate) use open::{known_cost, open_mask};
pub(crate) use record::{Anchor, MAX_LINKS, linked};
pub use record::{MaskKind, MaskRecord, SegmentRecord, SubjectMask};
pub(crate) use stencil::Stencil;
