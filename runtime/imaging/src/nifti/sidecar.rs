//! The DICOM JSON model (PS3.18 annex F) of one object, as dicom-rs holds it.

use crate::{Reason, walk::MAX_DEPTH};
use dicom_core::{DataElement, PrimitiveValue, Tag, VR, header::Length, value::DataSetSequence};
use dicom_object::InMemDicomObject;
use serde_json::{Map, Value};
use std::io::Read;

/// Bytes of a sidecar: some thousand segments fit.
const MAX_BYTES: u64 = 1 << 20;

/// What a sidecar says, and whether an element of an odd group is in it.
pub(super) struct Sidecar {
    pub(super) object: InMemDicomObject,
    pub(super) private: bool,
}

/// Reads a sidecar. serde_json gives up where values nest 128 deep.
pub(super) fn read(file: &mut impl Read) -> Result<Sidecar, Reason> {
    let mut text = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut text).map_err(|_| Reason::Unreadable)?;
    if text.len() as u64 > MAX_BYTES {
        return Err(Reason::TooLarge);
    }
    let value: Value = serde_json::from_slice(&text).map_err(|_| Reason::Sidecar)?;
    let mut sidecar = Sidecar { object: InMemDicomObject::new_empty(), private: false };
    sidecar.object = object(&value, 0, &mut sidecar.private)?;
    Ok(sidecar)
}

fn object(value: &Value, depth: u32, private: &mut bool) -> Result<InMemDicomObject, Reason> {
    if depth > MAX_DEPTH {
        return Err(Reason::TooDeep);
    }
    let mut object = InMemDicomObject::new_empty();
    for (key, element) in value.as_object().ok_or(Reason::Sidecar)? {
        let tag = tag(key).ok_or(Reason::Sidecar)?;
        *private |= tag.0 % 2 == 1;
        let element = element.as_object().ok_or(Reason::Sidecar)?;
        let vr: VR = element
            .get("vr")
            .and_then(Value::as_str)
            .and_then(|vr| vr.parse().ok())
            .ok_or(Reason::Sidecar)?;
        let values = values(element)?;
        if vr == VR::SQ {
            let items = values
                .iter()
                .map(|item| self::object(item, depth + 1, private))
                .collect::<Result<Vec<_>, _>>()?;
            object.put(DataElement::new(tag, vr, DataSetSequence::new(items, Length::UNDEFINED)));
        } else if let Some(texts) = texts(values) {
            object.put(DataElement::new(tag, vr, PrimitiveValue::Strs(texts.into())));
        }
    }
    Ok(object)
}

/// Eight hexadecimal digits (section F.2.2).
fn tag(key: &str) -> Option<Tag> {
    let whole = key.len() == 8 && key.bytes().all(|b| b.is_ascii_hexdigit());
    let number = u32::from_str_radix(key, 16).ok().filter(|_| whole)?;
    Some(Tag(u16::try_from(number >> 16).ok()?, u16::try_from(number & 0xFFFF).ok()?))
}

fn values(element: &Map<String, Value>) -> Result<&[Value], Reason> {
    match element.get("Value") {
        None => Ok(&[]),
        Some(Value::Array(values)) => Ok(values),
        Some(_) => Err(Reason::Sidecar),
    }
}

/// Text and numbers as text; names of persons and bulk data are none of ours.
fn texts(values: &[Value]) -> Option<Vec<String>> {
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    values.iter().map(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::Dataset;
    use dicom_dictionary_std::tags;

    fn parsed(text: &str) -> Result<Sidecar, Reason> {
        read(&mut text.as_bytes())
    }

    #[test]
    fn text_numbers_and_sequences_are_read_as_from_a_file() {
        let text = r#"{"00100020":{"vr":"LO","Value":["P1"]},"00100010":{"vr":"PN","Value":[{"Alphabetic":"X"}]},
            "00620002":{"vr":"SQ","Value":[{"00620004":{"vr":"US","Value":[2]}}]},"00080005":{"vr":"CS"}}"#;
        let sidecar = parsed(text).unwrap();
        let data = Dataset::Object(&sidecar.object);
        assert_eq!(data.text(tags::PATIENT_ID).as_deref(), Some("P1"));
        assert_eq!(data.item(tags::SEGMENT_SEQUENCE).unwrap().whole(tags::SEGMENT_NUMBER), Some(2));
        assert!(!sidecar.private && !data.has(tags::PATIENT_NAME));
        assert!(parsed(r#"{"00090010":{"vr":"LO","Value":["X"]}}"#).unwrap().private);
    }

    #[test]
    fn what_is_not_the_dicom_json_model_is_refused() {
        for bad in [
            "",
            "[]",
            "7",
            "{\"PatientID\":{\"vr\":\"LO\"}}",
            "{\"00100020\":\"P1\"}",
            "{\"00100020\":{}}",
            "{\"00100020\":{\"vr\":\"??\"}}",
            "{\"00100020\":{\"vr\":\"LO\",\"Value\":\"P1\"}}",
            "{\"+0100020\":{\"vr\":\"LO\"}}",
            "{\"00620002\":{\"vr\":\"SQ\",\"Value\":[1]}}",
        ] {
            assert_eq!(parsed(bad).err(), Some(Reason::Sidecar), "{bad}");
        }
        let nested = |n: usize| {
            format!("{}{{}}{}", "{\"00620002\":{\"vr\":\"SQ\",\"Value\":[".repeat(n), "]}}".repeat(n))
        };
        assert_eq!(parsed(&nested(39)).err(), Some(Reason::TooDeep));
        assert_eq!(parsed(&nested(9_000)).err(), Some(Reason::Sidecar));
        assert_eq!(parsed(&" ".repeat(2 << 20)).err(), Some(Reason::TooLarge));
    }
}
