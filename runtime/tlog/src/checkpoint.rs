//! The text of a checkpoint (C2SP tlog-checkpoint): origin, size, root.

use crate::key::{KeyName, Verifier};
use crate::note::{Note, NoteError};
use crate::tree::Hash;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fmt;

/// The head of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log, which is also the name of its key.
    pub origin: KeyName,
    /// How many entries it has.
    pub size: u64,
    /// The root over them.
    pub root: Hash,
}

impl Checkpoint {
    /// Reads the text of a note. Lines after the third, which a log may add, are not looked at.
    ///
    /// # Errors
    /// `Checkpoint`.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let mut lines = text.lines();
        let mut line = || lines.next().ok_or(NoteError::Checkpoint);
        let (origin, size, root) = (line()?, line()?, line()?);
        if lines.any(str::is_empty) {
            return Err(NoteError::Checkpoint);
        }
        let root = STANDARD.decode(root).ok().and_then(|root| Hash::try_from(root).ok());
        let origin = origin.parse().map_err(|_| NoteError::Checkpoint)?;
        let size = decimal(size).ok_or(NoteError::Checkpoint)?;
        Ok(Self { origin, size, root: root.ok_or(NoteError::Checkpoint)? })
    }

    /// Reads a checkpoint that the log signed.
    ///
    /// # Errors
    /// `Untrusted` where it did not, or it is another log's; `Checkpoint`.
    pub fn verified(note: &Note, log: &Verifier) -> Result<Self, NoteError> {
        note.verify(log)?;
        let checkpoint = Self::parse(note.text())?;
        if checkpoint.origin == log.name { Ok(checkpoint) } else { Err(NoteError::Untrusted) }
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n{}\n{}", self.origin, self.size, STANDARD.encode(self.root))
    }
}

/// A number without a sign and without leading zeros.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    let number: u64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}
