//! A proof that is checked without the log (C2SP tlog-proof): the place of an entry, the way to the root, the head.

use crate::checkpoint::{Checkpoint, decimal};
use crate::key::Verifier;
use crate::note::{MOST_BYTES, Note, NoteError};
use crate::proof::verify_inclusion;
use crate::tree::{Hash, Tree, leaf_hash};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fmt;

const FIRST_LINE: &str = "c2sp.org/tlog-proof@v1";
/// A tree of 2^64 leaves is no deeper.
const MOST_HASHES: usize = 64;
/// Each hash in base64 with its newline, the two lines before, the empty one after.
const MOST_HEAD: usize = MOST_HASHES * 45 + 64;

/// That one entry is in a log. It was read, and nothing of it is believed before [`LogProof::verify`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogProof {
    index: u64,
    path: Vec<Hash>,
    checkpoint: Note,
}

impl LogProof {
    /// The proof of the entry at `index` in the tree whose head `checkpoint` is; `None` where it is no head of that tree, or
    /// has no such entry.
    #[must_use]
    pub fn of(tree: &Tree, index: u64, checkpoint: Note) -> Option<Self> {
        let size = Checkpoint::parse(checkpoint.text()).ok()?.size;
        let path = tree.inclusion(index, size)?;
        Some(Self { index, path, checkpoint })
    }

    /// Reads a proof as `Display` writes it. Extra data, which the format allows and nothing authenticates, is refused.
    ///
    /// # Errors
    /// `Proof`, or `Form` where what follows is no note.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        if bytes.len() > MOST_BYTES + MOST_HEAD {
            return Err(NoteError::Proof);
        }
        let text = std::str::from_utf8(bytes).map_err(|_| NoteError::Proof)?;
        let (head, checkpoint) = text.split_once("\n\n").ok_or(NoteError::Proof)?;
        let mut lines = head.split('\n');
        if lines.next() != Some(FIRST_LINE) {
            return Err(NoteError::Proof);
        }
        let index = lines.next().and_then(|line| line.strip_prefix("index ")).and_then(decimal);
        let path: Vec<Hash> =
            lines.take(MOST_HASHES).map(hash).collect::<Option<_>>().ok_or(NoteError::Proof)?;
        let checkpoint = Note::parse(checkpoint.as_bytes())?;
        let read = Self { index: index.ok_or(NoteError::Proof)?, path, checkpoint };
        if read.to_string() == text { Ok(read) } else { Err(NoteError::Proof) }
    }

    /// That `log` signed the head and the entry is under it; the head.
    ///
    /// # Errors
    /// `Untrusted` or `Checkpoint` for the head, `Proof` where the entry is not under it.
    pub fn verify(&self, entry: &[u8], log: &Verifier) -> Result<Checkpoint, NoteError> {
        let head = Checkpoint::verified(&self.checkpoint, log)?;
        let included = verify_inclusion(self.index, head.size, &leaf_hash(entry), &self.path, &head.root);
        if included { Ok(head) } else { Err(NoteError::Proof) }
    }

    /// The head with its signatures.
    #[must_use]
    pub const fn checkpoint(&self) -> &Note {
        &self.checkpoint
    }
}

fn hash(line: &str) -> Option<Hash> {
    STANDARD.decode(line).ok()?.try_into().ok()
}

impl fmt::Display for LogProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{FIRST_LINE}\nindex {}", self.index)?;
        self.path.iter().try_for_each(|hash| writeln!(f, "{}", STANDARD.encode(hash)))?;
        write!(f, "\n{}", self.checkpoint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::KeyKind;
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng as _};
    use trocar_manifest::keys::SecretKey;

    fn key(seed: u64) -> SecretKey {
        SecretKey::generate(&mut ChaCha20Rng::seed_from_u64(seed))
    }

    fn log(seed: u64) -> Verifier {
        Verifier { name: "trocar/log".parse().unwrap(), kind: KeyKind::Log, key: key(seed).public() }
    }

    fn entry(i: u64) -> Vec<u8> {
        format!("entry {i}").into_bytes()
    }

    fn proof(index: u64, size: u64) -> LogProof {
        let entries: Vec<Vec<u8>> = (0..size).map(entry).collect();
        let tree = Tree::over(entries.iter().map(Vec::as_slice));
        let head = Checkpoint { origin: log(1).name, size, root: tree.root(size).unwrap() };
        let note = Note::sign(&head.to_string(), &log(1).name, &key(1)).unwrap();
        LogProof::of(&tree, index, note).unwrap()
    }

    #[test]
    fn every_entry_of_small_logs_is_proved_and_read_back() {
        for size in 1..18 {
            for index in 0..size {
                let text = proof(index, size).to_string();
                let read = LogProof::parse(text.as_bytes()).unwrap();
                assert_eq!(read.verify(&entry(index), &log(1)).unwrap().size, size);
                assert_eq!(read.verify(&entry(size), &log(1)), Err(NoteError::Proof), "another entry");
            }
        }
    }

    #[test]
    fn another_log_s_key_proves_nothing() {
        let other = Verifier { name: "trocar/other".parse().unwrap(), ..log(1) };
        for log in [log(2), other] {
            assert_eq!(proof(3, 9).verify(&entry(3), &log), Err(NoteError::Untrusted));
        }
    }

    #[test]
    fn every_changed_byte_is_refused_when_read_or_when_verified() {
        let good = proof(5, 11).to_string().into_bytes();
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            let verified = LogProof::parse(&bad).and_then(|proof| proof.verify(&entry(5), &log(1)));
            assert!(verified.is_err(), "byte {at} was changed");
        }
    }

    #[test]
    fn extra_data_too_many_hashes_and_other_forms_are_refused() {
        let good = proof(5, 11).to_string();
        let hash = format!("{}\n", STANDARD.encode([0; 32]));
        for bad in [
            good.replacen("index", "extra AA==\nindex", 1),
            good.replacen("index 5\n", &format!("index 5\n{}", hash.repeat(70)), 1),
            good.replacen("index 5", "index 05", 1),
            good.replacen("@v1", "@v2", 1),
            good.replacen("\n\n", "\n", 1),
            format!("{good}\n"),
            String::new(),
        ] {
            assert!(LogProof::parse(bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(LogProof::parse(&vec![b'A'; 1 << 20]).is_err());
    }
}
