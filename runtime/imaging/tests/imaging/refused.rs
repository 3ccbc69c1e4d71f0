//! What a policy refuses, and what cannot be a volume.

use crate::{
    made::{after, file, read, slice},
    rules,
};
use trocar_imaging::{Reason, ScanRules, group};
use trocar_terms::{AttributeRule, Deidentification, PrivateGroups, Value};
use trocar_testkit::dicom::DataSet;

#[test]
fn a_file_that_does_not_say_that_it_is_deidentified_is_refused_where_the_policy_requires_it() {
    let mut strict = rules();
    strict.deidentification.require = true;
    assert!(read(&file(&slice(0.0)), &strict).is_ok());
    let mut data = slice(0.0);
    data.text((0x0012, 0x0062), *b"CS", "NO");
    assert_eq!(read(&file(&data), &strict), Err(Reason::NotDeidentified));
    assert!(read(&file(&data), &rules()).is_ok());
    for not_one_yes in ["NO\\YES", "YES\\NO", "YES\\", "yes", ""] {
        data.text((0x0012, 0x0062), *b"CS", not_one_yes);
        assert_eq!(read(&file(&data), &strict), Err(Reason::NotDeidentified), "{not_one_yes}");
    }
}

#[test]
fn burned_in_text_is_refused_always() {
    let change = |d: &mut DataSet| drop(d.text((0x0028, 0x0301), *b"CS", "YES").encoded());
    assert_eq!(after(change), Err(Reason::BurnedIn));
    let change = |d: &mut DataSet| drop(d.text((0x0028, 0x0301), *b"CS", "NO\\YES").encoded());
    assert_eq!(after(change), Err(Reason::BurnedIn));
}

#[test]
fn private_groups_are_refused_where_the_policy_says_so_even_in_an_item() {
    let mut strict = rules();
    strict.deidentification = Deidentification { require: false, private_groups: PrivateGroups::Refuse };
    assert!(read(&file(&slice(0.0)), &strict).is_ok());
    let (mut data, mut item) = (slice(0.0), DataSet::new());
    item.text((0x0009, 0x0010), *b"LO", "x");
    data.sequence((0x0008, 0x1140), &[item]);
    assert_eq!(read(&file(&data), &strict), Err(Reason::PrivateGroups));
    assert!(read(&file(&data), &rules()).is_ok());
}

#[test]
fn what_cannot_be_a_volume_is_refused_with_its_reason() {
    let text = |tag, vr, value: &'static str| move |d: &mut DataSet| drop(d.text(tag, vr, value).encoded());
    assert_eq!(after(text((0x0008, 0x0060), *b"CS", "SR")), Err(Reason::Modality));
    assert_eq!(after(text((0x0010, 0x0020), *b"LO", "")), Err(Reason::NoPatientId));
    assert_eq!(after(text((0x0020, 0x000E), *b"UI", "")), Err(Reason::NoUid));
    assert_eq!(after(text((0x0028, 0x0004), *b"CS", "RGB")), Err(Reason::Colour));
    assert_eq!(after(text((0x0008, 0x0008), *b"CS", "ORIGINAL\\PRIMARY\\LOCALIZER")), Err(Reason::Localizer));
    assert_eq!(after(text((0x0028, 0x1054), *b"LO", "US")), Err(Reason::Unit));
    assert_eq!(after(text((0x0028, 0x1053), *b"DS", "0")), Err(Reason::NoRescale));
    assert_eq!(after(text((0x0028, 0x1053), *b"DS", "nan")), Err(Reason::NoRescale));
    assert_eq!(after(text((0x0020, 0x0032), *b"DS", "1\\2")), Err(Reason::NoGeometry));
    let short = |tag, value| move |d: &mut DataSet| drop(d.short(tag, value).encoded());
    assert_eq!(after(short((0x0028, 0x0100), 24)), Err(Reason::PixelFormat));
    assert_eq!(after(short((0x0028, 0x0100), 32)), Err(Reason::Truncated));
    assert_eq!(after(short((0x0028, 0x0102), 16)), Err(Reason::PixelFormat));
    assert_eq!(after(short((0x0028, 0x0010), 4)), Err(Reason::Truncated));
    let huge =
        |d: &mut DataSet| drop(d.short((0x0028, 0x0010), 65_535).short((0x0028, 0x0011), 65_535).encoded());
    assert_eq!(after(huge), Err(Reason::TooLarge));
}

#[test]
fn pet_in_a_unit_that_is_not_handed_on_is_refused() {
    let pet = |units: &'static str| {
        after(move |d| {
            drop(d.text((0x0008, 0x0060), *b"CS", "PT").text((0x0054, 0x1001), *b"CS", units).encoded())
        })
    };
    assert!(pet("GML").is_ok() && pet("BQML").is_ok());
    assert_eq!(pet("CNTS"), Err(Reason::Unit));
}

#[test]
fn the_files_of_a_bad_series_are_refused_and_those_of_another_are_kept() {
    let header = |data: &DataSet| read(&file(data), &rules()).unwrap();
    let mut other = slice(0.0);
    other.text((0x0020, 0x000E), *b"UI", "2.25.7");
    let files = vec![(5, header(&slice(0.0))), (6, header(&slice(0.0))), (9, header(&other))];
    let grouped = group(files);
    assert_eq!(grouped.refused, [(5, Reason::Duplicate), (6, Reason::Duplicate)]);
    assert_eq!(grouped.patients[0].series[0].files, [9]);
    assert!(!format!("{grouped:?}").contains("P1"), "an id in Debug");
}

#[test]
fn patients_with_the_same_id_of_another_issuer_are_two() {
    let issued = |issuer| {
        let mut data = slice(0.0);
        data.text((0x0010, 0x0021), *b"LO", issuer);
        read(&file(&data), &rules()).unwrap()
    };
    let grouped = group(vec![(0, issued("A")), (1, issued("B"))]);
    assert_eq!(grouped.patients.len(), 2);
}

#[test]
fn an_attribute_is_its_listed_value_or_missing_and_missing_where_slices_differ() {
    let makers = vec!["ACME".to_owned(), "Other".to_owned()];
    let attributes = vec![AttributeRule { keyword: "Manufacturer".into(), categories: makers }];
    let rules = ScanRules { attributes, ..rules() };
    let made_by = |depth, maker: &str| {
        let mut data = slice(depth);
        data.text((0x0008, 0x0070), *b"LO", maker);
        read(&file(&data), &rules).unwrap()
    };
    let value = |a, b| {
        let grouped = group(vec![(0, made_by(0.0, a)), (1, made_by(2.0, b))]);
        grouped.patients[0].series[0].attributes["Manufacturer"].clone()
    };
    assert_eq!(value("ACME", "ACME"), Value::Text("ACME".into()));
    assert_eq!(value("ACME", "Other"), Value::Missing);
    assert_eq!(value("Jane Doe", "Jane Doe"), Value::Missing);
}
