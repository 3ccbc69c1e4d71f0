//! Small files made here, each wrong in one way.

use std::io::Cursor;
use trocar_imaging::{FileHeader, Reason, ScanRules, read_header};
use trocar_testkit::dicom::DataSet;

pub(crate) const CT: &str = "1.2.840.10008.5.1.4.1.1.2";

/// A CT slice of 4 columns and 3 rows at a depth, which is accepted as it is.
pub(crate) fn slice(depth: f64) -> DataSet {
    let mut data = DataSet::new();
    data.text((0x0008, 0x0060), *b"CS", "CT").text((0x0010, 0x0020), *b"LO", "P1");
    data.text((0x0012, 0x0062), *b"CS", "YES").decimals((0x0018, 0x0050), &[2.0]);
    data.text((0x0020, 0x000D), *b"UI", "2.25.1").text((0x0020, 0x000E), *b"UI", "2.25.2");
    data.decimals((0x0020, 0x0032), &[0.0, 0.0, depth]);
    data.decimals((0x0020, 0x0037), &[1.0, 0.0, 0.0, 0.0, 1.0, 0.0]);
    data.decimals((0x0028, 0x0030), &[0.5, 0.75]);
    data.decimals((0x0028, 0x1052), &[-1024.0]).decimals((0x0028, 0x1053), &[1.0]);
    pixel_format(&mut data);
    data.pixels(&(0..12).map(|v| v * 100).collect::<Vec<u16>>());
    data
}

/// 12 bits of 16, unsigned, 4 columns and 3 rows.
pub(crate) fn pixel_format(data: &mut DataSet) {
    data.short((0x0028, 0x0002), 1).text((0x0028, 0x0004), *b"CS", "MONOCHROME2");
    data.short((0x0028, 0x0010), 3).short((0x0028, 0x0011), 4);
    data.short((0x0028, 0x0100), 16).short((0x0028, 0x0101), 12);
    data.short((0x0028, 0x0102), 11).short((0x0028, 0x0103), 0);
}

pub(crate) fn file(data: &DataSet) -> Vec<u8> {
    data.file(CT, "2.25.3")
}

pub(crate) fn read(bytes: &[u8], rules: &ScanRules) -> Result<FileHeader, Reason> {
    read_header(&mut Cursor::new(bytes), rules)
}

/// What is said of a slice after a change.
pub(crate) fn after(change: impl Fn(&mut DataSet)) -> Result<FileHeader, Reason> {
    let mut data = slice(0.0);
    change(&mut data);
    read(&file(&data), &crate::rules())
}
