//! Names and verifier keys of notes (C2SP signed-note).

use crate::note::NoteError;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fmt;
use std::str::FromStr;
use trocar_manifest::keys::PublicKey;
use trocar_terms::Digest;

/// The name of a key: not empty, at most 255 bytes, no space, no plus, no control character.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyName(String);

impl KeyName {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for KeyName {
    type Err = NoteError;
    fn from_str(text: &str) -> Result<Self, NoteError> {
        let bad = |c: char| c.is_whitespace() || c.is_control() || c == '+';
        if text.is_empty() || text.len() > 255 || text.contains(bad) {
            return Err(NoteError::Name);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// The text of a note (0x01): a log's key.
    Log,
    /// The text of a checkpoint with a time (0x04, `cosignature/v1`): a witness's key.
    Witness,
}

impl KeyKind {
    const fn byte(self) -> u8 {
        match self {
            Self::Log => 1,
            Self::Witness => 4,
        }
    }
}

/// A key that verifies signatures of notes, with its name: `NAME+ID+BASE64`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verifier {
    /// The key's name.
    pub name: KeyName,
    /// What it signs.
    pub kind: KeyKind,
    /// The key.
    pub key: PublicKey,
}

impl Verifier {
    /// The first four bytes of SHA-256 over name, newline, kind and key.
    #[must_use]
    pub fn id(&self) -> [u8; 4] {
        let parts =
            [self.name.as_str().as_bytes(), b"\n", &[self.kind.byte()], &self.key.to_bytes()].concat();
        let [a, b, c, d, ..] = *Digest::of(&parts).as_bytes();
        [a, b, c, d]
    }
}

impl fmt::Display for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = [&[self.kind.byte()], self.key.to_bytes().as_slice()].concat();
        write!(f, "{}+{}+{}", self.name, hex::encode(self.id()), STANDARD.encode(key))
    }
}

impl FromStr for Verifier {
    type Err = NoteError;
    fn from_str(text: &str) -> Result<Self, NoteError> {
        let (name, rest) = text.split_once('+').ok_or(NoteError::Key)?;
        let (id, key) = rest.split_once('+').ok_or(NoteError::Key)?;
        let bytes = STANDARD.decode(key).map_err(|_| NoteError::Key)?;
        let (kind, key) = bytes.split_first().ok_or(NoteError::Key)?;
        let kinds = [KeyKind::Log, KeyKind::Witness];
        let kind = kinds.into_iter().find(|k| k.byte() == *kind).ok_or(NoteError::Key)?;
        let key = <[u8; 32]>::try_from(key).ok().and_then(PublicKey::from_bytes).ok_or(NoteError::Key)?;
        let verifier = Self { name: name.parse()?, kind, key };
        if hex::encode(verifier.id()) == id { Ok(verifier) } else { Err(NoteError::Key) }
    }
}
