//! RTSTRUCT (PS3.3 section A.19.3) of a series' lesions: one ROI. A voxel belongs to it where its centre lies inside a
//! contour of its slice.

use crate::{
    contour::{Corner, contours},
    dicom::{DataSet, decimal},
    image::Image,
    patient::{MaskUids, Person},
    segmentation::{LABEL, referenced_file, referenced_slice},
    series::{Series, Slice, uid_text},
};

const SOP_CLASS: &str = "1.2.840.10008.5.1.4.1.1.481.3";

/// `None` where no voxel is in a lesion.
pub(crate) fn structure_set(series: &Series, person: &Person, uids: &MaskUids) -> Option<Image> {
    let outlined = |(z, slice): (usize, &Slice)| {
        let found = contours(&slice.lesions(), series.grid.columns);
        found.into_iter().map(|corners| contour(series, z, &corners)).collect::<Vec<_>>()
    };
    let drawn: Vec<DataSet> = series.slices.iter().enumerate().flat_map(outlined).collect();
    drawn.first()?;
    let mut image = Image::new(SOP_CLASS, uid_text(uids.structure_instance), series.syntax.native());
    let data = &mut image.data;
    person.describe(data);
    describe(data, series, uids);
    let mut roi = DataSet::new();
    roi.text((0x3006, 0x0084), *b"IS", "1").text((0x3006, 0x002A), *b"IS", "255\\0\\0");
    roi.sequence((0x3006, 0x0040), &drawn);
    data.sequence((0x3006, 0x0039), &[roi]);
    Some(image)
}

fn contour(series: &Series, z: usize, corners: &[Corner]) -> DataSet {
    let place = |(column, row): &Corner| {
        // The corner at which a pixel begins is half a pixel before its centre.
        let at = series.grid.centre_mm(f64::from(*column) - 0.5, f64::from(*row) - 0.5, z as f64);
        at.map(decimal).join("\\")
    };
    let mut item = DataSet::new();
    item.sequence((0x3006, 0x0016), &[referenced_slice(series, z)]);
    item.text((0x3006, 0x0042), *b"CS", "CLOSED_PLANAR");
    item.text((0x3006, 0x0046), *b"IS", &corners.len().to_string());
    item.text((0x3006, 0x0050), *b"DS", &corners.iter().map(place).collect::<Vec<_>>().join("\\"));
    item
}

fn describe(data: &mut DataSet, series: &Series, uids: &MaskUids) {
    let frame = uid_text(series.uids.frame_of_reference);
    data.text((0x0008, 0x0060), *b"CS", "RTSTRUCT").text((0x0008, 0x0070), *b"LO", "Trocar");
    data.text((0x0008, 0x1090), *b"LO", "testkit").text((0x0020, 0x0052), *b"UI", &frame);
    data.text((0x0008, 0x1070), *b"PN", "");
    data.text((0x0020, 0x000D), *b"UI", &uid_text(series.uids.study)).text((0x0020, 0x1040), *b"LO", "");
    data.text((0x0020, 0x000E), *b"UI", &uid_text(uids.structure_series)).text(
        (0x0020, 0x0011),
        *b"IS",
        "200",
    );
    data.text((0x3006, 0x0002), *b"SH", "LESIONS").text((0x3006, 0x0008), *b"DA", "20200101");
    data.text((0x3006, 0x0009), *b"TM", "100000").text((0x300E, 0x0002), *b"CS", "UNAPPROVED");
    data.sequence((0x3006, 0x0010), &[referenced_frame(series)]);
    let (mut roi, mut observation) = (DataSet::new(), DataSet::new());
    roi.text((0x3006, 0x0022), *b"IS", "1").text((0x3006, 0x0024), *b"UI", &frame);
    roi.text((0x3006, 0x0026), *b"LO", LABEL).text((0x3006, 0x0036), *b"CS", "AUTOMATIC");
    observation.text((0x3006, 0x0082), *b"IS", "1").text((0x3006, 0x0084), *b"IS", "1");
    observation.text((0x3006, 0x00A4), *b"CS", "GTV").text((0x3006, 0x00A6), *b"PN", "");
    data.sequence((0x3006, 0x0020), &[roi]).sequence((0x3006, 0x0080), &[observation]);
}

/// Detached Study Management, retired, and still what names the study here.
const STUDY_CLASS: &str = "1.2.840.10008.3.1.2.3.1";

fn referenced_frame(series: &Series) -> DataSet {
    let files = if series.enhanced { 1 } else { series.slices.len() };
    let images: Vec<DataSet> = (0..files).map(|z| referenced_file(series, z)).collect();
    let (mut of_series, mut study, mut frame) = (DataSet::new(), DataSet::new(), DataSet::new());
    of_series.text((0x0020, 0x000E), *b"UI", &uid_text(series.uids.series));
    of_series.sequence((0x3006, 0x0016), &images);
    study.text((0x0008, 0x1150), *b"UI", STUDY_CLASS);
    study.text((0x0008, 0x1155), *b"UI", &uid_text(series.uids.study));
    study.sequence((0x3006, 0x0014), &[of_series]);
    frame.text((0x0020, 0x0052), *b"UI", &uid_text(series.uids.frame_of_reference));
    frame.sequence((0x3006, 0x0012), &[study]);
    frame
}
