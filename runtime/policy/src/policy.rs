use crate::check;
use serde::Serialize;
use trocar_manifest::keys::PublicKey;
use trocar_manifest::text::TextError;
use trocar_terms::{
    AttributeRule, Class, ColumnRule, Decimal, Deidentification, Digest, Modality, RhoUnits, TableRules,
};

/// Where a policy is wrong, and what to write instead.
pub type PolicyError = TextError;

/// The rules of one dataset. Only [`Policy::parse`] makes one: every key is written, and none is looser than
/// PRIVACY.md section 4 allows.
///
/// Absent on purpose, since this version can do one thing only and the file must say so: burned_in, mandatory_tags.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Policy {
    pub(crate) schema: u32,
    pub(crate) size_bound: u32,
    pub(crate) k: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) k_reason: Option<String>,
    pub(crate) rho_year: Decimal,
    pub(crate) rho_lifetime: Decimal,
    pub(crate) rho_job: Decimal,
    pub(crate) project_share: Decimal,
    pub(crate) counts_rho_year: Decimal,
    pub(crate) counts_rho_each: Decimal,
    pub(crate) gate_delta_year: Decimal,
    pub(crate) slot_minutes: u32,
    pub(crate) approvers: u32,
    pub(crate) deidentification: Deidentification,
    pub(crate) classes: Vec<Class>,
    pub(crate) authors: Authors,
    pub(crate) operators: Vec<PublicKey>,
    /// Not written where there are none: policies that never named any keep their digest.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) reviewers: Vec<PublicKey>,
    pub(crate) purposes: Vec<String>,
    /// Not written where it is the stricter one: policies that never had another keep their digest.
    #[serde(skip_serializing_if = "Isolation::is_strict")]
    pub(crate) isolation: Isolation,
    /// Not written where none is asked for: policies that never asked keep their digest.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) containment: Vec<Layer>,
    /// Not written where there is none: policies that never had one keep their digest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) witness: Option<Witness>,
    #[serde(skip_serializing_if = "Clinical::is_default")]
    pub(crate) clinical: Clinical,
    /// Not written where it is the embedded one: policies that never named any keep their digest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) inference: Option<InstalledRuntime>,
    pub(crate) grantable: Grantable,
    /// The text that was parsed: what a node keeps.
    #[serde(skip)]
    pub(crate) text: String,
    /// The RFC 8785 bytes of all the above; written once, at the end of the parse.
    #[serde(skip)]
    pub(crate) canonical: Vec<u8>,
}

/// A library of onnxruntime that the operator has installed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InstalledRuntime {
    /// Its absolute path.
    pub library: String,
    /// What the file must be.
    pub digest: Digest,
}

/// How far patients are kept from each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Isolation {
    /// A process for each.
    ProcessPerPatient,
    /// One process for many, where code is reviewed and sees no image. Else a process for each.
    SharedWorker,
}

impl Isolation {
    const fn is_strict(&self) -> bool {
        matches!(self, Self::ProcessPerPatient)
    }
}

/// A layer of containment that a kernel may lack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Layer {
    /// A filter of system calls.
    Seccomp,
    /// No file, port or foreign process by name.
    Landlock,
}

/// Where the head of the ledger is countersigned before any patient is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Witness {
    /// A folder on another disk, by its absolute path.
    Folder(String),
    /// A process elsewhere.
    Remote {
        /// Its URL, `http` or `https`.
        url: String,
        /// The key that it signs with, as C2SP signed-note writes verifier keys.
        key: String,
    },
}

macro_rules! figures {
    ($($(#[doc = $doc:literal])+ $name:ident: $type:ty;)+) => {
        /// The figures.
        impl Policy {
            $($(#[doc = $doc])+
            #[must_use]
            pub const fn $name(&self) -> $type {
                self.$name
            })+
        }
    };
}

figures! {
    /// Version of this schema: 1.
    schema: u32;
    /// N_pub: the declared upper bound of the number of patients, never counted.
    size_bound: u32;
    /// Fewest patients in a cohort or cell.
    k: u32;
    /// rho of any 365 days.
    rho_year: Decimal;
    /// rho for ever.
    rho_lifetime: Decimal;
    /// rho of one job.
    rho_job: Decimal;
    /// One project's share of the year.
    project_share: Decimal;
    /// rho of any 365 days for feasibility counts.
    counts_rho_year: Decimal;
    /// rho of one feasibility count.
    counts_rho_each: Decimal;
    /// delta of any 365 days for cohort gates.
    gate_delta_year: Decimal;
    /// Results leave at multiples of this; 0 in the demo.
    slot_minutes: u32;
    /// How many operators must sign an approval.
    approvers: u32;
    /// Which files are taken.
    deidentification: Deidentification;
    /// How far patients are kept from each other.
    isolation: Isolation;
}

/// Whose packages may run, once approved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Authors {
    /// Anyone's.
    Any,
    /// These keys'.
    Keys(Vec<PublicKey>),
}

impl Authors {
    /// Whether `author` is one of them.
    #[must_use]
    pub fn include(&self, author: &PublicKey) -> bool {
        match self {
            Self::Any => true,
            Self::Keys(keys) => keys.contains(author),
        }
    }
}

/// How the clinical table is keyed and dated. The default is not written: policies that never said it keep their digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Clinical {
    pub(crate) key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) index_date: Option<String>,
}

impl Default for Clinical {
    fn default() -> Self {
        Self { key: TableRules::KEY.to_owned(), index_date: None }
    }
}

impl Clinical {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// What a manifest may ask for; everything else is refused.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Grantable {
    pub(crate) modalities: Vec<Modality>,
    pub(crate) pixels: bool,
    pub(crate) masks: bool,
    pub(crate) models: bool,
    pub(crate) attributes: Vec<AttributeRule>,
    pub(crate) columns: Vec<ColumnRule>,
}

impl Policy {
    /// Parses and checks `text`; `file_name` is for the error alone.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place and what to write instead.
    pub fn parse(file_name: &str, text: &str) -> Result<Self, PolicyError> {
        check::policy(file_name, text)
    }

    /// The text that was parsed.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The assurance classes that may run.
    #[must_use]
    pub fn classes(&self) -> &[Class] {
        &self.classes
    }

    /// Whose packages may run, once approved.
    #[must_use]
    pub const fn authors(&self) -> &Authors {
        &self.authors
    }

    /// Who may approve. Empty: nobody.
    #[must_use]
    pub fn operators(&self) -> &[PublicKey] {
        &self.operators
    }

    /// What computes models; `None` for the embedded runtime.
    #[must_use]
    pub const fn inference(&self) -> Option<&InstalledRuntime> {
        self.inference.as_ref()
    }

    /// Where the ledger's head is countersigned; `None` where a rollback is not detected.
    #[must_use]
    pub const fn witness(&self) -> Option<&Witness> {
        self.witness.as_ref()
    }

    /// Layers without which no worker runs.
    #[must_use]
    pub fn containment(&self) -> &[Layer] {
        &self.containment
    }

    /// Whose signatures make code reviewed. Fewer than two: none is.
    #[must_use]
    pub fn reviewers(&self) -> &[PublicKey] {
        &self.reviewers
    }

    /// Why k is below the floor of 8, where it is.
    #[must_use]
    pub fn k_reason(&self) -> Option<&str> {
        self.k_reason.as_deref()
    }

    /// GA4GH DUO codes that a manifest may name.
    #[must_use]
    pub fn purposes(&self) -> &[String] {
        &self.purposes
    }

    /// Modalities whose series may be granted.
    #[must_use]
    pub fn modalities(&self) -> &[Modality] {
        &self.grantable.modalities
    }

    /// Attributes that may be granted, with their closed lists.
    #[must_use]
    pub fn attributes(&self) -> &[AttributeRule] {
        &self.grantable.attributes
    }

    /// Clinical columns that may be granted, with their types and ranges.
    #[must_use]
    pub fn columns(&self) -> &[ColumnRule] {
        &self.grantable.columns
    }

    /// How the clinical table is read.
    #[must_use]
    pub fn table(&self) -> TableRules {
        let Clinical { key, index_date } = self.clinical.clone();
        TableRules { key, index_date, columns: self.grantable.columns.clone() }
    }

    /// One project's rho of any 365 days: its share of the year, rounded down.
    #[must_use]
    pub fn project_rho_year(&self) -> RhoUnits {
        let year = u128::from(RhoUnits::floor(&self.rho_year).0);
        // The year is at most 2^39 units and the share at most 10^18 attos: the product is far below 2^128.
        let units = year.saturating_mul(self.project_share.attos()) / 1_000_000_000_000_000_000;
        RhoUnits(u64::try_from(units).unwrap_or(0))
    }

    /// RFC 8785 JSON of everything that the policy says.
    #[must_use]
    pub fn canonical(&self) -> &[u8] {
        &self.canonical
    }

    /// The digest of the canonical form: approvals and results bind it.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(&self.canonical)
    }
}
