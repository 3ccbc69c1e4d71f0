use crate::{
    codec,
    device::{Device, Scale},
    dicom::DataSet,
    grid::Grid,
    phantom::{Levels, Phantom, Tissue},
    syntax::Syntax,
};
use rand_chacha::ChaCha8Rng;
use trocar_terms::Modality;

/// One series: its voxels, and how they are written.
pub(crate) struct Series {
    pub(crate) device: Device,
    pub(crate) grid: Grid,
    pub(crate) syntax: Syntax,
    /// One multi-frame file instead of a file a slice.
    pub(crate) enhanced: bool,
    /// Behind headers of some eighty elements.
    pub(crate) long_headers: bool,
    pub(crate) slices: Vec<Slice>,
    pub(crate) uids: Uids,
}

/// Numbers of UIDs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Uids {
    pub(crate) study: u128,
    pub(crate) frame_of_reference: u128,
    pub(crate) series: u128,
    /// Of the first SOP instance; the others follow.
    pub(crate) first: u128,
}

/// One slice: samples, what they show, and what they mean.
pub(crate) struct Slice {
    pub(crate) samples: Vec<u16>,
    pub(crate) tissue: Vec<Tissue>,
    pub(crate) scale: Scale,
}

/// One SOP instance, or one frame of it.
pub(crate) struct Reference {
    pub(crate) sop_class: &'static str,
    pub(crate) sop_instance: String,
    /// From 1 on; none in a file of one frame.
    pub(crate) frame: Option<usize>,
}

impl Slice {
    pub(crate) fn draw(
        rng: &mut ChaCha8Rng,
        phantom: &Phantom,
        (levels, device, grid): (&Levels, &Device, &Grid),
        z: usize,
    ) -> Self {
        let scale = device.scale(z);
        let (mut samples, mut tissue) = (Vec::new(), Vec::new());
        for (row, column) in (0..grid.rows).flat_map(|row| (0..grid.columns).map(move |column| (row, column)))
        {
            let kind = phantom.tissue(grid, column, row, z);
            samples.push(scale.sample(levels.value(rng, kind)));
            tissue.push(kind);
        }
        Self { samples, tissue, scale }
    }

    /// Where its lesions are.
    pub(crate) fn lesions(&self) -> Vec<bool> {
        self.tissue.iter().map(|t| *t == Tissue::Lesion).collect()
    }
}

impl Series {
    pub(crate) fn count(&self, tissue: Tissue) -> usize {
        self.slices.iter().map(|s| s.tissue.iter().filter(|t| **t == tissue).count()).sum()
    }

    pub(crate) fn ml(&self, voxels: usize) -> f64 {
        voxels as f64 * self.grid.voxel_ml()
    }

    /// The mean value over some tissues; empty where there is none.
    pub(crate) fn mean(&self, of: impl Fn(Tissue) -> bool) -> String {
        let (mut sum, mut count) = (0.0, 0.0);
        for slice in &self.slices {
            for (sample, tissue) in slice.samples.iter().zip(&slice.tissue) {
                if of(*tissue) {
                    sum += slice.scale.value(*sample);
                    count += 1.0;
                }
            }
        }
        if count > 0.0 { (sum / count).to_string() } else { String::new() }
    }

    pub(crate) const fn sop_class(&self) -> &'static str {
        match (self.device.modality, self.enhanced) {
            (Modality::CT, false) => "1.2.840.10008.5.1.4.1.1.2",
            (Modality::CT, true) => "1.2.840.10008.5.1.4.1.1.2.1",
            (Modality::MR, false) => "1.2.840.10008.5.1.4.1.1.4",
            (Modality::MR, true) => "1.2.840.10008.5.1.4.1.1.4.1",
            (Modality::PT, _) => "1.2.840.10008.5.1.4.1.1.128",
        }
    }

    /// What a mask refers to for a slice.
    pub(crate) fn reference(&self, z: usize) -> Reference {
        let at = if self.enhanced { 0 } else { z as u128 };
        let sop_instance = uid_text(self.uids.first.wrapping_add(at));
        Reference { sop_class: self.sop_class(), sop_instance, frame: self.enhanced.then_some(z + 1) }
    }

    /// Sets pixel data of some slices, as the transfer syntax has it.
    pub(crate) fn set_pixels(&self, data: &mut DataSet, slices: &[Slice]) {
        let columns = self.grid.columns;
        let frame = |slice: &Slice| match self.syntax {
            Syntax::Rle => codec::rle(&slice.samples, columns),
            _ => codec::jpeg_lossless(&slice.samples, columns, slice.scale.bits),
        };
        if self.syntax.is_encapsulated() {
            data.frames(&slices.iter().map(frame).collect::<Vec<_>>());
        } else {
            data.pixels(&slices.iter().flat_map(|s| s.samples.iter().copied()).collect::<Vec<_>>());
        }
    }
}

/// A UID under 2.25, the root for numbers drawn at random (PS3.5 annex B.2).
pub(crate) fn uid_text(uid: u128) -> String {
    format!("2.25.{uid}")
}
