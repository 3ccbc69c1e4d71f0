//! What a reader trusts when verifying: pinned keys, what a node has published of its keys, and nodes that were met before.

use crate::args::Verify;
use crate::failure::{Exit, Failure};
use crate::input::{Input, read_bounded, read_text};
use anyhow::{Context, anyhow};
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use trocar_manifest::dsse::Envelope;
use trocar_manifest::key_history::KeyHistory;
use trocar_manifest::keys::PublicKey;

/// More statements and keys than a folder that a node writes ever has.
const MOST_FILES: usize = 5_000;
/// Some 5,000 nodes.
const MOST_KNOWN: u64 = 1 << 20;

/// Whom a bundle is held against.
pub(crate) struct Trusted {
    pub(crate) pinned: Vec<PublicKey>,
    pub(crate) history: KeyHistory,
    /// The key of the node's log.
    pub(crate) log: Option<String>,
}

/// What the command line says.
pub(crate) fn trusted(args: &Verify) -> Result<Trusted, Failure> {
    let mut pinned = args.keys.iter().map(|path| read_key(path)).collect::<Result<Vec<_>, _>>()?;
    let Some(folder) = &args.published else {
        return Ok(Trusted { pinned, history: KeyHistory::default(), log: None });
    };
    if pinned.is_empty() {
        pinned.push(read_key(&folder.join("node.pub"))?);
    }
    let history = KeyHistory::read(&statements(folder)?).map_err(|e| Failure::plain(Exit::Unverified, e))?;
    let log = read_text(&folder.join("log.vkey"), Input::Key)?.trim().to_owned();
    Ok(Trusted { pinned, history, log: Some(log) })
}

fn statements(folder: &Path) -> Result<Vec<Envelope>, Failure> {
    let words = || format!("cannot read {}", folder.display());
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(words)?.take(MOST_FILES) {
        paths.push(entry.with_context(words)?.path());
    }
    paths.retain(|path| path.to_string_lossy().ends_with(".dsse.json"));
    paths.sort();
    let read = |path: &PathBuf| {
        let bytes = read_bounded(path, Input::Key)?;
        Envelope::from_json(&bytes)
            .map_err(|e| Failure::Plain(Exit::Unverified, anyhow!("{}: {e}", path.display())))
    };
    paths.iter().map(read).collect()
}

fn read_key(path: &Path) -> Result<PublicKey, Failure> {
    let text = read_text(path, Input::Key)?;
    let words =
        || format!("{} is not a public key: write one with `trocar key export NAME -o FILE`", path.display());
    Ok(PublicKey::from_pem(&text).with_context(words)?)
}

/// A node that was met, as one line of JSON: names of nodes may hold anything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Met {
    node: String,
    key: PublicKey,
}

/// The file of nodes that were met.
pub(crate) struct KnownNodes {
    path: PathBuf,
    met: Vec<Met>,
}

impl KnownNodes {
    /// Reads it; where there is none, nobody was met.
    pub(crate) fn read(named: Option<&Path>) -> Result<Self, Failure> {
        let path = named.map_or_else(default_path, |path| Ok(path.to_owned()))?;
        let text = text(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let met: Result<Vec<Met>, _> = text.lines().map(serde_json::from_str).collect();
        let met = met.with_context(|| format!("{} is damaged: mend it or name another", path.display()))?;
        Ok(Self { path, met })
    }

    /// The keys under which a node was met.
    pub(crate) fn keys(&self, node: &str) -> Vec<PublicKey> {
        self.met.iter().filter(|met| met.node == node).map(|met| met.key).collect()
    }

    /// Remembers a node.
    pub(crate) fn add(&self, node: &str, key: PublicKey) -> Result<(), Failure> {
        let words = || format!("cannot write {}", self.path.display());
        if let Some(folder) = self.path.parent() {
            std::fs::create_dir_all(folder).with_context(words)?;
        }
        let met = Met { node: node.to_owned(), key };
        let line = format!("{}\n", serde_json::to_string(&met).map_err(anyhow::Error::from)?);
        let mut file = OpenOptions::new().create(true).append(true).open(&self.path).with_context(words)?;
        file.write_all(line.as_bytes()).and_then(|()| file.sync_all()).with_context(words)?;
        Ok(())
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

fn text(path: &Path) -> anyhow::Result<String> {
    let file = match File::open(path) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(String::new()),
        other => other?,
    };
    let mut text = String::new();
    file.take(MOST_KNOWN + 1).read_to_string(&mut text)?;
    anyhow::ensure!(text.len() as u64 <= MOST_KNOWN, "it is too large");
    Ok(text)
}

/// XDG Base Directory Specification: `$XDG_CONFIG_HOME`, else `~/.config`.
fn default_path() -> Result<PathBuf, Failure> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let base = set("XDG_CONFIG_HOME").or_else(|| set("HOME").map(|home| home.join(".config")));
    let words = "there is no HOME to remember nodes in: name a file with --trust-on-first-use=FILE";
    base.map(|base| base.join("trocar").join("known-nodes"))
        .ok_or_else(|| Failure::Plain(Exit::Failed, anyhow!(words)))
}
