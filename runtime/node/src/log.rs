//! The ledger as a transparency log: what of it may show outside, as entries under one Merkle tree whose head the node signs.
//!
//! An entry is one line of JSON: when it began to show, what of the event is shown ([`trocar_ledger::PublicEvent`]), and an HMAC of
//! the whole record under the audit key, so that an auditor who has the home can hold the two together and nobody else can test a
//! guess at what is not shown.

use crate::audit::mac;
use crate::error::NodeError;
use crate::home::Home;
use crate::node::Node;
use hmac::Mac;
use serde::Serialize;
use std::path::{Path, PathBuf};
use trocar_bundle::Logged;
use trocar_ledger::{Ledger, Public, PublicEvent};
use trocar_terms::{Digest, Timestamp};
use trocar_tlog::{Checkpoint, KeyKind, KeyName, LogProof, Note, Tree, Verifier};

/// All entries that show.
#[derive(Debug)]
pub(crate) struct Log {
    /// Each with the place of its record in the ledger.
    entries: Vec<(u64, Vec<u8>)>,
    tree: Tree,
    origin: KeyName,
}

#[derive(Serialize)]
struct Entry<'a> {
    time: Timestamp,
    #[serde(flatten)]
    event: &'a PublicEvent,
    record: String,
}

impl Log {
    pub(crate) fn of(home: &Home, ledger: &Ledger) -> Result<Self, NodeError> {
        let key = home.audit_key()?;
        let entry = |public: Public| -> Result<(u64, Vec<u8>), NodeError> {
            let record =
                hex::encode(mac(&key, &[b"record", public.record.as_bytes()]).finalize().into_bytes());
            let entry = Entry { time: public.at, event: &public.event, record };
            Ok((public.seq, serde_json::to_vec(&entry)?))
        };
        let entries: Vec<_> = ledger.public().into_iter().map(entry).collect::<Result<_, _>>()?;
        let tree = Tree::over(entries.iter().map(|(_, bytes)| bytes.as_slice()));
        Ok(Self { entries, tree, origin: origin(&key, ledger)? })
    }

    pub(crate) fn tree(&self) -> &Tree {
        &self.tree
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = &Vec<u8>> {
        self.entries.iter().map(|(_, bytes)| bytes)
    }

    pub(crate) fn has(&self, seq: u64) -> bool {
        self.entries.iter().any(|(s, _)| *s == seq)
    }

    /// The root over all that showed once this record did: the same whatever is recorded later.
    pub(crate) fn root_at(&self, seq: u64) -> Option<Digest> {
        let place = self.entries.iter().position(|(s, _)| *s == seq)?;
        let size = u64::try_from(place).ok()?.checked_add(1)?;
        self.tree.root(size).map(Digest::from_bytes)
    }

    /// The line of this record, and that it is under the head which [`Self::root_at`] gives.
    pub(crate) fn logged(&self, home: &Home, seq: u64) -> Result<Option<Logged>, NodeError> {
        let Some(place) = self.entries.iter().position(|(s, _)| *s == seq) else { return Ok(None) };
        let Some((_, entry)) = self.entries.get(place) else { return Ok(None) };
        let index = place as u64;
        let head = self.head(home, index.saturating_add(1))?;
        let proof = LogProof::of(&self.tree, index, head);
        Ok(proof.map(|proof| Logged { entry: entry.clone(), proof }))
    }

    /// The head, signed by the node.
    pub(crate) fn signed(&self, home: &Home) -> Result<Note, NodeError> {
        self.head(home, self.tree.size())
    }

    fn head(&self, home: &Home, size: u64) -> Result<Note, NodeError> {
        let root = self.tree.root(size).unwrap_or_default();
        let text = Checkpoint { origin: self.origin.clone(), size, root }.to_string();
        Ok(Note::sign(&text, &self.origin, &home.log_key()?)?)
    }

    /// The key under which its heads are signed.
    pub(crate) fn verifier(&self, home: &Home) -> Result<Verifier, NodeError> {
        let key = home.log_key()?.public();
        Ok(Verifier { name: self.origin.clone(), kind: KeyKind::Log, key })
    }
}

/// Every ledger has a name of its own, which tells nothing: two that began in one second have one first record.
fn origin(key: &[u8; 32], ledger: &Ledger) -> Result<KeyName, NodeError> {
    let genesis = ledger.records().first().map_or_else(|| ledger.head(), |record| record.digest);
    let tag = mac(key, &[b"origin", genesis.as_bytes()]).finalize().into_bytes();
    let id: String = hex::encode(tag).chars().take(32).collect();
    Ok(format!("trocar/{id}").parse()?)
}

/// What an export wrote.
#[derive(Debug, Serialize)]
pub struct Exported {
    /// Where to.
    pub folder: PathBuf,
    /// How many entries.
    pub entries: u64,
    /// The key that verifies the head.
    pub key: String,
}

impl Node {
    /// The key that verifies the heads of this node's ledger, as a witness takes it.
    ///
    /// # Errors
    /// The ledger or the key cannot be read.
    pub fn log_key(&self) -> Result<Verifier, NodeError> {
        Log::of(self.home(), &self.home().ledger()?)?.verifier(self.home())
    }

    /// Writes head, tiles and entries of all that may show by now, as C2SP tlog-tiles lays them out.
    ///
    /// # Errors
    /// The ledger cannot be read or the folder not be written.
    pub fn export_log(&self, folder: &Path) -> Result<Exported, NodeError> {
        let mut ledger = self.home().ledger()?;
        ledger.moment(self.now())?;
        let log = Log::of(self.home(), &ledger)?;
        let entries: Vec<Vec<u8>> = log.entries().cloned().collect();
        let Some(tiles) = trocar_tlog::tiles(&entries) else {
            return crate::error::ask("a record of the ledger is too long to be published");
        };
        for (path, bytes) in tiles {
            write_public(&folder.join(path), &bytes)?;
        }
        // Last: whoever finds a head finds all under it.
        write_public(&folder.join("checkpoint"), log.signed(self.home())?.to_string().as_bytes())?;
        let (folder, entries) = (folder.to_owned(), log.tree().size());
        Ok(Exported { folder, entries, key: log.verifier(self.home())?.to_string() })
    }
}

/// For everyone to read: the one folder that a node writes without hiding it.
pub(crate) fn write_public(path: &Path, bytes: &[u8]) -> Result<(), NodeError> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(crate::error::file("make", parent))?;
    }
    std::fs::write(path, bytes).map_err(crate::error::file("write", path))
}
