//! `keys/`: one PEM file a key, by name. Author, operator, researcher and node keys are all Ed25519.

use crate::error::{NodeError, ask};
use crate::files;
use rand::CryptoRng;
use std::path::{Path, PathBuf};
use trocar_manifest::keys::{PublicKey, SecretKey};
use trocar_terms::Name;

/// The name of the key that signs bundles.
pub const NODE_KEY: &str = "node";
/// The name of the key that signs approvals when no `--as` is given.
pub const OPERATOR_KEY: &str = "operator";

/// The keys of one home.
#[derive(Debug)]
pub struct Keys {
    folder: PathBuf,
}

impl Keys {
    /// The keys under `home`, which need not be a node's: an author has keys alone.
    #[must_use]
    pub fn of(home: &Path) -> Self {
        Self { folder: home.join("keys") }
    }

    /// Makes a key.
    ///
    /// # Errors
    /// A key of that name exists already, or the disk refuses.
    pub fn create(&self, name: &Name) -> Result<PublicKey, NodeError> {
        files::private_dir(&self.folder)?;
        if self.path(name).exists() {
            return ask(format!("there is a key {name} already: choose another name"));
        }
        let key = SecretKey::generate(&mut system_random());
        let Ok(pem) = key.to_pem() else { return ask("the key cannot be written as PEM") };
        files::write_durably(&self.path(name), pem.as_bytes())?;
        Ok(key.public())
    }

    /// Reads a key.
    ///
    /// # Errors
    /// There is no such key, or its file is damaged.
    pub fn get(&self, name: &Name) -> Result<SecretKey, NodeError> {
        let path = self.path(name);
        if !path.exists() {
            return ask(format!("there is no key {name}: make it with `trocar key new {name}`"));
        }
        let text = files::read_text(&path)?;
        let damaged = format!("the key file {} is damaged", path.display());
        SecretKey::from_pem(&text).map_err(|_| NodeError::Ask(damaged))
    }

    /// All keys by name, public halves only.
    ///
    /// # Errors
    /// A key file cannot be read.
    pub fn list(&self) -> Result<Vec<(Name, PublicKey)>, NodeError> {
        let mut names: Vec<Name> = match std::fs::read_dir(&self.folder) {
            Err(_) => Vec::new(),
            Ok(entries) => entries.filter_map(|e| key_name(&e.ok()?.path())).collect(),
        };
        names.sort();
        names.into_iter().map(|n| Ok((n.clone(), self.get(&n)?.public()))).collect()
    }

    fn path(&self, name: &Name) -> PathBuf {
        self.folder.join(format!("{name}.pem"))
    }
}

fn key_name(path: &Path) -> Option<Name> {
    if path.extension()? != "pem" {
        return None;
    }
    path.file_stem()?.to_str()?.parse().ok()
}

/// Where a node's randomness comes from: gives a generator each time that one is needed.
pub type Random = Box<dyn Fn() -> Box<dyn CryptoRng> + Send + Sync>;

/// The operating system's, on every node.
#[must_use]
pub fn system() -> Random {
    Box::new(|| Box::new(system_random()))
}

/// The operating system's generator; it is never seeded and never stored.
#[must_use]
pub fn system_random() -> rand::rand_core::UnwrapErr<rand::rngs::SysRng> {
    rand::rand_core::UnwrapErr(rand::rngs::SysRng)
}

/// Bytes from the operating system: for keys, names of part files and whatever else no job's answer depends on.
pub(crate) fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::Rng::fill_bytes(&mut system_random(), &mut bytes);
    bytes
}
