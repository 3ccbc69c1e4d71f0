//! Signed notes (C2SP signed-note), and cosignatures on them (C2SP tlog-cosignature).

use crate::key::{KeyKind, KeyName, Verifier};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fmt;
use trocar_manifest::keys::SecretKey;
use trocar_terms::Timestamp;

/// More than a checkpoint with the signatures of many witnesses needs.
pub const MOST_BYTES: usize = 64 << 10;
const MOST_SIGNATURES: usize = 64;

/// Why a note is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// Not text, a blank line and signature lines.
    #[error("it is not a signed note")]
    Form,
    /// Not a name that a key may have.
    #[error("a key's name is not empty and has no space, plus or control character")]
    Name,
    /// Not a verifier key.
    #[error("a verifier key is written NAME+ID+BASE64")]
    Key,
    /// No signature by the key, or one that does not verify.
    #[error("it is not signed by the key that is trusted for it")]
    Untrusted,
    /// The text is no checkpoint.
    #[error("it is not a checkpoint")]
    Checkpoint,
    /// Not a proof that an entry is in a log, or one of another entry.
    #[error("it does not prove that the entry is in the log")]
    Proof,
    /// Not a request to a witness.
    #[error("it is not a request to a witness")]
    Request,
}

/// A text with signatures. That it was read says nothing about whether they verify.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<NoteSignature>,
}

/// One signature line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteSignature {
    name: KeyName,
    id: [u8; 4],
    bytes: Vec<u8>,
}

impl Note {
    /// Signs `text` as a log does.
    ///
    /// # Errors
    /// `Form` where the text does not end in a newline or holds a control character.
    pub fn sign(text: &str, name: &KeyName, key: &SecretKey) -> Result<Self, NoteError> {
        if !text.ends_with('\n') || !is_clean(text) {
            return Err(NoteError::Form);
        }
        let verifier = Verifier { name: name.clone(), kind: KeyKind::Log, key: key.public() };
        let bytes = key.sign(text.as_bytes()).to_vec();
        let signature = NoteSignature { name: name.clone(), id: verifier.id(), bytes };
        Ok(Self { text: text.to_owned(), signatures: vec![signature] })
    }

    /// Reads a note.
    ///
    /// # Errors
    /// `Form`.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        if bytes.len() > MOST_BYTES {
            return Err(NoteError::Form);
        }
        let text = std::str::from_utf8(bytes).ok().filter(|text| is_clean(text)).ok_or(NoteError::Form)?;
        let (text, lines) = text.rsplit_once("\n\n").ok_or(NoteError::Form)?;
        let signatures = NoteSignature::parse_lines(lines)?;
        Ok(Self { text: format!("{text}\n"), signatures })
    }

    /// The text, its last newline included.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Holds the note against a log's key.
    ///
    /// # Errors
    /// `Untrusted` where the key signed nothing, or a signature under its name and id does not verify.
    pub fn verify(&self, log: &Verifier) -> Result<(), NoteError> {
        let verifies = |signature: &NoteSignature| log.key.verifies(self.text.as_bytes(), &signature.bytes);
        let by_key: Vec<bool> = self.by(log).map(verifies).collect();
        let holds = log.kind == KeyKind::Log && !by_key.is_empty() && by_key.into_iter().all(|v| v);
        if holds { Ok(()) } else { Err(NoteError::Untrusted) }
    }

    /// Signs the text as a witness does that saw it at `time`.
    #[must_use]
    pub fn cosign(&self, name: &KeyName, key: &SecretKey, time: Timestamp) -> NoteSignature {
        let verifier = Verifier { name: name.clone(), kind: KeyKind::Witness, key: key.public() };
        let signature = key.sign(cosigned(&self.text, time).as_bytes());
        let bytes = [time.seconds().to_be_bytes().as_slice(), &signature].concat();
        NoteSignature { name: name.clone(), id: verifier.id(), bytes }
    }

    /// When a witness countersigned the note, by the witness's clock; the latest time where it did so more than once.
    ///
    /// # Errors
    /// `Untrusted` where it never did, or a signature under its name and id does not verify.
    pub fn cosigned(&self, witness: &Verifier) -> Result<Timestamp, NoteError> {
        let times: Option<Vec<Timestamp>> = self.by(witness).map(|s| self.cosignature(witness, s)).collect();
        let latest = times.and_then(|times| times.into_iter().max());
        latest.filter(|_| witness.kind == KeyKind::Witness).ok_or(NoteError::Untrusted)
    }

    fn cosignature(&self, witness: &Verifier, signature: &NoteSignature) -> Option<Timestamp> {
        let (time, bytes) = signature.bytes.split_first_chunk::<8>()?;
        let seconds = i64::from_be_bytes(*time);
        let time = Timestamp::from_seconds(seconds);
        let message = cosigned(&self.text, time);
        (time.seconds() == seconds && witness.key.verifies(message.as_bytes(), bytes)).then_some(time)
    }

    /// Adds a signature.
    pub fn add(&mut self, signature: NoteSignature) {
        self.signatures.push(signature);
    }

    fn by(&self, key: &Verifier) -> impl Iterator<Item = &NoteSignature> {
        self.signatures.iter().filter(|signature| signature.is_by(key))
    }
}

impl NoteSignature {
    /// Whether it goes by this key's name and id; not whether it verifies.
    #[must_use]
    pub fn is_by(&self, key: &Verifier) -> bool {
        self.name == key.name && self.id == key.id()
    }

    /// Reads signature lines.
    ///
    /// # Errors
    /// `Form` where there is none, too many, or one is not of the form of a signature.
    pub fn parse_lines(lines: &str) -> Result<Vec<Self>, NoteError> {
        let lines = lines.strip_suffix('\n').ok_or(NoteError::Form)?;
        let all: Vec<Self> =
            lines.split('\n').take(MOST_SIGNATURES).map(Self::parse).collect::<Result<_, _>>()?;
        if all.len() == lines.split('\n').count() { Ok(all) } else { Err(NoteError::Form) }
    }

    fn parse(line: &str) -> Result<Self, NoteError> {
        let (name, bytes) =
            line.strip_prefix("\u{2014} ").and_then(|rest| rest.split_once(' ')).ok_or(NoteError::Form)?;
        let bytes = STANDARD.decode(bytes).map_err(|_| NoteError::Form)?;
        let (id, bytes) = bytes.split_first_chunk::<4>().ok_or(NoteError::Form)?;
        Ok(Self { name: name.parse()?, id: *id, bytes: bytes.to_vec() })
    }
}

impl fmt::Display for NoteSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [self.id.as_slice(), &self.bytes].concat();
        writeln!(f, "\u{2014} {} {}", self.name, STANDARD.encode(bytes))
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures.iter().try_for_each(|signature| fmt::Display::fmt(signature, f))
    }
}

/// What a witness signs.
fn cosigned(text: &str, time: Timestamp) -> String {
    format!("cosignature/v1\ntime {}\n{text}", time.seconds())
}

/// No control character but newlines.
fn is_clean(text: &str) -> bool {
    text.bytes().all(|b| b >= 0x20 || b == b'\n')
}
