//! Image files: a classic one a slice, or an enhanced one with all of them.

use crate::{
    dicom::DataSet,
    patient::Person,
    series::{Series, Slice, uid_text},
    syntax::Syntax,
};
use trocar_terms::Modality;

/// A file before it is written.
#[derive(Debug, Clone)]
pub(crate) struct Image {
    pub(crate) data: DataSet,
    pub(crate) sop_class: &'static str,
    pub(crate) sop_instance: String,
    pub(crate) syntax: Syntax,
}

impl Image {
    pub(crate) fn new(sop_class: &'static str, sop_instance: String, syntax: Syntax) -> Self {
        let mut data = DataSet::new();
        data.text((0x0008, 0x0016), *b"UI", sop_class).text((0x0008, 0x0018), *b"UI", &sop_instance);
        Self { data, sop_class, sop_instance, syntax }
    }

    pub(crate) fn file(&self) -> Vec<u8> {
        self.data.file_in(self.syntax, self.sop_class, &self.sop_instance)
    }
}

/// Every file of a series, in the order of its slices.
pub(crate) fn images(series: &Series, person: &Person) -> Vec<Image> {
    if series.enhanced {
        return vec![enhanced(series, person)];
    }
    series.slices.iter().enumerate().map(|(z, slice)| classic(series, person, z, slice)).collect()
}

fn classic(series: &Series, person: &Person, z: usize, slice: &Slice) -> Image {
    let mut image = begun(series, person, z);
    let data = &mut image.data;
    data.text((0x0008, 0x0008), *b"CS", "ORIGINAL\\PRIMARY\\AXIAL");
    data.text((0x0020, 0x0013), *b"IS", &(z + 1).to_string());
    let [x, y, thickness] = series.grid.spacing_mm;
    data.decimals((0x0018, 0x0050), &[thickness]).decimals((0x0028, 0x0030), &[y, x]);
    data.decimals((0x0020, 0x0032), &series.grid.position_mm(z));
    data.decimals((0x0020, 0x0037), &AXIAL);
    if let Some((slope, intercept)) = slice.scale.written {
        data.decimals((0x0028, 0x1052), &[intercept]).decimals((0x0028, 0x1053), &[slope]);
    }
    series.device.describe_slice(data, z, series.slices.len());
    if series.long_headers {
        long_header(data, z);
    }
    series.set_pixels(data, std::slice::from_ref(slice));
    image
}

pub(crate) const AXIAL: [f64; 6] = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0];

/// What a classic file and an enhanced one share.
fn begun(series: &Series, person: &Person, z: usize) -> Image {
    let uids = &series.uids;
    let sop_instance = uid_text(uids.first.wrapping_add(z as u128));
    let mut image = Image::new(series.sop_class(), sop_instance, series.syntax);
    let data = &mut image.data;
    person.describe(data);
    data.text((0x0020, 0x000D), *b"UI", &uid_text(uids.study));
    data.text((0x0020, 0x000E), *b"UI", &uid_text(uids.series));
    data.text((0x0020, 0x0052), *b"UI", &uid_text(uids.frame_of_reference));
    data.text((0x0008, 0x0060), *b"CS", series.device.modality.code());
    data.text((0x0008, 0x0070), *b"LO", series.device.maker.name());
    data.text((0x0018, 0x0015), *b"CS", "ABDOMEN").text((0x0018, 0x5100), *b"CS", "HFS");
    data.text((0x0020, 0x0011), *b"IS", "1");
    data.text((0x0020, 0x1040), *b"LO", "").text((0x0028, 0x0301), *b"CS", "NO");
    series.device.describe(data);
    pixel_format(data, series);
    image
}

fn pixel_format(data: &mut DataSet, series: &Series) {
    let scale = series.device.scale(0);
    let size = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
    data.short((0x0028, 0x0002), 1).text((0x0028, 0x0004), *b"CS", "MONOCHROME2");
    data.short((0x0028, 0x0010), size(series.grid.rows)).short((0x0028, 0x0011), size(series.grid.columns));
    data.short((0x0028, 0x0100), 16).short((0x0028, 0x0101), scale.bits);
    data.short((0x0028, 0x0102), scale.bits - 1).short((0x0028, 0x0103), u16::from(scale.signed));
}

/// An enhanced CT or MR (PS3.3 sections A.38 and A.36): geometry and rescale in functional groups.
fn enhanced(series: &Series, person: &Person) -> Image {
    let mut image = begun(series, person, 0);
    let data = &mut image.data;
    data.text((0x0008, 0x0008), *b"CS", "ORIGINAL\\PRIMARY\\VOLUME\\NONE");
    data.text((0x0008, 0x002A), *b"DT", "20200101").text((0x0008, 0x0023), *b"DA", "20200101");
    data.text((0x0008, 0x0033), *b"TM", "100000").text((0x0020, 0x0013), *b"IS", "1");
    data.text((0x0008, 0x9205), *b"CS", "MONOCHROME").text((0x0008, 0x9206), *b"CS", "VOLUME");
    data.text((0x0008, 0x9207), *b"CS", "NONE").text((0x0018, 0x9004), *b"CS", "RESEARCH");
    data.text((0x0028, 0x0008), *b"IS", &series.slices.len().to_string());
    data.text((0x0028, 0x2110), *b"CS", "00").text((0x2050, 0x0020), *b"CS", "IDENTITY");
    // They stand in the functional groups.
    data.remove((0x0028, 0x1054)).remove((0x0018, 0x0020)).remove((0x0018, 0x0021));
    dimensions(data, &[(0x0020, 0x9056), (0x0020, 0x9057)], series.uids.series.wrapping_add(1));
    data.sequence((0x5200, 0x9229), &[shared(series)]);
    let frames: Vec<DataSet> = (0..series.slices.len()).map(|z| frame(series, z)).collect();
    data.sequence((0x5200, 0x9230), &frames);
    series.set_pixels(data, &series.slices);
    image
}

/// Dimension Organization and Dimension Index, over attributes of Frame Content.
pub(crate) fn dimensions(data: &mut DataSet, over: &[(u16, u16)], uid: u128) {
    let uid = uid_text(uid);
    let mut organization = DataSet::new();
    organization.text((0x0020, 0x9164), *b"UI", &uid);
    data.sequence((0x0020, 0x9221), &[organization]);
    let index = |(group, element): &(u16, u16)| {
        let mut item = DataSet::new();
        item.text((0x0020, 0x9164), *b"UI", &uid);
        item.attribute_tag((0x0020, 0x9165), (*group, *element));
        item.attribute_tag((0x0020, 0x9167), functional_group(*group, *element));
        item
    };
    data.sequence((0x0020, 0x9222), &over.iter().map(index).collect::<Vec<_>>());
}

/// The functional group that holds an attribute which frames are indexed by.
const fn functional_group(group: u16, element: u16) -> (u16, u16) {
    match (group, element) {
        (0x0062, 0x000B) => (0x0062, 0x000A),
        (0x0020, 0x0032) => (0x0020, 0x9113),
        _ => (0x0020, 0x9111),
    }
}

/// Pixel Measures and Plane Orientation.
pub(crate) fn geometry(series: &Series) -> DataSet {
    let [x, y, thickness] = series.grid.spacing_mm;
    let (mut measures, mut orientation, mut group) = (DataSet::new(), DataSet::new(), DataSet::new());
    measures.decimals((0x0018, 0x0050), &[thickness]).decimals((0x0028, 0x0030), &[y, x]);
    measures.decimals((0x0018, 0x0088), &[thickness]);
    orientation.decimals((0x0020, 0x0037), &AXIAL);
    group.sequence((0x0028, 0x9110), &[measures]).sequence((0x0020, 0x9116), &[orientation]);
    group
}

fn shared(series: &Series) -> DataSet {
    let mut group = geometry(series);
    let mut kind = DataSet::new();
    kind.text((0x0008, 0x9007), *b"CS", "ORIGINAL\\PRIMARY\\VOLUME\\NONE");
    kind.text((0x0008, 0x9205), *b"CS", "MONOCHROME").text((0x0008, 0x9206), *b"CS", "VOLUME");
    kind.text((0x0008, 0x9207), *b"CS", "NONE");
    let tag = if series.device.modality == Modality::CT { (0x0018, 0x9329) } else { (0x0018, 0x9226) };
    group.sequence(tag, &[kind]);
    if let Some((slope, intercept)) = series.slices.first().and_then(|s| s.scale.written) {
        let mut values = DataSet::new();
        values.decimals((0x0028, 0x1052), &[intercept]).decimals((0x0028, 0x1053), &[slope]);
        let unit = if series.device.modality == Modality::CT { "HU" } else { "normalized" };
        values.text((0x0028, 0x1054), *b"LO", unit);
        group.sequence((0x0028, 0x9145), &[values]);
    }
    group
}

/// Frame Content and Plane Position.
fn frame(series: &Series, z: usize) -> DataSet {
    let number = u32::try_from(z + 1).unwrap_or(u32::MAX);
    let (mut content, mut position, mut group) = (DataSet::new(), DataSet::new(), DataSet::new());
    content.text((0x0020, 0x9056), *b"SH", "1").longs((0x0020, 0x9057), &[number]);
    content.longs((0x0020, 0x9157), &[1, number]);
    position.decimals((0x0020, 0x0032), &series.grid.position_mm(z));
    group.sequence((0x0020, 0x9111), &[content]).sequence((0x0020, 0x9113), &[position]);
    group
}

/// What a CT writes beside what is needed, so that a header is as long as a real one.
fn long_header(data: &mut DataSet, z: usize) {
    for (tag, vr, value) in LONG_HEADER {
        data.text(*tag, **vr, value);
    }
    for element in [0x9305, 0x9306, 0x9307, 0x9309, 0x9310, 0x9311, 0x9345] {
        data.doubles((0x0018, element), &[0.5 + f64::from(element)]);
    }
    data.decimals((0x0020, 0x1041), &[z as f64]).short((0x0028, 0x0106), 0).short((0x0028, 0x0107), 4095);
}

type Written = ((u16, u16), &'static [u8; 2], &'static str);

const LONG_HEADER: &[Written] = &[
    ((0x0008, 0x0005), b"CS", "ISO_IR 100"),
    ((0x0008, 0x1030), b"LO", "ABDOMEN"),
    ((0x0008, 0x103E), b"LO", "PORTAL VENOUS 5.0"),
    ((0x0008, 0x1090), b"LO", "Synthetic 1"),
    ((0x0018, 0x0022), b"CS", "HELICAL MODE"),
    ((0x0018, 0x0088), b"DS", "8"),
    ((0x0018, 0x0090), b"DS", "500"),
    ((0x0018, 0x1020), b"LO", "1.0"),
    ((0x0018, 0x1030), b"LO", "5.1 ABDOMEN ROUTINE"),
    ((0x0018, 0x1100), b"DS", "360"),
    ((0x0018, 0x1110), b"DS", "949.075"),
    ((0x0018, 0x1111), b"DS", "541"),
    ((0x0018, 0x1120), b"DS", "0"),
    ((0x0018, 0x1130), b"DS", "154.5"),
    ((0x0018, 0x1140), b"CS", "CW"),
    ((0x0018, 0x1150), b"IS", "500"),
    ((0x0018, 0x1151), b"IS", "320"),
    ((0x0018, 0x1152), b"IS", "160"),
    ((0x0018, 0x1160), b"SH", "BODY FILTER"),
    ((0x0018, 0x1170), b"IS", "38400"),
    ((0x0018, 0x1190), b"DS", "1.2"),
    ((0x0018, 0x1210), b"SH", "STANDARD"),
    ((0x0020, 0x0012), b"IS", "1"),
    ((0x0028, 0x1050), b"DS", "40"),
    ((0x0028, 0x1051), b"DS", "400"),
    ((0x0028, 0x1055), b"LO", "WINDOW1"),
    ((0x0032, 0x1060), b"LO", "CT ABDOMEN"),
];
