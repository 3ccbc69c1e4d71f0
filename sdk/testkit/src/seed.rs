//! Good files of every kind that the testkit writes, and a few that it writes for this purpose alone.

use crate::{cohort::Recipe, dicom::part10, grid::Size, image::Image, patient::Patient, syntax::Syntax};
use trocar_terms::Modality;

/// What a seed is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Slice,
    Enhanced,
    Binary,
    Fractional,
    Structure,
    /// A JPEG 2000 frame without a coded bit: all voxels zero.
    Jpeg2000,
    /// A JPEG-LS frame of one long run.
    JpegLs,
}

/// A kind of good file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kind {
    part: Part,
    syntax: Syntax,
    pub(crate) name: &'static str,
}

const fn kind(name: &'static str, part: Part, syntax: Syntax) -> Kind {
    Kind { part, syntax, name }
}

/// Every kind.
pub(crate) const KINDS: &[Kind] = &[
    kind("slice-implicit", Part::Slice, Syntax::ImplicitLittle),
    kind("slice-explicit", Part::Slice, Syntax::ExplicitLittle),
    kind("slice-big", Part::Slice, Syntax::ExplicitBig),
    kind("slice-deflated", Part::Slice, Syntax::Deflated),
    kind("slice-rle", Part::Slice, Syntax::Rle),
    kind("slice-jpeg", Part::Slice, Syntax::JpegLossless),
    kind("slice-jpeg2000", Part::Jpeg2000, Syntax::ExplicitLittle),
    kind("slice-jpegls", Part::JpegLs, Syntax::ExplicitLittle),
    kind("enhanced-explicit", Part::Enhanced, Syntax::ExplicitLittle),
    kind("enhanced-rle", Part::Enhanced, Syntax::Rle),
    kind("enhanced-jpeg", Part::Enhanced, Syntax::JpegLossless),
    kind("seg-binary", Part::Binary, Syntax::ExplicitLittle),
    kind("seg-fractional", Part::Fractional, Syntax::ImplicitLittle),
    kind("rtstruct-explicit", Part::Structure, Syntax::ExplicitLittle),
    kind("rtstruct-implicit", Part::Structure, Syntax::ImplicitLittle),
];

/// A good file before it is written.
pub(crate) struct Seed {
    pub(crate) image: Image,
    uid: &'static str,
}

impl Seed {
    /// A file of a kind. Each number is a patient of her own, so that no two files are of one series.
    pub(crate) fn new(kind: Kind, number: u32) -> Option<Self> {
        // Every fifth patient's images are enhanced, every fourth one's masks fractional.
        let step = 20_u32.saturating_mul(number);
        let offsets: &[u32] = match kind.part {
            Part::Enhanced => &[4, 9, 14],
            Part::Fractional => &[3, 7, 11, 15, 19],
            Part::Slice | Part::Jpeg2000 | Part::JpegLs => &[0],
            Part::Binary | Part::Structure => &[0, 1, 2, 5, 6, 8, 10, 12, 13],
        };
        let image = offsets.iter().find_map(|offset| kind.image(step.saturating_add(*offset), number))?;
        Some(Self::of(kind, image))
    }

    fn of(kind: Kind, mut image: Image) -> Self {
        let frame = match kind.part {
            Part::Jpeg2000 => Some(jpeg2000()),
            Part::JpegLs => Some(jpeg_ls()),
            _ => None,
        };
        let Some(frame) = frame else { return Self { uid: kind.syntax.uid(), image } };
        // The codestreams below are of 12 bits.
        image.data.short((0x0028, 0x0101), 12).short((0x0028, 0x0102), 11).short((0x0028, 0x0103), 0);
        image.data.frames(&[frame]);
        let two = kind.part == Part::Jpeg2000;
        Self { uid: if two { "1.2.840.10008.1.2.4.90" } else { "1.2.840.10008.1.2.4.80" }, image }
    }

    pub(crate) fn file(&self) -> Vec<u8> {
        let Image { data, sop_class, sop_instance, syntax } = &self.image;
        if syntax.uid() == self.uid {
            return self.image.file();
        }
        part10(self.uid, (sop_class, sop_instance), data.encoded())
    }
}

impl Kind {
    fn image(self, index: u32, number: u32) -> Option<Image> {
        let modality = match (self.part, number % 3) {
            (_, 0) => Modality::CT,
            (Part::Enhanced, _) | (_, 1) => Modality::MR,
            (_, _) => Modality::PT,
        };
        let syntaxes = vec![self.syntax];
        let recipe =
            Recipe { size: Size::Tiny, varied: true, syntaxes, ..Recipe::new(u32::MAX, 11, modality) };
        let patient = Patient::draw(&recipe, index);
        let series = patient.series.first()?;
        match self.part {
            Part::Binary | Part::Fractional => patient.segmentation(series),
            Part::Structure => patient.structure_set(series),
            Part::Slice | Part::Enhanced | Part::Jpeg2000 | Part::JpegLs => {
                patient.images(series).into_iter().next()
            }
        }
    }
}

/// 8 x 8 samples of 12 bits without a decomposition (ITU-T T.800): one packet, empty.
fn jpeg2000() -> Vec<u8> {
    let words = [8_u32, 8, 0, 0, 8, 8, 0, 0].into_iter().flat_map(u32::to_be_bytes);
    let size: Vec<u8> =
        [0xFF, 0x4F, 0xFF, 0x51, 0, 41, 0, 0].into_iter().chain(words).chain([0, 1, 11, 1, 1]).collect();
    let coding = [0xFF, 0x52, 0, 12, 0, 0, 0, 1, 0, 0, 4, 4, 0, 1];
    let quantization = [0xFF, 0x5C, 0, 4, 0x40, 12 << 3];
    let tile = [0xFF, 0x90, 0, 10, 0, 0, 0, 0, 0, 15, 0, 1, 0xFF, 0x93, 0];
    [&size[..], &coding, &quantization, &tile, &[0xFF, 0xD9]].concat()
}

/// 8 x 8 samples of 12 bits (ITU-T T.87): a line of zeros is a run, and so are the others.
fn jpeg_ls() -> Vec<u8> {
    let head = [0xFF, 0xD8, 0xFF, 0xF7, 0, 11, 12, 0, 8, 0, 8, 1, 1, 0x11, 0];
    let scan = [0xFF, 0xDA, 0, 8, 1, 1, 0, 0, 0, 0];
    [&head[..], &scan, &[0xFF, 0x7F].repeat(16), &[0xFF, 0xD9]].concat()
}
