//! The TOML of a policy as it is written. Every key that protects is required: an unset threshold starts no job. How
//! a hospital's own table is read may be left out.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use std::collections::BTreeMap;
use toml::Spanned;
use trocar_manifest::keys::PublicKey;
use trocar_manifest::reading::Scalar;
use trocar_terms::{Class, Decimal, Digest, Modality, Name, PrivateGroups};

/// The policy of a Trocar dataset, schema 1.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Trocar policy")]
pub(crate) struct RawPolicy {
    /// 1
    #[schemars(with = "u32", range(min = 1, max = 1))]
    pub(crate) schema: Spanned<u32>,
    /// The declared upper bound of the number of patients, not counted from the data.
    #[schemars(with = "u32", range(min = 1, max = 10_000_000))]
    pub(crate) size_bound: Spanned<u32>,
    /// The assurance classes that may run: any-code, reviewed-code.
    #[schemars(with = "Vec<String>")]
    pub(crate) classes: Spanned<Vec<Spanned<Class>>>,
    /// Fewest patients in a cohort or cell, 8 or more; 5 or more with a k_reason and two approvers.
    #[schemars(with = "u32", range(min = 5))]
    pub(crate) k: Spanned<u32>,
    /// Why k is below 8.
    #[schemars(with = "Option<String>")]
    pub(crate) k_reason: Option<Spanned<String>>,
    /// rho of any 365 days, at most 0.5.
    #[schemars(schema_with = "decimal_schema")]
    pub(crate) rho_year: Spanned<Decimal>,
    /// rho for ever, at most 3.0.
    #[schemars(schema_with = "decimal_schema")]
    pub(crate) rho_lifetime: Spanned<Decimal>,
    /// rho of one job, at most 0.1.
    #[schemars(schema_with = "decimal_schema")]
    pub(crate) rho_job: Spanned<Decimal>,
    /// One project's share of the year, at most 1; 0.2 by default.
    #[schemars(schema_with = "decimal_schema")]
    pub(crate) project_share: Spanned<Decimal>,
    /// rho of any 365 days for feasibility counts, at most 0.05.
    #[schemars(schema_with = "decimal_schema")]
    pub(crate) counts_rho_year: Spanned<Decimal>,
    /// rho of one feasibility count, at most 0.001.
    #[schemars(schema_with = "decimal_schema")]
    pub(crate) counts_rho_each: Spanned<Decimal>,
    /// delta of any 365 days for cohort gates, at most 5e-7.
    #[schemars(schema_with = "decimal_schema")]
    pub(crate) gate_delta_year: Spanned<Decimal>,
    /// Results leave at multiples of this: 15 or more, or 0 for a demo on data of no one.
    #[schemars(with = "u32", range(max = 1440))]
    pub(crate) slot_minutes: Spanned<u32>,
    /// How many operators must sign an approval, at most as many as are named.
    #[schemars(with = "u32", range(min = 1, max = 8))]
    pub(crate) approvers: Spanned<u32>,
    /// `["any"]`, or the keys of authors whose packages may run.
    #[schemars(with = "Vec<String>")]
    pub(crate) authors: Spanned<Vec<Spanned<String>>>,
    /// The keys that approve. Empty: nobody can.
    #[schemars(with = "Vec<String>")]
    pub(crate) operators: Spanned<Vec<Spanned<PublicKey>>>,
    /// The keys that review code: two or more where reviewed-code may run.
    #[schemars(with = "Vec<String>")]
    pub(crate) reviewers: Spanned<Vec<Spanned<PublicKey>>>,
    /// GA4GH DUO codes that a manifest may name.
    #[schemars(with = "Vec<String>", length(min = 1), inner(regex(pattern = r"^DUO:\d{7}$")))]
    pub(crate) purposes: Spanned<Vec<Spanned<String>>>,
    /// process-per-patient, or shared-worker: one worker for many patients where reviewed code sees no image.
    #[schemars(with = "String")]
    pub(crate) isolation: Spanned<String>,
    /// Layers of containment that must be there: seccomp, landlock. One that is left out is done without where the kernel lacks it.
    #[schemars(with = "Vec<String>", length(max = 2), inner(regex(pattern = r"^(seccomp|landlock)$")))]
    pub(crate) containment: Spanned<Vec<Spanned<String>>>,
    /// Where the ledger's head is countersigned: none, a path outside the home, or a URL with the witness's key after a #.
    #[schemars(with = "String")]
    pub(crate) witness: Spanned<String>,
    /// Which files are taken.
    pub(crate) deidentification: RawDeidentification,
    /// How the clinical table is keyed and dated; by `patient_id` and without dates where it is not there.
    pub(crate) clinical: Option<RawClinical>,
    /// What computes models; the embedded runtime where it is not there.
    pub(crate) inference: Option<RawInference>,
    /// What a manifest may ask for.
    pub(crate) grantable: RawGrantable,
}

/// What computes models.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawInference {
    /// tract, which is embedded, or onnxruntime.
    #[schemars(schema_with = "runtime_schema")]
    pub(crate) runtime: Spanned<String>,
    /// onnxruntime: the absolute path of its library.
    #[schemars(with = "Option<String>")]
    pub(crate) library: Option<Spanned<String>>,
    /// onnxruntime: the digest of that file.
    #[schemars(with = "Option<String>", regex(pattern = r"^sha256:[0-9a-f]{64}$"))]
    pub(crate) digest: Option<Spanned<Digest>>,
}

/// The de-identification gate. A node is not the anonymiser: it refuses what does not say that it is de-identified.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawDeidentification {
    /// Patient Identity Removed (0012,0062) must be YES.
    pub(crate) require: bool,
    /// refuse: Burned In Annotation YES is always quarantined.
    #[schemars(with = "String")]
    pub(crate) burned_in: Spanned<String>,
    /// ignore or refuse objects with private groups; guests never see them.
    #[schemars(schema_with = "private_groups_schema")]
    pub(crate) private_groups: PrivateGroups,
    /// report: missing mandatory tags are listed.
    #[schemars(with = "String")]
    pub(crate) mandatory_tags: Spanned<String>,
}

/// How rows of the clinical table belong to patients, and which day is a patient's day 0.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawClinical {
    /// The column that names the patient as Patient ID (0010,0020) does; patient_id by default.
    #[schemars(with = "Option<String>")]
    pub(crate) key: Option<Spanned<String>>,
    /// The column of the date that days are counted from; without it a date is missing.
    #[schemars(with = "Option<String>")]
    pub(crate) index_date: Option<Spanned<String>>,
}

/// What a manifest may ask for.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawGrantable {
    /// Series of these modalities.
    #[schemars(schema_with = "modalities_schema")]
    pub(crate) modalities: Vec<Spanned<Modality>>,
    /// Voxels.
    pub(crate) pixels: bool,
    /// Segmentations.
    pub(crate) masks: bool,
    /// Models of the package.
    pub(crate) models: bool,
    /// Attributes with their closed lists.
    pub(crate) attributes: Vec<RawAttribute>,
    /// Clinical columns with their types and ranges.
    pub(crate) columns: Vec<RawColumn>,
}

/// An attribute that guests may read: a value outside the list is missing.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawAttribute {
    /// DICOM keyword.
    #[schemars(with = "String")]
    pub(crate) keyword: Spanned<String>,
    /// The closed list.
    #[schemars(with = "Vec<String>")]
    pub(crate) categories: Spanned<Vec<Spanned<String>>>,
}

/// A clinical column that guests may read: a value outside its range or list is missing.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawColumn {
    /// The common name: what manifests, cohorts and guests say.
    #[schemars(with = "String")]
    pub(crate) name: Spanned<Name>,
    /// integer, real, category or days.
    #[serde(rename = "type")]
    #[schemars(with = "String")]
    pub(crate) kind: Spanned<String>,
    /// Smallest, of integer, real and days.
    #[schemars(with = "Option<f64>")]
    pub(crate) min: Option<Spanned<Scalar>>,
    /// Largest, of integer, real and days.
    #[schemars(with = "Option<f64>")]
    pub(crate) max: Option<Spanned<Scalar>>,
    /// The closed list, of category.
    #[schemars(with = "Option<Vec<String>>")]
    pub(crate) categories: Option<Spanned<Vec<Spanned<String>>>>,
    /// Name in the table's head, where it differs.
    #[schemars(with = "Option<String>")]
    pub(crate) source: Option<Spanned<String>>,
    /// Codes that stand for a missing value.
    #[schemars(with = "Option<Vec<String>>")]
    pub(crate) missing: Option<Spanned<Vec<Spanned<String>>>>,
    /// The table's word of a category, where it differs, of category.
    #[schemars(with = "Option<BTreeMap<String, String>>")]
    pub(crate) map: Option<Spanned<BTreeMap<String, Spanned<String>>>>,
}

/// The JSON schema of a policy, for editors; `Policy::parse` checks more.
#[must_use]
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(RawPolicy).to_value()
}

fn decimal_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "pattern": "^[0-9]+(\\.[0-9]+)?([eE]-?[0-9]+)?$"})
}

fn modalities_schema(_: &mut SchemaGenerator) -> Schema {
    let codes = [Modality::CT, Modality::MR, Modality::PT].map(Modality::code);
    json_schema!({"type": "array", "items": {"enum": codes}})
}

fn private_groups_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"enum": ["ignore", "refuse"]})
}

fn runtime_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"enum": ["tract", "onnxruntime"]})
}
