//! What a log sends to a witness (C2SP tlog-witness, add-checkpoint).

use crate::checkpoint::decimal;
use crate::note::{MOST_BYTES, Note, NoteError};
use crate::tree::Hash;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fmt;

/// More lines than any tree of 2^63 leaves needs.
const MOST_HASHES: usize = 63;

/// A checkpoint, and the proof that it extends an older one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddCheckpoint {
    /// Size of the checkpoint that the witness has seen last; 0 for none.
    pub old: u64,
    /// The consistency proof.
    pub proof: Vec<Hash>,
    /// The new checkpoint, signed.
    pub note: Note,
}

impl AddCheckpoint {
    /// Reads a request's body.
    ///
    /// # Errors
    /// `Request`, or what is wrong with the note.
    pub fn parse(body: &[u8]) -> Result<Self, NoteError> {
        let text =
            std::str::from_utf8(body).ok().filter(|b| b.len() <= MOST_BYTES).ok_or(NoteError::Request)?;
        let (head, note) = text.split_once("\n\n").ok_or(NoteError::Request)?;
        let mut lines = head.split('\n');
        let old =
            lines.next().and_then(|line| decimal(line.strip_prefix("old ")?)).ok_or(NoteError::Request)?;
        let hash = |line: &str| STANDARD.decode(line).ok().and_then(|hash| Hash::try_from(hash).ok());
        let proof: Option<Vec<Hash>> = lines.take(MOST_HASHES.saturating_add(1)).map(hash).collect();
        let proof = proof.filter(|proof| proof.len() <= MOST_HASHES).ok_or(NoteError::Request)?;
        Ok(Self { old, proof, note: Note::parse(note.as_bytes())? })
    }
}

impl fmt::Display for AddCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "old {}", self.old)?;
        self.proof.iter().try_for_each(|hash| writeln!(f, "{}", STANDARD.encode(hash)))?;
        write!(f, "\n{}", self.note)
    }
}
