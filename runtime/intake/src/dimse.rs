//! DIMSE command sets (PS3.7 section 6.3): implicit VR little endian, group 0000, read within a bound and written.

use crate::head::Elements;
use crate::syntax::Encoding;
use crate::uid::Uid;

/// Larger than any command set of a C-STORE or C-ECHO.
pub(crate) const MAX_COMMAND: usize = 8 << 10;
/// Command Data Set Type (0000,0800): no data set follows.
const NO_DATA_SET: u16 = 0x0101;
/// A response's Command Field is its request's with this bit.
const RESPONSE: u16 = 0x8000;
const SUCCESS: u16 = 0;

/// What a peer asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    Store,
    Echo,
    /// Any other operation, of this Command Field.
    Other(u16),
}

/// A request, as far as it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) asked: Asked,
    message: u16,
    pub(crate) sop_class: Option<Uid>,
    pub(crate) sop_instance: Option<Uid>,
    pub(crate) has_data_set: bool,
}

impl Request {
    /// Reads a whole command set; `None` where it is none, or is a response.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let mut elements = Elements { bytes, at: 0, encoding: Encoding::ImplicitLittle };
        let mut found = Found::default();
        let mut last = None;
        while elements.at < bytes.len() {
            let element = elements.next()?;
            if element.tag.0 != 0 || last.is_some_and(|last| last >= element.tag) {
                return None;
            }
            last = Some(element.tag);
            found.take(element.tag.1, elements.value(&element)?)?;
        }
        found.request()
    }

    /// A success.
    pub(crate) fn done(&self) -> Vec<u8> {
        self.response(SUCCESS, "")
    }

    /// The answer with a status, and a comment (at most 64 characters, PS3.7 annex C.4) where there is one.
    pub(crate) fn response(&self, status: u16, comment: &str) -> Vec<u8> {
        let mut body = Vec::new();
        if let Some(class) = &self.sop_class {
            put_uid(&mut body, 0x0002, class);
        }
        for (element, value) in [
            (0x0100, self.field() | RESPONSE),
            (0x0120, self.message),
            (0x0800, NO_DATA_SET),
            (0x0900, status),
        ] {
            put(&mut body, element, &value.to_le_bytes());
        }
        if !comment.is_empty() {
            put(&mut body, 0x0902, padded(comment.get(..64).unwrap_or(comment), b' ').as_slice());
        }
        if let Some(instance) = &self.sop_instance {
            put_uid(&mut body, 0x1000, instance);
        }
        let mut command = Vec::new();
        put(&mut command, 0x0000, &u32::try_from(body.len()).unwrap_or(u32::MAX).to_le_bytes());
        command.extend(body);
        command
    }

    const fn field(&self) -> u16 {
        match self.asked {
            Asked::Store => STORE,
            Asked::Echo => ECHO,
            Asked::Other(field) => field,
        }
    }
}

const STORE: u16 = 0x0001;
const ECHO: u16 = 0x0030;

#[derive(Debug, Default)]
struct Found {
    field: Option<u16>,
    message: Option<u16>,
    data_set: Option<u16>,
    sop_class: Option<Uid>,
    sop_instance: Option<Uid>,
}

impl Found {
    fn take(&mut self, element: u16, value: &[u8]) -> Option<()> {
        match element {
            0x0002 => self.sop_class = Some(Uid::of_value(value)?),
            0x0100 => self.field = Some(short(value)?),
            0x0110 => self.message = Some(short(value)?),
            0x0800 => self.data_set = Some(short(value)?),
            0x1000 => self.sop_instance = Some(Uid::of_value(value)?),
            _ => {}
        }
        Some(())
    }

    fn request(self) -> Option<Request> {
        let field = self.field.filter(|field| field & RESPONSE == 0)?;
        let asked = match field {
            STORE => Asked::Store,
            ECHO => Asked::Echo,
            other => Asked::Other(other),
        };
        Some(Request {
            asked,
            message: self.message?,
            sop_class: self.sop_class,
            sop_instance: self.sop_instance,
            has_data_set: self.data_set? != NO_DATA_SET,
        })
    }
}

fn short(value: &[u8]) -> Option<u16> {
    value.try_into().ok().map(u16::from_le_bytes)
}

fn put_uid(command: &mut Vec<u8>, element: u16, uid: &Uid) {
    put(command, element, &padded(uid.as_str(), 0));
}

fn padded(text: &str, with: u8) -> Vec<u8> {
    let mut value = text.as_bytes().to_vec();
    value.resize(value.len().next_multiple_of(2), with);
    value
}

fn put(command: &mut Vec<u8>, element: u16, value: &[u8]) {
    command.extend([0, 0]);
    command.extend(element.to_le_bytes());
    command.extend(u32::try_from(value.len()).unwrap_or(u32::MAX).to_le_bytes());
    command.extend(value);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::refusal::Refusal;
    use proptest::prelude::*;

    fn store() -> Vec<u8> {
        let mut command = Vec::new();
        put(&mut command, 0x0002, b"1.2.840.10008.5.1.4.1.1.2\0");
        for (element, value) in [(0x0100, STORE), (0x0110, 7), (0x0700, 0), (0x0800, 1)] {
            put(&mut command, element, &u16::to_le_bytes(value));
        }
        put(&mut command, 0x1000, b"1.2.3\0");
        command
    }

    #[test]
    fn a_store_request_is_read_and_answered_to_its_message() {
        let request = Request::read(&store()).unwrap();
        assert_eq!((request.asked, request.has_data_set), (Asked::Store, true));
        assert_eq!(request.sop_instance.as_ref().unwrap().as_str(), "1.2.3");
        let answer = request.response(0xA700, Refusal::Quota.text());
        assert_eq!(Request::read(&answer), None, "a response is no request");
        let at = |needle: &[u8]| answer.windows(needle.len()).any(|window| window == needle);
        assert!(at(b"\0\0\0\x01\x02\0\0\0\x01\x80") && at(b"\0\0\x20\x01\x02\0\0\0\x07\0"));
        assert!(at(b"\0\0\0\x09\x02\0\0\0\x00\xA7"));
        assert_eq!(usize::from(answer[8]) + usize::from(answer[9]) * 256 + 12, answer.len());
    }

    #[test]
    fn comments_fit_their_element() {
        for refusal in Refusal::ALL {
            assert!(refusal.text().len() <= 64, "{refusal:?}");
        }
    }

    #[test]
    fn a_command_cut_anywhere_or_out_of_order_is_none() {
        let whole = store();
        for length in 0..whole.len() - 14 {
            assert_eq!(Request::read(&whole[..length]), None, "{length}");
        }
        let twice = [&whole[..], &whole[..]].concat();
        assert_eq!(Request::read(&twice), None);
    }

    proptest! {
        #[test]
        fn no_bytes_stop_the_reader(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Request::read(&bytes);
        }
    }
}
