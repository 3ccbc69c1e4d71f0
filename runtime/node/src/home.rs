//! The home of a node: `policy/ keys/ packages/ cache/ bundles/ reports/ name patients.log index.db ledger.log`.

use crate::error::{NodeError, ask, file};
use crate::files;
use crate::keys::{Keys, NODE_KEY, OPERATOR_KEY, random_bytes};
use crate::patients::PatientsLog;
use std::path::{Path, PathBuf};
use trocar_ledger::Ledger;
use trocar_manifest::keys::{PublicKey, SecretKey};
use trocar_terms::{Clock, Digest, JobId, Name, Timestamp};

const FOLDERS: [&str; 5] = ["policy", "keys", "packages", "cache", "bundles"];

/// The folder that holds everything a node knows.
#[derive(Debug, Clone)]
pub struct Home {
    root: PathBuf,
}

impl Home {
    /// Makes a new home with a node key, an operator key and an empty ledger.
    ///
    /// # Errors
    /// There is a node home already, or the disk refuses.
    pub fn create(root: &Path, name: &Name, clock: &dyn Clock) -> Result<Self, NodeError> {
        let home = Self { root: root.to_owned() };
        if home.ledger_path().exists() {
            return Err(NodeError::HomeExists(root.to_owned()));
        }
        files::private_dir(root)?;
        files::make_private(root)?;
        for folder in FOLDERS {
            files::private_dir(&root.join(folder))?;
        }
        home.make_keys()?;
        files::write_durably(&home.name_path(), name.as_str().as_bytes())?;
        // The ledger comes last: a home without one is not a home yet, and `node init` can be run again.
        Ledger::create(&home.ledger_path(), clock.now())?;
        Ok(home)
    }

    fn make_keys(&self) -> Result<(), NodeError> {
        for name in [NODE_KEY, OPERATOR_KEY] {
            if !self.root.join("keys").join(format!("{name}.pem")).exists() {
                self.keys().create(&fixed_name(name)?)?;
            }
        }
        files::write_durably(&self.audit_path(), &random_bytes::<32>())
    }

    /// Opens a home.
    ///
    /// # Errors
    /// There is none.
    pub fn open(root: &Path) -> Result<Self, NodeError> {
        let home = Self { root: root.to_owned() };
        if home.ledger_path().exists() { Ok(home) } else { Err(NodeError::NoHome(root.to_owned())) }
    }

    /// What the node calls itself in bundles.
    ///
    /// # Errors
    /// The file `name` of the home is missing or damaged.
    pub fn name(&self) -> Result<Name, NodeError> {
        fixed_name(files::read_text(&self.name_path())?.trim())
    }

    /// The folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The keys.
    #[must_use]
    pub fn keys(&self) -> Keys {
        Keys::of(&self.root)
    }

    /// The key that signs bundles.
    ///
    /// # Errors
    /// It is missing or damaged.
    pub fn node_key(&self) -> Result<SecretKey, NodeError> {
        self.keys().get(&fixed_name(NODE_KEY)?)
    }

    /// The public half of the operator's own key.
    ///
    /// # Errors
    /// It is missing or damaged.
    pub fn operator(&self) -> Result<PublicKey, NodeError> {
        Ok(self.keys().get(&fixed_name(OPERATOR_KEY)?)?.public())
    }

    /// Opens the ledger, which checks every record of it.
    ///
    /// # Errors
    /// It is damaged.
    pub fn ledger(&self) -> Result<Ledger, NodeError> {
        Ok(Ledger::open(&self.ledger_path())?)
    }

    /// The key of digests that never leave the node.
    pub(crate) fn audit_key(&self) -> Result<[u8; 32], NodeError> {
        let bytes = files::read(&self.audit_path())?;
        bytes.try_into().or_else(|_| ask("the key file keys/audit.bin is damaged"))
    }

    /// Keeps a package where every later verb finds it by digest.
    pub(crate) fn keep_package(&self, digest: &Digest, bytes: &[u8]) -> Result<(), NodeError> {
        files::keep(&self.package_path(digest), bytes)
    }

    /// Reads a kept package.
    pub(crate) fn package(&self, digest: &Digest) -> Result<trocar_manifest::Package, NodeError> {
        let bytes = files::read(&self.package_path(digest))?;
        if Digest::of(&bytes) != *digest {
            return Err(NodeError::Lost("its package"));
        }
        Ok(trocar_manifest::Package::open(&bytes)?)
    }

    /// Takes one of the home's locks; a second process waits here.
    pub(crate) fn lock(&self, name: &str) -> Result<std::fs::File, NodeError> {
        let path = self.root.join(name);
        let lock =
            std::fs::OpenOptions::new().create(true).append(true).open(&path).map_err(file("open", &path))?;
        rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive)
            .map_err(|e| file("lock", &path)(e.into()))?;
        Ok(lock)
    }

    /// Who was first seen in which dataset.
    pub(crate) fn patients_log(&self) -> Result<PatientsLog, NodeError> {
        PatientsLog::open(self.root.join("patients.log"))
    }

    pub(crate) fn index_path(&self) -> PathBuf {
        self.root.join("index.db")
    }

    pub(crate) fn policy_path(&self, dataset: &Name) -> PathBuf {
        self.root.join("policy").join(format!("{dataset}.toml"))
    }

    pub(crate) fn policy_copy_path(&self, digest: &Digest) -> PathBuf {
        self.root.join("policy").join(format!("sha256-{}.toml", digest.hex()))
    }

    pub(crate) fn bundle_path(&self, job: &JobId) -> PathBuf {
        self.root.join("bundles").join(format!("{job}.zip"))
    }

    pub(crate) fn cache_path(&self, name: &str) -> PathBuf {
        self.root.join("cache").join(name)
    }

    /// Where a report of a dataset is written unless the operator says otherwise. The folder is made when it is first used.
    pub(crate) fn report_path(
        &self,
        dataset: &Name,
        at: Timestamp,
        extension: &str,
    ) -> Result<PathBuf, NodeError> {
        let folder = self.root.join("reports");
        files::private_dir(&folder)?;
        Ok(folder.join(format!("{dataset}-{}.{extension}", at.to_string().replace(':', ""))))
    }

    fn package_path(&self, digest: &Digest) -> PathBuf {
        self.root.join("packages").join(format!("{}.trocar", digest.hex()))
    }

    fn name_path(&self) -> PathBuf {
        self.root.join("name")
    }

    fn audit_path(&self) -> PathBuf {
        self.root.join("keys").join("audit.bin")
    }

    fn ledger_path(&self) -> PathBuf {
        self.root.join("ledger.log")
    }
}

fn fixed_name(text: &str) -> Result<Name, NodeError> {
    text.parse().or_else(|e| ask(format!("{e}")))
}
