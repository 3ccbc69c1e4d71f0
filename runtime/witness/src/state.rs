//! What a witness keeps: a file for each log with the last checkpoint that it countersigned.

use crate::error::WitnessError;
use rustix::fs::{FlockOperation, flock};
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use trocar_manifest::keys::SecretKey;
use trocar_terms::{Digest, Timestamp};
use trocar_tlog::{
    AddCheckpoint, Checkpoint, KeyKind, KeyName, Note, NoteSignature, Verifier, verify_consistency,
};

/// A witness with its key, its folder and the logs that it countersigns.
#[derive(Debug)]
pub struct Witness {
    folder: PathBuf,
    name: KeyName,
    key: SecretKey,
    logs: Vec<Verifier>,
}

/// What a witness says to a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Answer {
    /// It extends the last one, is kept, and this is the signature.
    Cosigned(NoteSignature),
    /// The request is none, or asks to go backwards.
    Malformed,
    /// Its log's key did not sign it.
    Untrusted,
    /// Nobody named its log.
    Unknown,
    /// The last checkpoint has this size, or has another root at the same size.
    Conflict {
        /// The size of the last checkpoint.
        size: u64,
    },
    /// It does not extend the last one.
    Inconsistent,
}

impl Witness {
    /// Opens a witness in a folder that is there.
    ///
    /// # Errors
    /// `File` where it is not: a disk that is not mounted has no memory.
    pub fn open(
        folder: &Path,
        name: KeyName,
        key: SecretKey,
        logs: Vec<Verifier>,
    ) -> Result<Self, WitnessError> {
        let folder = folder.canonicalize().map_err(|source| file("find", folder, source))?;
        Ok(Self { folder, name, key, logs })
    }

    /// The key that verifies its signatures.
    #[must_use]
    pub fn verifier(&self) -> Verifier {
        Verifier { name: self.name.clone(), kind: KeyKind::Witness, key: self.key.public() }
    }

    /// Answers a request. What is countersigned is on disk before this returns.
    ///
    /// # Errors
    /// `File` or `Damaged`: then nothing was countersigned.
    pub fn add(&self, body: &[u8], now: Timestamp) -> Result<Answer, WitnessError> {
        let Ok(request) = AddCheckpoint::parse(body) else { return Ok(Answer::Malformed) };
        let Ok(claimed) = Checkpoint::parse(request.note.text()) else { return Ok(Answer::Malformed) };
        let Some(log) = self.logs.iter().find(|log| log.name == claimed.origin) else {
            return Ok(Answer::Unknown);
        };
        let Ok(new) = Checkpoint::verified(&request.note, log) else { return Ok(Answer::Untrusted) };
        if request.old > new.size {
            return Ok(Answer::Malformed);
        }
        // Looking at the last one and keeping the new one is one step for whoever else asks.
        let _lock = self.lock()?;
        let last = self.last(log)?;
        if let Some(answer) = objection(&request, &new, last.as_ref()) {
            return Ok(answer);
        }
        let signature = request.note.cosign(&self.name, &self.key, now);
        let mut note = request.note;
        note.add(signature.clone());
        self.keep(log, &note)?;
        Ok(Answer::Cosigned(signature))
    }

    fn lock(&self) -> Result<File, WitnessError> {
        let path = self.folder.join("lock");
        let open = OpenOptions::new().create(true).append(true).mode(0o600).open(&path);
        let lock = open.map_err(|source| file("open", &path, source))?;
        flock(&lock, FlockOperation::LockExclusive).map_err(|source| file("lock", &path, source.into()))?;
        Ok(lock)
    }

    fn last(&self, log: &Verifier) -> Result<Option<Checkpoint>, WitnessError> {
        let path = self.path(log);
        let bytes = match std::fs::read(&path) {
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
            other => other.map_err(|source| file("read", &path, source))?,
        };
        let damaged = |_| WitnessError::Damaged(path.clone());
        let note = Note::parse(&bytes).map_err(damaged)?;
        note.cosigned(&self.verifier()).map_err(damaged)?;
        Checkpoint::verified(&note, log).map(Some).map_err(damaged)
    }

    fn keep(&self, log: &Verifier, note: &Note) -> Result<(), WitnessError> {
        let path = self.path(log);
        let fresh = path.with_extension("new");
        let write = || {
            let mut out =
                OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
            out.write_all(note.to_string().as_bytes())?;
            out.sync_all()?;
            std::fs::rename(&fresh, &path)?;
            File::open(&self.folder)?.sync_all()
        };
        write().map_err(|source| file("write", &path, source))
    }

    fn path(&self, log: &Verifier) -> PathBuf {
        self.folder.join(format!("{}.checkpoint", Digest::of(log.name.as_str().as_bytes()).hex()))
    }
}

/// Why this does not follow what was countersigned last, if it does not.
fn objection(request: &AddCheckpoint, new: &Checkpoint, last: Option<&Checkpoint>) -> Option<Answer> {
    let size = last.map_or(0, |last| last.size);
    if request.old != size {
        return Some(Answer::Conflict { size });
    }
    let root = last.map_or(new.root, |last| last.root);
    if size == new.size && root != new.root {
        return Some(Answer::Conflict { size });
    }
    let follows = verify_consistency(size, new.size, &request.proof, &root, &new.root);
    (!follows).then_some(Answer::Inconsistent)
}

fn file(what: &'static str, path: &Path, source: std::io::Error) -> WitnessError {
    WitnessError::File { what, path: path.to_owned(), source }
}
