//! Headers read one after the other: the same as each by itself, whatever the one before was.

use crate::made::{CT, file, read, slice};
use proptest::prelude::*;
use std::io::Cursor;
use trocar_imaging::{HeaderChain, HeaderReader, ScanRules};
use trocar_terms::AttributeRule;
use trocar_testkit::{Syntax, dicom::DataSet};

type Change = fn(&mut DataSet);

/// What sets one slice apart from another: what is its own, what is its series', and what makes it one that is refused.
const CHANGES: [Change; 22] = [
    |_| {},
    |d| {
        d.decimals((0x0020, 0x0032), &[0.0, 0.0, 7.5]);
    },
    |d| {
        d.decimals((0x0020, 0x0032), &[-120.25, 3.0, 1e9]);
    },
    |d| {
        d.text((0x0020, 0x0032), *b"DS", "1\\2");
    },
    |d| {
        d.remove((0x0020, 0x0032));
    },
    |d| {
        d.text((0x0008, 0x0018), *b"UI", "2.25.77");
    },
    |d| {
        d.text((0x0008, 0x0018), *b"UI", "");
    },
    |d| {
        d.text((0x0008, 0x0018), *b"UI", &"9".repeat(2_000));
    },
    |d| {
        d.text((0x0008, 0x0032), *b"TM", "101500.5");
    },
    |d| {
        d.text((0x0008, 0x0060), *b"CS", "PT").text((0x0054, 0x1001), *b"CS", "GML");
    },
    |d| {
        d.text((0x0008, 0x0060), *b"CS", "MR");
    },
    |d| {
        d.text((0x0010, 0x0020), *b"LO", "P2");
    },
    |d| {
        d.text((0x0008, 0x0005), *b"CS", "ISO_IR 192").text((0x0010, 0x0020), *b"LO", "M\u{FC}ller");
    },
    |d| {
        d.text((0x0009, 0x0010), *b"LO", "private");
    },
    |d| {
        d.text((0x0012, 0x0062), *b"CS", "NO");
    },
    |d| {
        d.text((0x0028, 0x0301), *b"CS", "YES");
    },
    |d| {
        d.text((0x0008, 0x0070), *b"LO", "SIEMENS");
    },
    |d| {
        d.decimals((0x0028, 0x1053), &[2.0]);
    },
    |d| {
        d.decimals((0x0018, 0x0050), &[3.0]);
    },
    |d| {
        d.text((0x0020, 0x0012), *b"IS", "4");
    },
    |d| {
        d.pixels(&[1, 2, 3]);
    },
    |d| {
        let mut position = DataSet::new();
        position.decimals((0x0020, 0x0032), &[0.0, 0.0, 33.0]);
        let mut group = DataSet::new();
        group.sequence((0x0020, 0x9113), &[position]);
        d.sequence((0x5200, 0x9229), &[group]);
    },
];

fn rules() -> ScanRules {
    let mut rules = crate::rules();
    rules.deidentification.require = true;
    let categories = vec!["SIEMENS".to_owned(), "other".to_owned()];
    rules.attributes = vec![AttributeRule { keyword: "Manufacturer".to_owned(), categories }];
    rules
}

fn bytes_of(changes: &[usize], syntax: Option<Syntax>) -> Vec<u8> {
    let mut data = slice(0.0);
    data.text((0x0008, 0x0018), *b"UI", "2.25.3");
    changes.iter().for_each(|at| CHANGES[*at](&mut data));
    syntax.map_or_else(|| file(&data), |syntax| data.file_in(syntax, CT, "2.25.3"))
}

fn syntax() -> impl Strategy<Value = Option<Syntax>> {
    prop_oneof![8 => Just(None), 1 => Just(Some(Syntax::ImplicitLittle)), 1 => Just(Some(Syntax::ExplicitBig))]
}

fn changed() -> impl Strategy<Value = Vec<u8>> {
    (prop::collection::vec(0..CHANGES.len(), 0..3), syntax())
        .prop_map(|(changes, syntax): (Vec<usize>, _)| bytes_of(&changes, syntax))
}

proptest! {
    #[test]
    fn a_file_is_read_the_same_after_any_others(files in prop::collection::vec(changed(), 1..12)) {
        let rules = rules();
        let mut reader = HeaderReader::new(&rules);
        let (mut told, mut heard) = (HeaderChain::default(), HeaderChain::default());
        for bytes in &files {
            let header = reader.read(&mut Cursor::new(bytes));
            prop_assert_eq!(&header, &read(bytes, &rules));
            let Ok(header) = header else { continue };
            // And is the same at the other end of the socket.
            let sent = serde_json::to_string(&told.tell(&header)).unwrap();
            prop_assert_eq!(heard.hear(serde_json::from_str(&sent).unwrap()), Some(header));
        }
    }
}

#[test]
fn slices_of_a_series_say_once_what_they_have_in_common() {
    let rules = rules();
    let mut reader = HeaderReader::new(&rules);
    let mut chain = HeaderChain::default();
    let mut sizes = Vec::new();
    for depth in [0.0, 1.0, 2.0] {
        let header = reader.read(&mut Cursor::new(file(&slice(depth)))).unwrap();
        sizes.push(serde_json::to_string(&chain.tell(&header)).unwrap().len());
    }
    assert!(sizes[1] < sizes[0] / 2 && sizes[2] < sizes[0] / 2, "{sizes:?}");
}

#[test]
fn a_header_that_leans_on_one_that_never_came_is_none() {
    let header = read(&file(&slice(0.0)), &rules()).unwrap();
    let mut chain = HeaderChain::default();
    chain.tell(&header);
    let sent = serde_json::to_string(&chain.tell(&header)).unwrap();
    assert!(HeaderChain::default().hear(serde_json::from_str(&sent).unwrap()).is_none());
}
