//! The frames of one segment of a DICOM SEG to planes of pixels.

use super::{GridMask, MAX_MASK_VOXELS, Mapping, Stencil};
use crate::{
    Reason,
    codec::decode,
    cost,
    dataset::{Dataset, parse},
    format::{self, Format},
    functional::Groups,
    image::is_length,
    lattice::{Lattice, Point, dot},
    layout::Layout,
    stack::{ORIENTATION_TOLERANCE, PIXEL_TOLERANCE, SAME_PLACE_MM, normal},
    volume::{At, gather},
    walk::{Walked, Wanted, walk},
};
use dicom_core::Tag;
use dicom_dictionary_std::tags;
use dicom_object::InMemDicomObject;
use std::{fs::File, io::Cursor};
use trocar_terms::Fault;

/// What is read of a segmentation once one of its segments is opened.
struct Wants;

const TAGS: [Tag; 9] = [
    tags::SPECIFIC_CHARACTER_SET,
    tags::SEGMENTATION_TYPE,
    tags::SEGMENT_SEQUENCE,
    tags::MAXIMUM_FRACTIONAL_VALUE,
    tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE,
    tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE,
    tags::IMAGE_ORIENTATION_PATIENT,
    tags::IMAGE_POSITION_PATIENT,
    tags::PIXEL_SPACING,
];

impl Wanted for Wants {
    fn wants(&self, tag: Tag) -> bool {
        TAGS.contains(&tag) || format::TAGS.contains(&tag)
    }

    fn check(&self, _: Tag, _: &[u8]) -> Result<(), Reason> {
        Ok(())
    }
}

/// When a stored value is part of the segment.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Test {
    /// BINARY: a bit.
    Bit,
    /// FRACTIONAL: at least half of the maximum, whether it is a probability or an occupancy.
    Half(f64),
    /// LABELMAP: the segment's number.
    Equal(f64),
}

impl Test {
    fn is_met(self, stored: f64) -> bool {
        match self {
            Self::Bit => stored > 0.5,
            Self::Half(most) => stored * 2.0 >= most,
            Self::Equal(number) => (stored - number).abs() < 0.5,
        }
    }
}

/// Marks the voxels of segment `number`, nearest neighbour.
///
/// # Errors
/// `Unsupported` where the object is not one that this version takes, whatever is wrong with it.
pub(crate) fn map(
    file: &File,
    number: u32,
    label: &str,
    lattice: &Lattice,
    mask: &mut GridMask,
) -> Result<(), Fault> {
    planes(file, number, label, lattice, mask).map_err(|_| Fault::Unsupported)
}

fn planes(
    file: &File,
    number: u32,
    label: &str,
    lattice: &Lattice,
    mask: &mut GridMask,
) -> Result<(), Reason> {
    let walked = walk(At::new(file), &Wants)?;
    mask.spend(walked.cost());
    let elements = parse(&walked.elements, walked.syntax)?;
    let data = elements.data();
    let named = |item: &InMemDicomObject| {
        let item = Dataset::Object(item);
        item.whole(tags::SEGMENT_NUMBER) == Some(number) && item.is(tags::SEGMENT_LABEL, label)
    };
    if !data.items(tags::SEGMENT_SEQUENCE).iter().any(named) {
        return Err(Reason::NoSegments);
    }
    let pixels = Frames::new(data, &walked, number)?;
    let groups = Groups::new(data, pixels.format.frames)?;
    let frames = of_segment(&groups, pixels.format.frames, number, pixels.test)?;
    let Some(first) = frames.first() else {
        // A segment may be empty: it is in no frame then.
        return Ok(());
    };
    let from = first.lattice(&frames, &pixels.format)?;
    pixels.bounded(frames.len())?;
    let mut mapping = Mapping { to: lattice, from, depths: Vec::new(), planes: Vec::new() };
    for frame in &frames {
        mapping.depths.push(frame.depth - first.depth);
        mapping.planes.push(pixels.stencil(file, &walked, frame.index, mask)?);
    }
    mapping.run(mask);
    Ok(())
}

/// Where the pixels of the frames lie, and what they mean.
struct Frames {
    format: Format,
    test: Test,
    layout: Layout,
}

impl Frames {
    fn new(data: Dataset<'_>, walked: &Walked, number: u32) -> Result<Self, Reason> {
        let kind = data.text(tags::SEGMENTATION_TYPE).ok_or(Reason::SegmentType)?;
        let format = Format::read(data, walked.element())?;
        let most = || data.whole(tags::MAXIMUM_FRACTIONAL_VALUE).filter(|most| *most > 0);
        let test = match (kind.as_ref(), format.allocated) {
            ("BINARY", 1) => Test::Bit,
            ("FRACTIONAL", 8) => Test::Half(f64::from(most().ok_or(Reason::SegmentType)?)),
            ("LABELMAP", 8 | 16) => Test::Equal(f64::from(number)),
            _ => return Err(Reason::SegmentType),
        };
        let plain = format.colour.samples() == 1 && !format.signed && !format.float;
        if !plain || format.bits != format.allocated {
            return Err(Reason::PixelFormat);
        }
        let layout = Layout::new(walked, &format)?;
        Ok(Self { format, test, layout })
    }

    /// Whether so many frames are few enough to be held.
    fn bounded(&self, frames: usize) -> Result<(), Reason> {
        let Format { columns, rows, .. } = self.format;
        let bits = Stencil::bits(u32::from(columns), u32::from(rows), frames as u64);
        if bits > MAX_MASK_VOXELS { Err(Reason::TooLarge) } else { Ok(()) }
    }

    /// The marked pixels of a frame.
    fn stencil(
        &self,
        file: &File,
        walked: &Walked,
        index: u32,
        mask: &mut GridMask,
    ) -> Result<Stencil, Reason> {
        let runs = self.layout.frames.get(index as usize).ok_or(Reason::Truncated)?;
        mask.spend(self.price(runs));
        let frame = bytes(file, walked, runs)?;
        let values = decode(&self.layout, &self.format, index as usize, frame).ok_or(Reason::Codestream)?;
        let columns = usize::from(self.format.columns).max(1);
        let mut stencil = Stencil::new(u32::from(self.format.columns), u32::from(self.format.rows));
        let marked = values.mapped(|stored| self.test.is_met(stored));
        for (i, _) in marked.into_iter().enumerate().filter(|(_, marked)| *marked) {
            stencil.set(i % columns, i / columns);
        }
        Ok(stencil)
    }

    /// What reading a frame takes.
    fn price(&self, runs: &[(u64, u32)]) -> u64 {
        let coding = self.layout.syntax.coding;
        let stored: u64 = runs.iter().map(|(_, length)| u64::from(*length)).fold(0, u64::saturating_add);
        let pixels = (self.format.pixels() as u64).saturating_mul(cost::SEGMENT_PIXEL);
        let decoded = (self.format.bytes() as u64).saturating_mul(cost::pixel_byte(coding));
        let runs = (runs.len() as u64).saturating_mul(cost::RUN);
        [pixels, decoded, runs, stored.saturating_mul(cost::stored_byte(coding)), cost::frame(coding)]
            .into_iter()
            .fold(0, u64::saturating_add)
    }
}

fn bytes(file: &File, walked: &Walked, runs: &[(u64, u32)]) -> Result<Vec<u8>, Reason> {
    let read = match &walked.inflated {
        Some(data) => gather(&mut Cursor::new(data.as_slice()), runs),
        None => gather(&mut At::new(file), runs),
    };
    read.ok_or(Reason::Unreadable)
}

/// A frame of the segment, with its place.
struct Placed {
    index: u32,
    position: Point,
    orientation: [f64; 6],
    spacing: [f64; 2],
    /// Distance of planes, where the frame states it: between slices, or else their thickness.
    between: Option<f64>,
    thickness: Option<f64>,
    /// Along the normal.
    depth: f64,
}

/// The frames of a segment along their normal: on one grid, no two at one place.
fn of_segment(groups: &Groups<'_>, frames: u32, number: u32, test: Test) -> Result<Vec<Placed>, Reason> {
    let identified = |index| {
        let group = tags::SEGMENT_IDENTIFICATION_SEQUENCE;
        groups.find(index, group, |d| d.whole(tags::REFERENCED_SEGMENT_NUMBER)).ok_or(Reason::NoSegments)
    };
    let mut found = Vec::new();
    for index in 0..frames {
        // Every frame of a label map may hold every segment.
        let of = if matches!(test, Test::Equal(_)) { number } else { identified(index)? };
        if of == number {
            found.push(placed(groups, index)?);
        }
    }
    found.sort_by(|a, b| a.depth.total_cmp(&b.depth));
    found.iter().zip(found.iter().skip(1)).try_for_each(|(a, b)| a.agrees_with(b))?;
    Ok(found)
}

fn placed(groups: &Groups<'_>, index: u32) -> Result<Placed, Reason> {
    let measures = tags::PIXEL_MEASURES_SEQUENCE;
    let position: Option<Point> =
        groups.find(index, tags::PLANE_POSITION_SEQUENCE, |d| d.reals(tags::IMAGE_POSITION_PATIENT));
    let orientation: Option<[f64; 6]> =
        groups.find(index, tags::PLANE_ORIENTATION_SEQUENCE, |d| d.reals(tags::IMAGE_ORIENTATION_PATIENT));
    let spacing: Option<[f64; 2]> = groups.find(index, measures, |d| d.reals(tags::PIXEL_SPACING));
    let length = |tag| groups.find(index, measures, |d| d.real(tag)).filter(|mm| is_length(*mm));
    let position = position.filter(|p| p.iter().all(|v| v.abs() <= 1e5)).ok_or(Reason::NoGeometry)?;
    let orientation = orientation.ok_or(Reason::NoGeometry)?;
    Ok(Placed {
        index,
        position,
        orientation,
        spacing: spacing.filter(|s| s.iter().all(|mm| is_length(*mm))).ok_or(Reason::NoGeometry)?,
        between: length(tags::SPACING_BETWEEN_SLICES),
        thickness: length(tags::SLICE_THICKNESS),
        depth: dot(position, normal(orientation)?),
    })
}

impl Placed {
    /// The next frame of the segment lies behind this one, and nowhere else.
    fn agrees_with(&self, next: &Self) -> Result<(), Reason> {
        let turned =
            self.orientation.iter().zip(next.orientation).any(|(a, b)| (a - b).abs() > ORIENTATION_TOLERANCE);
        let scaled = self.spacing.iter().zip(next.spacing).any(|(a, b)| (a - b).abs() > PIXEL_TOLERANCE * a);
        if turned || scaled {
            return Err(Reason::MixedSize);
        }
        let step = next.depth - self.depth;
        if step < SAME_PLACE_MM {
            return Err(Reason::Duplicate);
        }
        let along = normal(self.orientation)?.map(|n| n * step);
        let [x, y, z] = self.position;
        let [u, v, w] = next.position;
        let [a, b, c] = along;
        let shift = [u - x - a, v - y - b, w - z - c];
        let [rows, columns] = self.spacing;
        // A shift within the plane of a hundredth of a pixel is rounding.
        if dot(shift, shift).sqrt() > SAME_PLACE_MM.max(0.01 * rows.min(columns)) {
            Err(Reason::Sheared)
        } else {
            Ok(())
        }
    }

    /// The lattice of the segment's planes, this one the first.
    fn lattice(&self, frames: &[Self], format: &Format) -> Result<Lattice, Reason> {
        let steps = frames.iter().zip(frames.iter().skip(1)).map(|(a, b)| b.depth - a.depth);
        let least = steps.fold(f64::INFINITY, f64::min);
        let [a, b, c, d, e, f] = self.orientation;
        let [row_spacing, column_spacing] = self.spacing;
        // Frames may be sparse, so the object's own word comes first; one that the frames contradict does not count. Without
        // it a frame reaches as far as its thickness and no further than the next.
        let stated = self.between.filter(|mm| *mm <= least + SAME_PLACE_MM);
        let distance = stated.or(Some(self.thickness.map_or(least, |mm| mm.min(least))));
        let lattice = Lattice {
            size: [u32::from(format.columns), u32::from(format.rows), 1],
            origin: self.position,
            directions: [[a, b, c], [d, e, f], normal(self.orientation)?],
            spacing: [
                column_spacing,
                row_spacing,
                distance.filter(|mm| mm.is_finite()).ok_or(Reason::NoThickness)?,
            ],
        };
        if lattice.is_grid() { Ok(lattice) } else { Err(Reason::NoGeometry) }
    }
}
