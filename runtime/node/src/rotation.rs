//! The node's key over the years: a new one takes over, an old one is taken back, and what is published of both.
//!
//! `keys/history/` holds every statement, `keys/node.next` a new key until its succession is written. The key of the
//! ledger's heads stays what it was: witnesses know it, and a log with two keys would look like two logs.

use crate::error::{NodeError, ask};
use crate::files;
use crate::home::Home;
use crate::keys::system_random;
use crate::log::write_public;
use crate::node::Node;
use serde::Serialize;
use std::path::{Path, PathBuf};
use trocar_manifest::dsse::Envelope;
use trocar_manifest::key_history::{KeyHistory, Revocation, Standing, Succession};
use trocar_manifest::keys::{PublicKey, SecretKey};
use trocar_terms::Timestamp;

/// One of the keys that ever signed this node's bundles.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NodeKey {
    /// The key.
    pub key: PublicKey,
    /// Its id: the SHA-256 of its SPKI.
    pub keyid: String,
    /// Whether it signs now.
    pub current: bool,
    /// For which time it may be believed.
    #[serde(flatten)]
    pub standing: Standing,
}

impl Home {
    /// The key that signs bundles. A rotation that a crash cut short is finished first.
    ///
    /// # Errors
    /// It is missing or damaged.
    pub fn node_key(&self) -> Result<SecretKey, NodeError> {
        if self.next_path().exists() {
            self.finish_rotation()?;
        }
        read_key(&self.node_key_path())
    }

    /// The new key signs once its succession is on disk; before that it never was.
    fn finish_rotation(&self) -> Result<(), NodeError> {
        let next = read_key(&self.next_path())?.public();
        if KeyHistory::read(&self.key_statements()?)?.of(&next).since.is_none() {
            return Ok(());
        }
        std::fs::rename(self.next_path(), self.node_key_path())
            .map_err(crate::error::file("write", &self.node_key_path()))
    }

    /// Every statement about the node's keys, oldest first.
    ///
    /// # Errors
    /// One cannot be read.
    pub fn key_statements(&self) -> Result<Vec<Envelope>, NodeError> {
        let read = |path: &PathBuf| -> Result<Envelope, NodeError> {
            let words = format!("the statement {} is damaged", path.display());
            Envelope::from_json(&files::read(path)?).or_else(|_| ask(words))
        };
        self.statement_paths().iter().map(read).collect()
    }

    fn statement_paths(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.history_path()).into_iter().flatten();
        let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
        let mut paths: Vec<_> = paths.filter(|path| path.extension().is_some_and(|e| e == "json")).collect();
        paths.sort();
        paths
    }

    fn keep_statement(&self, envelope: &Envelope) -> Result<(), NodeError> {
        files::private_dir(&self.history_path())?;
        let number = self.statement_paths().len().saturating_add(1);
        let Ok(bytes) = envelope.to_json() else { return ask("the statement has no canonical form") };
        files::write_durably(&self.history_path().join(format!("{number:04}.dsse.json")), &bytes)
    }
}

fn read_key(path: &Path) -> Result<SecretKey, NodeError> {
    let text = files::read_text(path)?;
    SecretKey::from_pem(&text).or_else(|_| ask(format!("the key file {} is damaged", path.display())))
}

fn write_key(path: &Path, key: &SecretKey) -> Result<(), NodeError> {
    let Ok(pem) = key.to_pem() else { return ask("the key cannot be written as PEM") };
    files::write_durably(path, pem.as_bytes())
}

impl Node {
    /// Makes a new key that signs bundles from the next second on; the old one is gone then.
    ///
    /// # Errors
    /// The last rotation is of this second, or the disk refuses.
    pub fn rotate_key(&self) -> Result<Succession, NodeError> {
        let home = self.home();
        let _lock = home.lock("keys.lock")?;
        let (old, new) = (home.node_key()?, SecretKey::generate(&mut system_random()));
        // What was admitted in this second may still be signed by the old key.
        let at = self.now().plus(1);
        let said = Succession { old: old.public(), new: new.public(), at };
        let envelope = said.sign(&old, &new)?;
        KeyHistory::read(&[home.key_statements()?, vec![envelope.clone()]].concat())?;
        if !home.is_shared() && !home.log_key_path().exists() {
            write_key(&home.log_key_path(), &old)?;
        }
        write_key(&home.next_path(), &new)?;
        home.keep_statement(&envelope)?;
        home.finish_rotation()?;
        Ok(said)
    }

    /// Says of an earlier key that nothing which it signed from `since` on is to be believed.
    ///
    /// # Errors
    /// It never signed for this node, it signs now, or the disk refuses.
    pub fn revoke_key(&self, keyid: &str, since: Option<Timestamp>) -> Result<Revocation, NodeError> {
        let home = self.home();
        let _lock = home.lock("keys.lock")?;
        let current = home.node_key()?;
        let Some(NodeKey { key, .. }) = self.node_keys()?.into_iter().find(|k| k.keyid == keyid) else {
            return ask(format!("no key {keyid} ever signed for this node: see `trocar node key list`"));
        };
        if key == current.public() {
            return ask("this key signs now: let a new one take over first with `trocar node key rotate`");
        }
        let said = Revocation { key, at: since.unwrap_or_else(|| self.now()) };
        home.keep_statement(&said.sign(&current)?)?;
        Ok(said)
    }

    /// Every key that signed or signs this node's bundles, oldest first.
    ///
    /// # Errors
    /// A statement or the key cannot be read.
    pub fn node_keys(&self) -> Result<Vec<NodeKey>, NodeError> {
        let current = self.home().node_key()?.public();
        let history = KeyHistory::read(&self.home().key_statements()?)?;
        let all: std::collections::BTreeSet<PublicKey> = history.keys().chain([current]).collect();
        let row = |key: PublicKey| {
            let (keyid, standing) = (key.keyid(), history.of(&key));
            NodeKey { key, keyid, current: key == current, standing }
        };
        let mut rows: Vec<NodeKey> = all.into_iter().map(row).collect();
        rows.sort_by_key(|row| row.standing.since);
        Ok(rows)
    }

    /// Writes what everyone may know of this node's keys: `node.pub`, which signs now, each key by its id, every statement,
    /// and the key of the log.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn export_keys(&self, folder: &Path) -> Result<Vec<NodeKey>, NodeError> {
        let rows = self.node_keys()?;
        for row in &rows {
            let Ok(pem) = row.key.to_pem() else { return ask("the key cannot be written as PEM") };
            write_public(&folder.join(format!("{}.pub", row.keyid)), pem.as_bytes())?;
            if row.current {
                write_public(&folder.join("node.pub"), pem.as_bytes())?;
            }
        }
        for path in self.home().statement_paths() {
            let Some(name) = path.file_name() else { continue };
            write_public(&folder.join(name), &files::read(&path)?)?;
        }
        write_public(&folder.join("log.vkey"), format!("{}\n", self.log_key()?).as_bytes())?;
        Ok(rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use trocar_terms::FixedClock;
    use trocar_worker::Launcher;

    async fn node(root: &Path, seconds: i64) -> Node {
        let clock = FixedClock(Timestamp::from_seconds(seconds));
        if Home::open(root).is_err() {
            Home::create(root, &"node".parse().unwrap(), &clock).unwrap();
        }
        Node::open(root, Launcher::new("/nowhere".into()), Box::new(clock)).await.unwrap()
    }

    #[tokio::test]
    async fn a_rotation_changes_the_key_of_bundles_and_not_the_key_of_the_log() {
        let folder = tempfile::tempdir().unwrap();
        let (old, log) = {
            let node = node(folder.path(), 10).await;
            (node.home().node_key().unwrap().public(), node.log_key().unwrap())
        };
        let said = node(folder.path(), 100).await.rotate_key().unwrap();
        let later = node(folder.path(), 200).await;
        assert_eq!((said.old, said.at), (old, Timestamp::from_seconds(101)));
        assert_eq!(later.home().node_key().unwrap().public(), said.new);
        assert_eq!(later.log_key().unwrap(), log, "the log has another key");
        later.rotate_key().unwrap();
        let rows = later.node_keys().unwrap();
        assert_eq!((rows[0].key, rows.len(), rows[2].current), (old, 3, true));
    }

    #[tokio::test]
    async fn only_an_earlier_key_is_revoked_and_each_second_rotates_once() {
        let folder = tempfile::tempdir().unwrap();
        let node = node(folder.path(), 100).await;
        let old = node.home().node_key().unwrap().public().keyid();
        assert!(node.revoke_key(&old, None).is_err(), "the key that signs now was revoked");
        node.rotate_key().unwrap();
        assert!(node.rotate_key().is_err(), "two keys took over in one second");
        assert!(node.revoke_key("00", None).is_err());
        node.revoke_key(&old, Some(Timestamp::from_seconds(50))).unwrap();
        assert_eq!(node.node_keys().unwrap()[0].standing.revoked, Some(Timestamp::from_seconds(50)));
    }

    #[tokio::test]
    async fn a_rotation_that_was_cut_short_is_finished_or_never_was() {
        let folder = tempfile::tempdir().unwrap();
        let node = node(folder.path(), 100).await;
        let (home, old) = (node.home(), node.home().node_key().unwrap());
        let new = SecretKey::generate(&mut system_random());
        write_key(&home.next_path(), &new).unwrap();
        assert_eq!(home.node_key().unwrap().public(), old.public(), "a key without a succession signs");
        let said = Succession { old: old.public(), new: new.public(), at: Timestamp::from_seconds(101) };
        home.keep_statement(&said.sign(&old, &new).unwrap()).unwrap();
        assert_eq!(home.node_key().unwrap().public(), new.public());
        assert!(!home.next_path().exists());
    }

    #[tokio::test]
    async fn what_is_published_is_all_that_a_verifier_needs() {
        let folder = tempfile::tempdir().unwrap();
        let node = node(&folder.path().join("home"), 100).await;
        node.rotate_key().unwrap();
        let out = folder.path().join("keys");
        let rows = node.export_keys(&out).unwrap();
        for row in &rows {
            let text = std::fs::read_to_string(out.join(format!("{}.pub", row.keyid))).unwrap();
            assert_eq!(PublicKey::from_pem(&text), Ok(row.key));
        }
        let files = std::fs::read_dir(&out).unwrap().count();
        assert_eq!(files, 5, "two keys, the current one, a statement, the log");
        let secret = std::fs::read_dir(&out)
            .unwrap()
            .any(|f| std::fs::read_to_string(f.unwrap().path()).unwrap().contains("PRIVATE"));
        assert!(!secret, "a secret key was published");
    }
}
