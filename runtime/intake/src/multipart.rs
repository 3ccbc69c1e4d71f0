//! `multipart/related` as WADO-RS answers (RFC 2387, RFC 2046 section 5.1), split while it streams.
//!
//! One part is expected. It is handed on as it comes; no more than a delimiter's length of it is held back.

use crate::refusal::Refusal;

/// More than the headers of a part need, and than a preamble has.
const MAX_HEADERS: usize = 8 << 10;
/// RFC 2046 section 5.1.1.
const MAX_BOUNDARY: usize = 70;

/// What an answer's body is, as its Content-Type says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Body {
    /// The object itself.
    Plain,
    /// Parts between this delimiter.
    Parts(Vec<u8>),
}

/// Reads a Content-Type; `None` where it is neither `application/dicom` nor `multipart/related` with a boundary.
pub(crate) fn body_of(content_type: &str) -> Option<Body> {
    let mut fields = fields(content_type).into_iter();
    match fields.next()?.to_ascii_lowercase().as_str() {
        "application/dicom" => Some(Body::Plain),
        "multipart/related" => fields.find_map(|field| boundary(&field)),
        _ => None,
    }
}

/// Splits at semicolons outside quotes.
fn fields(text: &str) -> Vec<String> {
    let mut quoted = false;
    let split = text.split(|c: char| {
        quoted ^= c == '"';
        c == ';' && !quoted
    });
    split.map(|field| field.trim().to_owned()).collect()
}

fn boundary(field: &str) -> Option<Body> {
    let (name, value) = field.split_once('=')?;
    let value = value.trim().trim_matches('"');
    let fits = (1..=MAX_BOUNDARY).contains(&value.len()) && value.bytes().all(|b| (b' '..=b'~').contains(&b));
    (name.trim().eq_ignore_ascii_case("boundary") && fits)
        .then(|| Body::Parts([b"\r\n--", value.as_bytes()].concat()))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Preamble,
    /// A delimiter has been read.
    Delimited,
    Inside,
    End,
}

/// Takes the one part out of a body.
#[derive(Debug)]
pub(crate) struct OnePart {
    delimiter: Vec<u8>,
    buffer: Vec<u8>,
    state: State,
    parts: u32,
}

impl OnePart {
    pub(crate) fn new(delimiter: Vec<u8>) -> Self {
        // A body may begin with its delimiter, which is then not after a line's end: one is put there.
        Self { delimiter, buffer: b"\r\n".to_vec(), state: State::Preamble, parts: 0 }
    }

    /// Takes the next bytes and hands on those of the part.
    pub(crate) fn push(
        &mut self,
        bytes: &[u8],
        out: &mut impl FnMut(&[u8]) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        if self.state != State::End {
            self.buffer.extend(bytes);
        }
        while self.step(out)? {}
        Ok(())
    }

    /// Whether the body ended as one with one part does.
    pub(crate) fn end(&self) -> Result<(), Refusal> {
        if self.state == State::End && self.parts == 1 { Ok(()) } else { Err(Refusal::BadAnswer) }
    }

    /// Goes on by one state; `false` where more bytes are needed.
    fn step(&mut self, out: &mut impl FnMut(&[u8]) -> Result<(), Refusal>) -> Result<bool, Refusal> {
        match self.state {
            State::Preamble => self.preamble(),
            State::Delimited => self.delimited(),
            State::Inside => self.inside(out),
            State::End => Ok(false),
        }
    }

    fn preamble(&mut self) -> Result<bool, Refusal> {
        let Some(at) = find(&self.buffer, &self.delimiter) else { return self.bounded() };
        self.buffer.drain(..at.saturating_add(self.delimiter.len()));
        self.state = State::Delimited;
        Ok(true)
    }

    /// After a delimiter: `--` closes, else headers follow up to an empty line.
    fn delimited(&mut self) -> Result<bool, Refusal> {
        if self.buffer.starts_with(b"--") {
            self.state = State::End;
            self.buffer = Vec::new();
            return Ok(true);
        }
        let Some(at) = find(&self.buffer, b"\r\n\r\n") else { return self.bounded() };
        self.parts = self.parts.saturating_add(1);
        let headers = self.buffer.get(..at).unwrap_or_default();
        if self.parts > 1 || !is_dicom(headers) {
            return Err(Refusal::BadAnswer);
        }
        self.buffer.drain(..at.saturating_add(4));
        self.state = State::Inside;
        Ok(true)
    }

    fn inside(&mut self, out: &mut impl FnMut(&[u8]) -> Result<(), Refusal>) -> Result<bool, Refusal> {
        let found = find(&self.buffer, &self.delimiter);
        // The last bytes may be the beginning of a delimiter.
        let safe = self.buffer.len().saturating_sub(self.delimiter.len().saturating_sub(1));
        let ready = found.unwrap_or(safe);
        out(self.buffer.get(..ready).unwrap_or_default())?;
        self.buffer.drain(..ready);
        if found.is_some() {
            self.buffer.drain(..self.delimiter.len());
            self.state = State::Delimited;
        }
        Ok(found.is_some())
    }

    fn bounded(&self) -> Result<bool, Refusal> {
        if self.buffer.len() > MAX_HEADERS { Err(Refusal::BadAnswer) } else { Ok(false) }
    }
}

/// A part without a type is taken for what was asked for: the object's own head tells.
fn is_dicom(headers: &[u8]) -> bool {
    let text = String::from_utf8_lossy(headers).to_ascii_lowercase();
    let mut types = text.lines().filter_map(|line| line.strip_prefix("content-type:"));
    types.all(|value| value.trim().starts_with("application/dicom"))
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    let first = *what.first()?;
    let mut from = 0;
    while let Some(at) = bytes.get(from..)?.iter().position(|b| *b == first) {
        let start = from.checked_add(at)?;
        if bytes.get(start..)?.starts_with(what) {
            return Some(start);
        }
        from = start.checked_add(1)?;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TYPE: &str = "multipart/related; type=\"application/dicom\"; boundary=\"b;1\"";

    fn body(part: &[u8]) -> Vec<u8> {
        [b"--b;1\r\nContent-Type: application/dicom\r\n\r\n", part, b"\r\n--b;1--\r\n"].concat()
    }

    fn split(body: &[u8], pieces: usize) -> Result<Vec<u8>, Refusal> {
        let Some(Body::Parts(delimiter)) = body_of(TYPE) else { panic!("no boundary in {TYPE}") };
        let (mut parts, mut got) = (OnePart::new(delimiter), Vec::new());
        for piece in body.chunks(pieces) {
            parts.push(piece, &mut |bytes| {
                got.extend(bytes);
                Ok(())
            })?;
        }
        parts.end().map(|()| got)
    }

    proptest! {
        #[test]
        fn a_part_comes_out_as_it_went_in_however_the_body_is_cut(
            part in proptest::collection::vec(prop_oneof![Just(b'\r'), Just(b'\n'), Just(b'-'), any::<u8>()], 0..600),
            pieces in 1_usize..80,
        ) {
            prop_assert_eq!(split(&body(&part), pieces), Ok(part));
        }

        #[test]
        fn no_bytes_stop_it(bytes in proptest::collection::vec(any::<u8>(), 0..600), pieces in 1_usize..80) {
            let _ = split(&bytes, pieces);
        }
    }

    #[test]
    fn a_body_cut_short_or_of_two_parts_or_of_another_type_is_refused() {
        let whole = body(b"object");
        for length in 0..whole.len() - 4 {
            assert_eq!(split(&whole[..length], 7), Err(Refusal::BadAnswer), "{length}");
        }
        let two = [&whole[..whole.len() - 4], b"\r\n\r\nmore\r\n--b;1--"].concat();
        assert_eq!(split(&two, 1000), Err(Refusal::BadAnswer));
        let html = String::from_utf8(whole).unwrap().replace("application/dicom", "text/html");
        assert_eq!(split(html.as_bytes(), 1000), Err(Refusal::BadAnswer));
    }

    #[test]
    fn headers_without_an_end_are_not_collected_for_ever() {
        assert_eq!(split(&[b'x'; 1 << 20], 1 << 10), Err(Refusal::BadAnswer));
        let headers = [b"--b;1\r\n" as &[u8], &[b'x'; 1 << 20]].concat();
        assert_eq!(split(&headers, 1 << 10), Err(Refusal::BadAnswer));
    }

    #[test]
    fn a_content_type_tells_how_the_body_is_read() {
        assert_eq!(body_of("application/dicom; transfer-syntax=1.2"), Some(Body::Plain));
        assert_eq!(body_of("Multipart/Related; Boundary=x"), Some(Body::Parts(b"\r\n--x".to_vec())));
        let long = format!("multipart/related; boundary={}", "x".repeat(71));
        for bad in ["text/html", "multipart/related", "multipart/related; boundary=", "", &long] {
            assert_eq!(body_of(bad), None, "{bad}");
        }
    }
}
