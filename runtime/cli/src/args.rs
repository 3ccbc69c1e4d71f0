//! The command line (DESIGN.md section 7, CONTRACT.md section 5).

use clap::{Args, Parser, Subcommand, ValueEnum, value_parser};
use std::path::PathBuf;
use trocar_terms::{Decimal, Digest, JobId, Modality, Name};

/// Runs strangers' algorithms on patients' images; lets approved aggregates out.
#[derive(Debug, Parser)]
#[command(
    name = "trocar",
    version,
    before_help = "Example: trocar submit pet-suv.trocar --dataset sarcoma --where 'age_years >= 40'",
    after_help = "Exit codes: 0 done, 1 failed, 2 usage, 3 refused by policy, 4 withheld by the filter, 5 verification failed."
)]
pub(crate) struct Cli {
    /// The folder that holds keys, and for a node its datasets, ledger and bundles [env: TROCAR_HOME].
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) home: Option<PathBuf>,
    /// Print the result as JSON on stdout.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Make, list and export signing keys.
    #[command(subcommand, before_help = "Example: trocar key new author")]
    Key(Key),
    /// Check a manifest, and its component if given, as a node would.
    #[command(before_help = "Example: trocar check --manifest manifest.toml --component algorithm.wasm")]
    Check(Check),
    /// Rehearse an algorithm on synthetic or your own data, with a node's host, limits and filter.
    #[command(before_help = "Example: trocar test pet-suv.trocar --patients 100 --exact --per-patient")]
    Test(Test),
    /// Foretell the noise of each output and what a job costs, before anything is spent.
    #[command(before_help = "Example: trocar plan --manifest manifest.toml --patients 200")]
    Plan(crate::plan::Args),
    /// Make a signed package of a manifest and a component.
    #[command(
        before_help = "Example: trocar pack --manifest manifest.toml --component algorithm.wasm --as author -o F.trocar"
    )]
    Pack(Pack),
    /// Put a package into an OCI registry.
    #[command(before_help = "Example: trocar push pet-suv.trocar localhost:5000/imaging/pet-suv:1.0.0")]
    Push(crate::registry::Push),
    /// Fetch a package from an OCI registry, and verify it.
    #[command(before_help = "Example: trocar pull localhost:5000/imaging/pet-suv:1.0.0 -o pet-suv.trocar")]
    Pull(crate::registry::Pull),
    /// What a node's operator does.
    #[command(
        subcommand,
        before_help = "Example: trocar node init && trocar node dataset add liver /data/liver"
    )]
    Node(Node),
    /// Ask for a package to be run on a dataset, and wait for the answer.
    #[command(before_help = "Example: trocar submit pet-suv.trocar --dataset sarcoma --param threshold=2.5")]
    Submit(Submit),
    /// Say where a job stands.
    #[command(before_help = "Example: trocar status 4f0c... --watch")]
    Status(Status),
    /// Count the patients of a condition, with noise, out of a small budget of its own.
    #[command(
        before_help = "Example: trocar count --dataset sarcoma --where 'sex = \"F\" and age_years >= 40'"
    )]
    Count(Count),
    /// Countersign the heads of nodes' ledgers, outside their homes.
    #[command(
        before_help = "Example: trocar witness --state /srv/witness --listen 0.0.0.0:7380 --log trocar/5f..."
    )]
    Witness(Witness),
    /// Fetch results.
    #[command(subcommand, before_help = "Example: trocar results get 4f0c... -o bundle.zip")]
    Results(Results),
    /// Check every digest and signature of a bundle, offline.
    #[command(before_help = "Example: trocar verify bundle.zip --key node.pub --require-trust")]
    Verify(Verify),
    /// Sum the job of a bundle again, on the node that ran it; nothing is released or charged.
    #[command(before_help = "Example: trocar replay bundle.zip")]
    Replay {
        /// The bundle.
        bundle: PathBuf,
    },
    /// Synthetic cohorts.
    #[command(subcommand, before_help = "Example: trocar testkit cohort -o cohort --patients 200 --seed 1")]
    Testkit(Testkit),
    /// The process that decodes and maps one patient; started by the node, never by hand.
    #[command(before_help = "Example: none: the node starts it with a socket as standard input")]
    Worker,
    /// Write a shell's completion script to stdout.
    #[command(before_help = "Example: trocar completion bash > trocar.bash")]
    Completion {
        /// Which shell.
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Key {
    /// Make a key.
    #[command(before_help = "Example: trocar key new author")]
    New {
        /// Its name.
        name: Name,
    },
    /// List all keys, public halves only.
    #[command(before_help = "Example: trocar key list --json")]
    List,
    /// Write the public half as PEM.
    #[command(before_help = "Example: trocar key export node -o node.pub")]
    Export {
        /// Its name.
        name: Name,
        /// Where to; stdout by default.
        #[arg(short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
}

/// Manifest and component of one algorithm, or a package of both.
#[derive(Debug, Args)]
pub(crate) struct Algorithm {
    /// The manifest.
    #[arg(long, value_name = "FILE", default_value = "manifest.toml")]
    pub(crate) manifest: PathBuf,
    /// The component, or the core module to make one of.
    #[arg(long, value_name = "FILE")]
    pub(crate) component: Option<PathBuf>,
    /// A model that the manifest names, and its file; its digest is written into the manifest.
    #[arg(long = "model", value_name = "NAME=FILE", value_parser = pair)]
    pub(crate) models: Vec<(String, String)>,
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    #[command(flatten)]
    pub(crate) algorithm: Algorithm,
    /// Check against this policy too.
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Test {
    /// A package; else the manifest and component named below.
    pub(crate) package: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) algorithm: Algorithm,
    /// Your own folder of DICOM files in place of a synthetic cohort.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// The clinical table that goes with --data.
    #[arg(long, value_name = "CSV", requires = "data")]
    pub(crate) clinical: Option<PathBuf>,
    /// The policy to rehearse under; a permissive one by default.
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// Patients of the synthetic cohort.
    #[arg(long, default_value_t = 60, conflicts_with = "data", value_parser = value_parser!(u32).range(1..))]
    pub(crate) patients: u32,
    /// Seed of the synthetic cohort.
    #[arg(long, default_value_t = 1, conflicts_with = "data")]
    pub(crate) seed: u64,
    /// Switch the noise off.
    #[arg(long)]
    pub(crate) exact: bool,
    /// Show each patient's contribution, and why a map failed.
    #[arg(long)]
    pub(crate) per_patient: bool,
    /// A parameter.
    #[arg(long = "param", value_name = "K=V", value_parser = pair)]
    pub(crate) params: Vec<(String, String)>,
    /// What narrows the cohort.
    #[arg(long = "where", value_name = "EXPR")]
    pub(crate) where_: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Pack {
    #[command(flatten)]
    pub(crate) algorithm: Algorithm,
    /// Whose key signs.
    #[arg(long = "as", value_name = "NAME", default_value = "author")]
    pub(crate) as_: Name,
    /// The package to write.
    #[arg(short, value_name = "FILE")]
    pub(crate) output: PathBuf,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Node {
    /// Make a node's home with its keys and an empty ledger.
    #[command(before_help = "Example: trocar --home /srv/trocar node init --name lisbon")]
    Init {
        /// What the node calls itself in bundles.
        #[arg(long, default_value = "node")]
        name: Name,
        /// A folder that several homes share: one ledger, one key of pseudonyms, one budget for each patient in all of them.
        #[arg(long, value_name = "DIR")]
        pools: Option<PathBuf>,
    },
    /// Datasets.
    #[command(
        subcommand,
        before_help = "Example: trocar node dataset add liver /data/liver --clinical liver.csv"
    )]
    Dataset(Dataset),
    /// Read the headers of a dataset's files into the index.
    #[command(before_help = "Example: trocar node scan liver --report html")]
    Scan {
        /// Which; all by default.
        name: Option<Name>,
        /// Also write what is in the dataset, what is missing and what was refused. It shows patients' data.
        #[arg(long, value_enum, value_name = "FORMAT")]
        report: Option<Report>,
        /// Where to, instead of the folder reports/ of the home.
        #[arg(short, value_name = "FILE", requires = "report", requires = "name")]
        output: Option<PathBuf>,
    },
    /// Fetch a dataset's objects from a PACS (DICOMweb) or an object store.
    #[command(
        before_help = "Example: trocar node pull liver --dicomweb https://pacs/dicom-web --where ModalitiesInStudy=CT"
    )]
    Pull(crate::intake::Pull),
    /// Receive a dataset's objects by C-STORE.
    #[command(
        before_help = "Example: trocar node receive liver --listen 127.0.0.1:11112 --ae TROCAR --allow SCANNER@10.0.0.5"
    )]
    Receive(crate::intake::Receive),
    /// List packages that wait for an answer.
    #[command(before_help = "Example: trocar node pending")]
    Pending,
    /// Say in plain words what a package asks for.
    #[command(before_help = "Example: trocar node show sha256:3f...")]
    Show {
        /// The manifest's digest.
        digest: Digest,
    },
    /// Approve a package for a dataset.
    #[command(before_help = "Example: trocar node approve sha256:3f... --dataset liver --runs 3")]
    Approve(Approve),
    /// Reject a package for a dataset.
    #[command(before_help = "Example: trocar node reject sha256:3f... --dataset liver")]
    Reject(Answer),
    /// Take an approval back.
    #[command(before_help = "Example: trocar node revoke sha256:3f... --dataset liver")]
    Revoke(Answer),
    /// Sign that the code of a package was read and may answer exactly.
    #[command(before_help = "Example: trocar node review sha256:3f... --as anna")]
    Review(Review),
    /// Look at exact results that wait, and release or withhold them.
    #[command(subcommand, before_help = "Example: trocar node airlock show 4f0c...")]
    Airlock(Airlock),
    /// Change the key that signs bundles, take an earlier one back, or publish them.
    #[command(
        subcommand,
        before_help = "Example: trocar node key rotate && trocar node key export /srv/www/keys"
    )]
    Key(NodeKey),
    /// Show what each dataset has left of its privacy budget.
    #[command(before_help = "Example: trocar node budget")]
    Budget,
    /// Show the ledger, check all that it promises, or write what of it may be public.
    #[command(before_help = "Example: trocar node audit --verify")]
    Audit(Audit),
    /// Say what of this node is not as it should be.
    #[command(before_help = "Example: trocar node doctor")]
    Doctor,
    /// End an accepted job and its workers at once. Nothing of it leaves; what it reserved stays spent.
    #[command(before_help = "Example: trocar node cancel 4f0c...")]
    Cancel {
        /// The job.
        job: JobId,
    },
    /// Finish accepted jobs that a stopped process left behind.
    #[command(before_help = "Example: trocar node resume")]
    Resume,
}

#[derive(Debug, Subcommand)]
pub(crate) enum NodeKey {
    /// List every key that signed or signs this node's bundles.
    #[command(before_help = "Example: trocar node key list")]
    List,
    /// Make a new key; the old one signs that it takes over, and is gone.
    #[command(before_help = "Example: trocar node key rotate")]
    Rotate,
    /// Say of an earlier key that what it signed from a time on is not to be believed.
    #[command(before_help = "Example: trocar node key revoke 3f0c... --since 2026-11-01T00:00:00Z")]
    Revoke {
        /// Its id, as `list` shows it.
        keyid: String,
        /// Since when, where it was stolen earlier; now by default.
        #[arg(long, value_name = "TIME")]
        since: Option<trocar_terms::Timestamp>,
    },
    /// Write what everyone may know of them: the keys by their ids, who took over from whom, the key of the log.
    #[command(before_help = "Example: trocar node key export /srv/www/keys")]
    Export {
        /// Where to.
        folder: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Dataset {
    /// Add a folder of DICOM files as a dataset.
    #[command(
        before_help = "Example: trocar node dataset add liver /data/liver --clinical liver.csv --policy liver.toml"
    )]
    Add {
        /// Its name on this node.
        name: Name,
        /// The folder.
        path: PathBuf,
        /// A clinical table, CSV or Parquet, with a column patient_id or the key that the policy names.
        #[arg(long, value_name = "FILE")]
        clinical: Option<PathBuf>,
        /// Its policy; a complete strict one is written where none is given.
        #[arg(long, value_name = "FILE")]
        policy: Option<PathBuf>,
    },
    /// List datasets.
    #[command(before_help = "Example: trocar node dataset list")]
    List,
}

#[derive(Debug, Args)]
pub(crate) struct Approve {
    /// The manifest's digest.
    pub(crate) digest: Digest,
    /// The dataset.
    #[arg(long, value_name = "NAME")]
    pub(crate) dataset: Name,
    /// Whose key signs.
    #[arg(long = "as", value_name = "NAME", default_value = "operator")]
    pub(crate) as_: Name,
    /// How many times it may run.
    #[arg(long, default_value_t = 5, value_parser = value_parser!(u32).range(1..))]
    pub(crate) runs: u32,
    /// For how many days.
    #[arg(long, default_value_t = 90, value_parser = value_parser!(u32).range(1..=3650))]
    pub(crate) days: u32,
    /// The largest rho of one run; the policy's rho_job by default.
    #[arg(long, value_name = "RHO")]
    pub(crate) rho_max: Option<Decimal>,
    /// For one project only.
    #[arg(long, value_name = "NAME")]
    pub(crate) project: Option<Name>,
    /// The permit to use the data, by its number or address; every bundle then names it.
    #[arg(long, value_name = "TEXT")]
    pub(crate) permit: Option<String>,
    /// The body that gave the permit.
    #[arg(long, value_name = "TEXT", requires = "permit")]
    pub(crate) issued_by: Option<String>,
    /// Who asks.
    #[arg(long, value_name = "TEXT")]
    pub(crate) person: Option<String>,
    /// For which organisation that person asks.
    #[arg(long, value_name = "TEXT")]
    pub(crate) organisation: Option<String>,
    /// Words that every bundle then carries.
    #[arg(long = "condition", value_name = "TEXT")]
    pub(crate) conditions: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Review {
    /// The manifest's digest.
    pub(crate) digest: Digest,
    /// Whose key signs: one of `reviewers` in a dataset's policy.
    #[arg(long = "as", value_name = "NAME")]
    pub(crate) as_: Name,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Airlock {
    /// List every result that was held, and what became of it.
    #[command(before_help = "Example: trocar node airlock list")]
    List,
    /// Show the evidence behind each number of a held result. It shows patients' data.
    #[command(before_help = "Example: trocar node airlock show 4f0c...")]
    Show {
        /// The job.
        job: JobId,
        /// Whose key looks: one of `operators` in the dataset's policy.
        #[arg(long = "as", value_name = "NAME", default_value = "operator")]
        as_: Name,
    },
    /// Let a held result out.
    #[command(
        before_help = "Example: trocar node airlock release 4f0c... --as maria --why 'plain counts by age'"
    )]
    Release(Decide),
    /// Keep a held result.
    #[command(
        before_help = "Example: trocar node airlock withhold 4f0c... --as maria --why 'one patient stands out'"
    )]
    Withhold(Decide),
}

#[derive(Debug, Args)]
pub(crate) struct Decide {
    /// The job.
    pub(crate) job: JobId,
    /// Whose key signs: an operator's, and not the author's.
    #[arg(long = "as", value_name = "NAME")]
    pub(crate) as_: Name,
    /// Why. It stays on the node.
    #[arg(long, value_name = "TEXT")]
    pub(crate) why: String,
}

#[derive(Debug, Args)]
pub(crate) struct Answer {
    /// The manifest's digest.
    pub(crate) digest: Digest,
    /// The dataset.
    #[arg(long, value_name = "NAME")]
    pub(crate) dataset: Name,
}

#[derive(Debug, Args)]
pub(crate) struct Submit {
    /// The package.
    pub(crate) package: PathBuf,
    /// The dataset.
    #[arg(long, value_name = "NAME")]
    pub(crate) dataset: Name,
    /// What narrows the cohort; only over names that the manifest lists as filterable.
    #[arg(long = "where", value_name = "EXPR")]
    pub(crate) where_: Option<String>,
    /// A parameter.
    #[arg(long = "param", value_name = "K=V", value_parser = pair)]
    pub(crate) params: Vec<(String, String)>,
    /// The project whose approval is asked for, and whose share of the year pays.
    #[arg(long, value_name = "NAME", default_value = "any")]
    pub(crate) project: Name,
    /// Return as soon as the job is accepted.
    #[arg(long)]
    pub(crate) detach: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Count {
    /// The dataset.
    #[arg(long, value_name = "NAME")]
    pub(crate) dataset: Name,
    /// Which patients; all by default. Over modality and what the policy grants.
    #[arg(long = "where", value_name = "EXPR")]
    pub(crate) where_: Option<String>,
    /// Instead: everyone, and each word of each closed list of the policy, as a catalogue shows them. Each is paid for once.
    #[arg(long, conflicts_with = "where_")]
    pub(crate) margins: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Witness {
    /// The folder that holds the witness's key and the last checkpoint of each log; on another disk than any home.
    #[arg(long, value_name = "DIR")]
    pub(crate) state: PathBuf,
    /// The name of its key, which is made where there is none.
    #[arg(long, value_name = "NAME", default_value = "witness")]
    pub(crate) key: Name,
    /// Answer here; without it the folder is only made a witness.
    #[arg(long, value_name = "ADDRESS", requires = "logs")]
    pub(crate) listen: Option<std::net::SocketAddr>,
    /// A log to countersign, by the key that `trocar node audit --key` prints.
    #[arg(long = "log", value_name = "KEY")]
    pub(crate) logs: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Audit {
    /// Check chain, budgets, approvals and heads; exit 5 where one does not hold.
    #[arg(long)]
    pub(crate) verify: bool,
    /// Write head, tiles and entries of what may be public to this folder.
    #[arg(long, value_name = "DIR", conflicts_with = "verify")]
    pub(crate) export: Option<PathBuf>,
    /// Print the key that verifies the ledger's heads.
    #[arg(long, conflicts_with_all = ["verify", "export"])]
    pub(crate) key: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Status {
    /// The job.
    pub(crate) job: JobId,
    /// Wait until it is over.
    #[arg(long)]
    pub(crate) watch: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Results {
    /// Write a job's bundle to a file.
    #[command(before_help = "Example: trocar results get 4f0c... -o bundle.zip")]
    Get {
        /// The job.
        job: JobId,
        /// Where to.
        #[arg(short, value_name = "FILE")]
        output: PathBuf,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// The bundle.
    pub(crate) bundle: PathBuf,
    /// A node's public key (PEM) that you trust.
    #[arg(long = "key", value_name = "FILE")]
    pub(crate) keys: Vec<PathBuf>,
    /// What a node has published of its keys (`trocar node key export DIR`): who took over from whom, and what was taken back.
    /// Without --key, its node.pub is trusted.
    #[arg(long = "keys", value_name = "DIR")]
    pub(crate) published: Option<PathBuf>,
    /// Trust a node's key when its first bundle is verified, remember it, and refuse another key from then on. Remembered in
    /// trocar/known-nodes of the user's configuration unless FILE is given.
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, conflicts_with = "keys")]
    pub(crate) trust_on_first_use: Option<Option<PathBuf>>,
    /// Fail unless one of the keys signed it.
    #[arg(long)]
    pub(crate) require_trust: bool,
    /// Write the payload below this folder once everything holds.
    #[arg(long, value_name = "DIR")]
    pub(crate) unpack: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Testkit {
    /// Write a synthetic cohort: DICOM series with lesions of known volume, and a clinical table.
    #[command(before_help = "Example: trocar testkit cohort -o cohort --patients 200 --seed 1 --modality CT")]
    Cohort {
        /// An empty or new folder.
        #[arg(short, value_name = "DIR")]
        output: PathBuf,
        /// How many patients.
        #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..))]
        patients: u32,
        /// The same seed writes the same bytes.
        #[arg(long, value_name = "S")]
        seed: u64,
        /// What images: one series of each a patient, in one frame of reference.
        #[arg(long, value_enum, value_delimiter = ',', default_values_t = [CohortModality::CT])]
        modality: Vec<CohortModality>,
        /// Masks of the lesions beside each series.
        #[arg(long, value_enum, value_delimiter = ',')]
        masks: Vec<CohortMask>,
        /// How large the volumes are.
        #[arg(long, value_enum, default_value_t = CohortSize::Normal)]
        size: CohortSize,
        /// Transfer syntaxes, a patient each in turn.
        #[arg(long, value_enum, value_delimiter = ',', default_values_t = [CohortSyntax::ExplicitLittle])]
        syntax: Vec<CohortSyntax>,
        /// Files as scanners of several makers write them, enhanced multi-frame for every fifth patient.
        #[arg(long)]
        varied: bool,
        /// Clinical tables with dates and missing codes, also under the names of a common data model.
        #[arg(long)]
        tables: bool,
        /// Plant a fault in one of N patients; faults.csv says what becomes of each file.
        #[arg(long, value_name = "N", num_args = 0..=1, require_equals = true, default_missing_value = "4",
              value_parser = value_parser!(u32).range(1..))]
        faults: Option<u32>,
    },
}

/// The masks that the testkit can write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CohortMask {
    /// DICOM-SEG, fractional for every fourth patient.
    Seg,
    /// Contours.
    Rtstruct,
}

/// The sizes of volumes that the testkit can write.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum CohortSize {
    /// 64 x 64 x 16 voxels.
    Normal,
    /// 8 x 8 x 4 voxels.
    Tiny,
    /// Ten slices of 4 x 4 voxels behind long headers.
    Headers,
}

/// The transfer syntaxes that the testkit can write.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum CohortSyntax {
    /// Implicit VR little endian.
    ImplicitLittle,
    /// Explicit VR little endian.
    ExplicitLittle,
    /// Explicit VR big endian.
    ExplicitBig,
    /// Deflated explicit VR little endian.
    Deflated,
    /// RLE lossless.
    Rle,
    /// JPEG lossless, selection value 1.
    JpegLossless,
}

impl From<CohortSize> for trocar_testkit::Size {
    fn from(size: CohortSize) -> Self {
        match size {
            CohortSize::Normal => Self::Normal,
            CohortSize::Tiny => Self::Tiny,
            CohortSize::Headers => Self::Headers,
        }
    }
}

impl From<CohortSyntax> for trocar_testkit::Syntax {
    fn from(syntax: CohortSyntax) -> Self {
        match syntax {
            CohortSyntax::ImplicitLittle => Self::ImplicitLittle,
            CohortSyntax::ExplicitLittle => Self::ExplicitLittle,
            CohortSyntax::ExplicitBig => Self::ExplicitBig,
            CohortSyntax::Deflated => Self::Deflated,
            CohortSyntax::Rle => Self::Rle,
            CohortSyntax::JpegLossless => Self::JpegLossless,
        }
    }
}

/// How a report of a dataset is written.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Report {
    /// One page with pictures, without scripts or anything from elsewhere.
    Html,
    /// The same figures, without pictures.
    Json,
}

/// The modalities that the testkit can write.
#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "UPPER")]
#[allow(clippy::upper_case_acronyms, reason = "DICOM's own code strings")]
pub(crate) enum CohortModality {
    /// Computed tomography.
    CT,
    /// Magnetic resonance.
    MR,
    /// Positron emission tomography.
    PT,
}

impl From<CohortModality> for Modality {
    fn from(m: CohortModality) -> Self {
        match m {
            CohortModality::CT => Self::CT,
            CohortModality::MR => Self::MR,
            CohortModality::PT => Self::PT,
        }
    }
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write it as NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}
