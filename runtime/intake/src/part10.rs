//! The file meta group (PS3.10 section 7.1): read off what a server gives, written before what a modality sends.

use crate::head::{Element, Elements, Identity, identity};
use crate::refusal::Refusal;
use crate::syntax::{self, Encoding};
use crate::uid::Uid;

/// Drawn at random under 2.25 (PS3.5 annex B.2).
const IMPLEMENTATION: &str = "2.25.279308421187653260481733919024418330791";
const VERSION: &str = "TROCAR_1";
const PREAMBLE: usize = 128;
const GROUP: u16 = 0x0002;

/// Reads the beginning of a Part 10 file: its SOP UIDs, which meta group and data set must agree on.
pub(crate) fn identity_of_file(head: &[u8]) -> Result<Identity, Refusal> {
    if head.get(PREAMBLE..PREAMBLE + 4) != Some(b"DICM") {
        return Err(Refusal::NotDicom);
    }
    let mut elements = Elements { bytes: head, at: PREAMBLE + 4, encoding: Encoding::ExplicitLittle };
    let meta = Meta::read(&mut elements)?;
    let encoding = meta.encoding.ok_or(Refusal::TransferSyntax)?;
    let data = head.get(elements.at..).unwrap_or_default();
    let found = identity(data, encoding)?;
    let agrees = meta.sop_instance.is_none_or(|uid| uid == found.sop_instance);
    if agrees { Ok(found) } else { Err(Refusal::OtherObject) }
}

#[derive(Default)]
struct Meta {
    sop_instance: Option<Uid>,
    encoding: Option<Encoding>,
}

impl Meta {
    /// Reads group 0002, with or without its group length, up to where another group begins.
    fn read(elements: &mut Elements<'_>) -> Result<Self, Refusal> {
        let mut meta = Self::default();
        while elements.bytes.get(elements.at..).is_some_and(|rest| rest.starts_with(&GROUP.to_le_bytes())) {
            let element = elements.next().ok_or(Refusal::Malformed)?;
            meta.element(elements, &element).ok_or(Refusal::Malformed)?;
        }
        Ok(meta)
    }

    fn element(&mut self, elements: &mut Elements<'_>, element: &Element) -> Option<()> {
        let value = elements.value(element)?;
        match element.tag.1 {
            0x0003 => self.sop_instance = Some(Uid::of_value(value)?),
            0x0010 => self.encoding = syntax::encoding(Uid::of_value(value)?.as_str()),
            _ => {}
        }
        Some(())
    }
}

/// Preamble and meta group of a file that a data set in this transfer syntax follows.
pub(crate) fn meta_group(what: &Identity, transfer_syntax: &str) -> Vec<u8> {
    let mut group = Vec::new();
    // File Meta Information Version: OB has a 32-bit length after two reserved bytes.
    group.extend([2, 0, 1, 0, b'O', b'B', 0, 0, 2, 0, 0, 0, 0, 1]);
    let rows: [(u8, &[u8; 2], &str); 5] = [
        (0x02, b"UI", what.sop_class.as_str()),
        (0x03, b"UI", what.sop_instance.as_str()),
        (0x10, b"UI", transfer_syntax),
        (0x12, b"UI", IMPLEMENTATION),
        (0x13, b"SH", VERSION),
    ];
    for (element, vr, value) in rows {
        text(&mut group, element, vr, value);
    }
    let mut file = vec![0; PREAMBLE];
    file.extend(b"DICM\x02\0\0\0UL\x04\0");
    file.extend(u32::try_from(group.len()).unwrap_or(u32::MAX).to_le_bytes());
    file.extend(group);
    file
}

/// One element of at most 64 characters, padded to even length: NUL for UI, a space for text.
fn text(group: &mut Vec<u8>, element: u8, vr: &[u8; 2], value: &str) {
    let length = value.len().next_multiple_of(2);
    group.extend([2, 0, element, 0, vr[0], vr[1]]);
    group.extend(u16::try_from(length).unwrap_or(u16::MAX).to_le_bytes());
    group.extend(value.bytes());
    if length > value.len() {
        group.push(if vr == b"UI" { 0 } else { b' ' });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> (Identity, Vec<u8>) {
        let what = Identity {
            sop_class: "1.2.840.10008.5.1.4.1.1.2".parse().unwrap(),
            sop_instance: "1.2.3.4".parse().unwrap(),
        };
        let mut file = meta_group(&what, "1.2.840.10008.1.2.1");
        file.extend(b"\x08\0\x16\0UI\x1A\x001.2.840.10008.5.1.4.1.1.2\0");
        file.extend(b"\x08\0\x18\0UI\x08\x001.2.3.4\0");
        (what, file)
    }

    #[test]
    fn a_written_meta_group_is_read_back() {
        let (what, file) = sample();
        assert_eq!(identity_of_file(&file), Ok(what));
        let length = u32::from_le_bytes(file[140..144].try_into().unwrap()) as usize;
        assert_eq!(&file[144 + length..][..4], b"\x08\0\x16\0", "the group length is wrong");
    }

    #[test]
    fn what_is_no_file_or_says_two_things_is_refused() {
        let (_, file) = sample();
        assert_eq!(identity_of_file(b"patient_id,age\n"), Err(Refusal::NotDicom));
        let mut other = file.clone();
        let last = other.len() - 2;
        other[last] = b'5';
        assert_eq!(identity_of_file(&other), Err(Refusal::OtherObject));
        let video = String::from_utf8_lossy(&file).replace("10008.1.2.1\0", "10008.1.2.9\0").into_bytes();
        assert_eq!(identity_of_file(&video), Err(Refusal::TransferSyntax));
        for length in 132..file.len() {
            assert!(identity_of_file(&file[..length]).is_err(), "{length}");
        }
    }
}
