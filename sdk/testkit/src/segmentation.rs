//! DICOM-SEG (PS3.3 section A.51) of a series' lesions: one segment, one frame a slice that has any.

use crate::{
    dicom::DataSet,
    image::{Image, dimensions, geometry},
    patient::{MaskUids, Person},
    series::{Series, Slice, uid_text},
};

const SOP_CLASS: &str = "1.2.840.10008.5.1.4.1.1.66.4";

/// How a segment's voxels are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A bit a voxel.
    Binary,
    /// A byte a voxel, as a share of 255: a lesion has 160 to 255, its neighbours in the row up to 96.
    Fractional,
}

/// `None` where no voxel is in a lesion: a segmentation has at least one frame.
pub(crate) fn segmentation(series: &Series, person: &Person, uids: &MaskUids, kind: Kind) -> Option<Image> {
    let masks = series.slices.iter().map(Slice::lesions).enumerate();
    let masks: Vec<(usize, Vec<bool>)> = masks.filter(|(_, mask)| mask.contains(&true)).collect();
    masks.first()?;
    let mut image = Image::new(SOP_CLASS, uid_text(uids.sop_instance), series.syntax.native());
    let data = &mut image.data;
    person.describe(data);
    describe(data, series, uids);
    pixel_format(data, series, kind, masks.len());
    let mut groups = geometry(series);
    groups.sequence((0x0062, 0x000A), &[segment_identification()]);
    data.sequence((0x5200, 0x9229), &[groups]);
    let frames: Vec<DataSet> = (1..).zip(&masks).map(|(number, (z, _))| frame(series, *z, number)).collect();
    data.sequence((0x5200, 0x9230), &frames);
    let voxels = masks.iter().flat_map(|(_, mask)| mask.iter().copied());
    data.pixel_bytes(&match kind {
        Kind::Binary => packed(voxels),
        Kind::Fractional => shares(&masks, series.grid.columns),
    });
    Some(image)
}

/// The first voxel in the least significant bit, frames without a gap between them (PS3.5 section 8.1.1).
fn packed(voxels: impl Iterator<Item = bool>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (at, voxel) in voxels.enumerate() {
        if at % 8 == 0 {
            bytes.push(0);
        }
        if let Some(byte) = bytes.last_mut() {
            *byte |= u8::from(voxel) << (at % 8);
        }
    }
    bytes
}

fn shares(masks: &[(usize, Vec<bool>)], columns: usize) -> Vec<u8> {
    let share = |mask: &[bool], at: usize| {
        let near = |step: isize| at.checked_add_signed(step).and_then(|i| mask.get(i)).copied();
        // What it is does not matter, only that it is not the same everywhere.
        let varied = u8::try_from(at * 37 % 96).unwrap_or_default();
        let row = |other: usize| other / columns == at / columns;
        let beside = [-1, 1]
            .into_iter()
            .any(|step: isize| near(step).unwrap_or_default() && row(at.saturating_add_signed(step)));
        match (mask.get(at).copied().unwrap_or_default(), beside) {
            (true, _) => 160 + varied,
            (false, true) => varied,
            (false, false) => 0,
        }
    };
    masks.iter().flat_map(|(_, mask)| (0..mask.len()).map(move |at| share(mask, at))).collect()
}

fn describe(data: &mut DataSet, series: &Series, uids: &MaskUids) {
    data.text((0x0008, 0x0008), *b"CS", "DERIVED\\PRIMARY").text((0x0008, 0x0060), *b"CS", "SEG");
    data.text((0x0008, 0x0023), *b"DA", "20200101").text((0x0008, 0x0033), *b"TM", "100000");
    data.text((0x0008, 0x0070), *b"LO", "Trocar").text((0x0008, 0x1090), *b"LO", "testkit");
    data.text((0x0018, 0x1000), *b"LO", "1").text((0x0018, 0x1020), *b"LO", "1.0");
    data.text((0x0020, 0x000D), *b"UI", &uid_text(series.uids.study));
    data.text((0x0020, 0x000E), *b"UI", &uid_text(uids.series)).text((0x0020, 0x0011), *b"IS", "100");
    data.text((0x0020, 0x0013), *b"IS", "1").text((0x0020, 0x1040), *b"LO", "");
    data.text((0x0020, 0x0052), *b"UI", &uid_text(series.uids.frame_of_reference));
    data.text((0x0070, 0x0080), *b"CS", "LESIONS").text((0x0070, 0x0081), *b"LO", "");
    data.text((0x0070, 0x0084), *b"PN", "");
    data.sequence((0x0008, 0x1115), &[referenced_series(series)]);
    data.sequence((0x0062, 0x0002), &[segment()]);
    dimensions(data, &[(0x0062, 0x000B), (0x0020, 0x0032)], uids.dimensions);
}

/// Referenced Series: the images that were segmented.
pub(crate) fn referenced_series(series: &Series) -> DataSet {
    let files = if series.enhanced { 1 } else { series.slices.len() };
    let instances: Vec<DataSet> = (0..files).map(|z| referenced_file(series, z)).collect();
    let mut item = DataSet::new();
    item.text((0x0020, 0x000E), *b"UI", &uid_text(series.uids.series));
    item.sequence((0x0008, 0x114A), &instances);
    item
}

/// The SOP instance of a slice.
pub(crate) fn referenced_file(series: &Series, z: usize) -> DataSet {
    let reference = series.reference(z);
    let mut item = DataSet::new();
    item.text((0x0008, 0x1150), *b"UI", reference.sop_class);
    item.text((0x0008, 0x1155), *b"UI", &reference.sop_instance);
    item
}

/// The SOP instance of a slice, and which frame of it.
pub(crate) fn referenced_slice(series: &Series, z: usize) -> DataSet {
    let mut item = referenced_file(series, z);
    if let Some(frame) = series.reference(z).frame {
        item.text((0x0008, 0x1160), *b"IS", &frame.to_string());
    }
    item
}

/// A coded entry of SNOMED CT or DICOM.
fn code(value: &str, scheme: &str, meaning: &str) -> DataSet {
    let mut item = DataSet::new();
    item.text((0x0008, 0x0100), *b"SH", value).text((0x0008, 0x0102), *b"SH", scheme);
    item.text((0x0008, 0x0104), *b"LO", meaning);
    item
}

/// The label of every mask.
pub(crate) const LABEL: &str = "Lesion";

fn segment() -> DataSet {
    let mut item = DataSet::new();
    item.short((0x0062, 0x0004), 1).text((0x0062, 0x0005), *b"LO", LABEL);
    item.text((0x0062, 0x0008), *b"CS", "AUTOMATIC").text((0x0062, 0x0009), *b"LO", "testkit");
    item.sequence((0x0062, 0x0003), &[code("49755003", "SCT", "Morphologically Abnormal Structure")]);
    item.sequence((0x0062, 0x000F), &[code("52988006", "SCT", "Lesion")]);
    item
}

fn pixel_format(data: &mut DataSet, series: &Series, kind: Kind, frames: usize) {
    let size = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
    let (name, bits) = match kind {
        Kind::Binary => ("BINARY", 1),
        Kind::Fractional => ("FRACTIONAL", 8),
    };
    data.text((0x0062, 0x0001), *b"CS", name);
    if kind == Kind::Fractional {
        data.text((0x0062, 0x0010), *b"CS", "PROBABILITY").short((0x0062, 0x000E), 255);
    }
    data.short((0x0028, 0x0002), 1).text((0x0028, 0x0004), *b"CS", "MONOCHROME2");
    data.text((0x0028, 0x0008), *b"IS", &frames.to_string()).text((0x0028, 0x2110), *b"CS", "00");
    data.short((0x0028, 0x0010), size(series.grid.rows)).short((0x0028, 0x0011), size(series.grid.columns));
    data.short((0x0028, 0x0100), bits).short((0x0028, 0x0101), bits);
    data.short((0x0028, 0x0102), bits - 1).short((0x0028, 0x0103), 0);
}

fn segment_identification() -> DataSet {
    let mut item = DataSet::new();
    item.short((0x0062, 0x000B), 1);
    item
}

/// Frame Content, Plane Position and the slice that the frame was made from.
fn frame(series: &Series, z: usize, number: u32) -> DataSet {
    let (mut content, mut position, mut group) = (DataSet::new(), DataSet::new(), DataSet::new());
    content.longs((0x0020, 0x9157), &[1, number]);
    position.decimals((0x0020, 0x0032), &series.grid.position_mm(z));
    let mut source = referenced_slice(series, z);
    source
        .sequence((0x0040, 0xA170), &[code("121322", "DCM", "Source image for image processing operation")]);
    let mut derivation = DataSet::new();
    derivation.sequence((0x0008, 0x2112), &[source]);
    derivation.sequence((0x0008, 0x9215), &[code("113076", "DCM", "Segmentation")]);
    group.sequence((0x0020, 0x9111), &[content]).sequence((0x0020, 0x9113), &[position]);
    group.sequence((0x0008, 0x9124), &[derivation]);
    group
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_voxel_is_the_least_significant_bit() {
        let voxels = [true, false, false, false, false, false, false, true, true];
        assert_eq!(packed(voxels.into_iter()), [0x81, 0x01]);
    }

    #[test]
    fn a_share_is_over_half_in_a_lesion_and_under_it_beside_one() {
        let bytes = shares(&[(0, vec![false, true, false, false, false, true])], 3);
        assert!(bytes[1] >= 160 && bytes[5] >= 160, "{bytes:?}");
        assert!([0, 2, 3, 4].iter().all(|at| bytes[*at] < 96), "{bytes:?}");
        assert_eq!(bytes[3], 0, "a neighbour is one of the same row");
    }
}
