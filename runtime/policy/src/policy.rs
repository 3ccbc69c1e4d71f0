use crate::check;
use serde::Serialize;
use trocar_manifest::keys::PublicKey;
use trocar_manifest::text::TextError;
use trocar_terms::{AttributeRule, Class, ColumnRule, Decimal, Deidentification, Digest, Modality};

/// Where a policy is wrong, and what to write instead.
pub type PolicyError = TextError;

/// The rules of one dataset. Only [`Policy::parse`] makes one: every key is written, and none is looser than
/// PRIVACY.md section 4 allows.
///
/// Absent on purpose, since this version can do one thing only and the file must say so: approvers, reviewers,
/// isolation, containment, witness, burned_in, mandatory_tags.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Policy {
    /// Version of this schema: 1.
    pub schema: u32,
    /// N_pub: the declared upper bound of the number of patients, never counted.
    pub size_bound: u32,
    /// The assurance classes that may run.
    pub classes: Vec<Class>,
    /// Fewest patients in a cohort or cell.
    pub k: u32,
    /// rho of any 365 days.
    pub rho_year: Decimal,
    /// rho for ever.
    pub rho_lifetime: Decimal,
    /// rho of one job.
    pub rho_job: Decimal,
    /// One project's share of the year.
    pub project_share: Decimal,
    /// rho of any 365 days for feasibility counts.
    pub counts_rho_year: Decimal,
    /// rho of one feasibility count.
    pub counts_rho_each: Decimal,
    /// delta of any 365 days for cohort gates.
    pub gate_delta_year: Decimal,
    /// Results leave at multiples of this; 0 in the demo.
    pub slot_minutes: u32,
    /// Whose packages may run.
    pub authors: Authors,
    /// Who may approve.
    pub operators: Vec<PublicKey>,
    /// GA4GH DUO codes that a manifest may name.
    pub purposes: Vec<String>,
    /// Which files are taken.
    pub deidentification: Deidentification,
    /// What a manifest may ask for.
    pub grantable: Grantable,
    /// The RFC 8785 bytes of all the above; written once, at the end of the parse.
    #[serde(skip)]
    pub(crate) canonical: Vec<u8>,
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

/// What a manifest may ask for; everything else is refused.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Grantable {
    /// Series of these modalities.
    pub modalities: Vec<Modality>,
    /// Voxels.
    pub pixels: bool,
    /// Segmentations.
    pub masks: bool,
    /// Models; false in this version.
    pub models: bool,
    /// Attributes with their closed lists.
    pub attributes: Vec<AttributeRule>,
    /// Clinical columns with their types and ranges.
    pub columns: Vec<ColumnRule>,
}

impl Policy {
    /// Parses and checks `text`; `file_name` is for the error alone.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place and what to write instead.
    pub fn parse(file_name: &str, text: &str) -> Result<Self, PolicyError> {
        check::policy(file_name, text)
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
