//! The home of a node: `policy/ keys/ packages/ cache/ bundles/ replays/ airlock/ reports/ heads/ counts/ name patients.log
//! index.db ledger.log`.
//!
//! Homes of one hospital may share what budgets belong to: then ledger, `patients.log`, `airlock/`, audit key and the key of
//! the ledger's heads are in a folder of their own, which the file `pools` of each home names.

use crate::error::{NodeError, ask, file};
use crate::files;
use crate::keys::{Keys, NODE_KEY, OPERATOR_KEY, random_bytes};
use crate::patients::PatientsLog;
use std::path::{Path, PathBuf};
use trocar_ledger::Ledger;
use trocar_manifest::keys::{PublicKey, SecretKey};
use trocar_terms::{Clock, Digest, JobId, Name, Timestamp};
use trocar_tlog::Verifier;

const FOLDERS: [&str; 7] = ["policy", "keys", "packages", "cache", "bundles", "heads", "counts"];
/// The name of the key that signs heads of a ledger that several homes share.
const LOG_KEY: &str = "log";

/// The folder that holds everything a node knows.
#[derive(Debug, Clone)]
pub struct Home {
    root: PathBuf,
    /// Where the ledger is: the home itself, or the folder that several share.
    common: PathBuf,
}

impl Home {
    /// Makes a new home with a node key, an operator key and an empty ledger.
    ///
    /// # Errors
    /// There is a node home already, or the disk refuses.
    pub fn create(root: &Path, name: &Name, clock: &dyn Clock) -> Result<Self, NodeError> {
        let home = Self { root: root.to_owned(), common: root.to_owned() };
        home.fill(name)?;
        home.begin(clock)?;
        Ok(home)
    }

    /// As [`Self::create`], with ledger, patients, audit key and log key in `pools`, which other homes share. What is there already
    /// is taken over with all that was ever spent.
    ///
    /// # Errors
    /// There is a node home already, another home of this name shares the folder, or the disk refuses.
    pub fn create_in(root: &Path, name: &Name, pools: &Path, clock: &dyn Clock) -> Result<Self, NodeError> {
        files::private_dir(pools)?;
        let common = pools.canonicalize().map_err(file("find", pools))?;
        let home = Self { root: root.to_owned(), common };
        let _lock = home.common_lock("init.lock")?;
        home.fill(name)?;
        home.claim_name(name)?;
        if !home.ledger_path().exists() {
            home.begin(clock)?;
        }
        let Some(path) = home.common.to_str() else { return ask("the path of --pools is not valid UTF-8") };
        files::write_durably(&home.pools_path(), path.as_bytes())?;
        Ok(home)
    }

    fn fill(&self, name: &Name) -> Result<(), NodeError> {
        if Self::open(&self.root).is_ok() {
            return Err(NodeError::HomeExists(self.root.clone()));
        }
        files::private_dir(&self.root)?;
        files::make_private(&self.root)?;
        for folder in FOLDERS {
            files::private_dir(&self.root.join(folder))?;
        }
        for name in [NODE_KEY, OPERATOR_KEY] {
            if !self.root.join("keys").join(format!("{name}.pem")).exists() {
                self.keys().create(&fixed_name(name)?)?;
            }
        }
        files::write_durably(&self.name_path(), name.as_str().as_bytes())
    }

    /// The ledger comes last: a home without one is not a home yet, and `node init` can be run again.
    fn begin(&self, clock: &dyn Clock) -> Result<(), NodeError> {
        files::private_dir(&self.common.join("keys"))?;
        files::write_durably(&self.audit_path(), &random_bytes::<32>())?;
        if self.is_shared() && !self.common.join("keys").join(format!("{LOG_KEY}.pem")).exists() {
            Keys::of(&self.common).create(&fixed_name(LOG_KEY)?)?;
        }
        Ledger::create(&self.ledger_path(), clock.now())?;
        Ok(())
    }

    /// Datasets belong to a home by its name; one that was made anew at the same place keeps them.
    fn claim_name(&self, name: &Name) -> Result<(), NodeError> {
        let root = self.root.canonicalize().map_err(file("find", &self.root))?;
        let (folder, root) = (self.common.join("homes"), root.display().to_string());
        files::private_dir(&folder)?;
        match std::fs::read_to_string(folder.join(name.as_str())) {
            Ok(other) if other != root => ask(format!(
                "the home {other} is named {name} and shares this folder: choose another --name, or remove {} if that home is gone",
                folder.join(name.as_str()).display()
            )),
            Ok(_) => Ok(()),
            Err(_) => files::write_durably(&folder.join(name.as_str()), root.as_bytes()),
        }
    }

    /// Opens a home.
    ///
    /// # Errors
    /// There is none.
    pub fn open(root: &Path) -> Result<Self, NodeError> {
        let mut home = Self { root: root.to_owned(), common: root.to_owned() };
        if home.pools_path().exists() {
            home.common = PathBuf::from(files::read_text(&home.pools_path())?);
            if !home.ledger_path().exists() {
                return ask(format!(
                    "the folder {} that this home shares is not there",
                    home.common.display()
                ));
            }
        }
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

    /// Where ledger, patients, audit key and log key are.
    #[must_use]
    pub fn common(&self) -> &Path {
        &self.common
    }

    /// Whether other homes may keep the same ledger.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.common != self.root
    }

    /// The key that signs heads of the ledger: one that the homes share, else the first that the node had.
    pub(crate) fn log_key(&self) -> Result<SecretKey, NodeError> {
        if self.is_shared() {
            return Keys::of(&self.common).get(&fixed_name(LOG_KEY)?);
        }
        if !self.log_key_path().exists() {
            return self.node_key();
        }
        let text = files::read_text(&self.log_key_path())?;
        SecretKey::from_pem(&text).or_else(|_| ask("the key file keys/log.first is damaged"))
    }

    /// The keys.
    #[must_use]
    pub fn keys(&self) -> Keys {
        Keys::of(&self.root)
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
        lock_at(&self.root.join(name))
    }

    /// Takes a lock that nobody holds; `None` where somebody does.
    pub(crate) fn try_lock(&self, name: &str) -> Result<Option<std::fs::File>, NodeError> {
        let path = self.root.join(name);
        let lock = open_lock(&path)?;
        match rustix::fs::flock(&lock, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(lock)),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(file("lock", &path)(error.into())),
        }
    }

    /// Takes a lock that all homes of one ledger heed.
    pub(crate) fn common_lock(&self, name: &str) -> Result<std::fs::File, NodeError> {
        lock_at(&self.common.join(name))
    }

    /// Who was first seen in which dataset.
    pub(crate) fn patients_log(&self) -> Result<PatientsLog, NodeError> {
        PatientsLog::open(self.common.join("patients.log"))
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

    /// Exact results, held and released: a patient's memberships follow her over all homes of one ledger.
    pub(crate) fn airlock_path(&self) -> PathBuf {
        self.common.join("airlock")
    }

    pub(crate) fn bundle_path(&self, job: &JobId) -> PathBuf {
        self.root.join("bundles").join(format!("{job}.zip"))
    }

    /// Seals of what jobs summed. The folder is made when it is first used.
    pub(crate) fn replays_path(&self) -> PathBuf {
        self.root.join("replays")
    }

    pub(crate) fn replay_path(&self, job: &JobId) -> PathBuf {
        self.replays_path().join(format!("{job}.json"))
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

    pub(crate) fn node_key_path(&self) -> PathBuf {
        self.root.join("keys").join(format!("{NODE_KEY}.pem"))
    }

    /// A key of the node that has not taken over yet.
    pub(crate) fn next_path(&self) -> PathBuf {
        self.root.join("keys").join("node.next")
    }

    /// The key of the ledger's heads, once the node's own is another. No name of a key ends so.
    pub(crate) fn log_key_path(&self) -> PathBuf {
        self.root.join("keys").join("log.first")
    }

    /// What was said of the node's keys.
    pub(crate) fn history_path(&self) -> PathBuf {
        self.root.join("keys").join("history")
    }

    fn audit_path(&self) -> PathBuf {
        self.common.join("keys").join("audit.bin")
    }

    pub(crate) fn ledger_path(&self) -> PathBuf {
        self.common.join("ledger.log")
    }

    fn pools_path(&self) -> PathBuf {
        self.root.join("pools")
    }

    /// The last head that this witness countersigned.
    pub(crate) fn checkpoint_path(&self, witness: &Verifier) -> PathBuf {
        let id = Digest::of(witness.to_string().as_bytes()).hex();
        self.heads_path().join(format!("{id}.checkpoint"))
    }

    pub(crate) fn heads_path(&self) -> PathBuf {
        self.root.join("heads")
    }

    /// The answer to a feasibility count.
    pub(crate) fn count_path(&self, key: &Digest) -> PathBuf {
        self.root.join("counts").join(format!("{}.json", key.hex()))
    }
}

fn open_lock(path: &Path) -> Result<std::fs::File, NodeError> {
    std::fs::OpenOptions::new().create(true).append(true).open(path).map_err(file("open", path))
}

fn lock_at(path: &Path) -> Result<std::fs::File, NodeError> {
    let lock = open_lock(path)?;
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive)
        .map_err(|e| file("lock", path)(e.into()))?;
    Ok(lock)
}

fn fixed_name(text: &str) -> Result<Name, NodeError> {
    text.parse().or_else(|e| ask(format!("{e}")))
}
