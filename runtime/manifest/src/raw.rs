//! The TOML of a manifest as it is written: serde reads it, schemars describes it, `check` makes a `Manifest` of it.

use crate::reading::Scalar;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use toml::Spanned;
use trocar_terms::{Class, DERIVED_KINDS, Decimal, Digest, Modality, Name};

/// The manifest of a Trocar algorithm, schema 1.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Trocar manifest")]
pub(crate) struct RawManifest {
    /// 1
    #[schemars(with = "u32", range(min = 1, max = 1))]
    pub(crate) schema: Spanned<u32>,
    /// Kebab-case.
    #[schemars(schema_with = "name_schema")]
    pub(crate) name: Spanned<Name>,
    /// Semantic version: three numbers.
    #[schemars(with = "String", regex(pattern = r"^\d+\.\d+\.\d+$"))]
    pub(crate) version: Spanned<String>,
    /// One line for people, at most 120 characters.
    #[schemars(with = "String", length(min = 1, max = 120))]
    pub(crate) title: Spanned<String>,
    /// SPDX expression.
    #[schemars(with = "String")]
    pub(crate) license: Spanned<String>,
    /// GA4GH DUO codes.
    #[schemars(with = "Vec<String>", length(min = 1), inner(regex(pattern = r"^DUO:\d{7}$")))]
    pub(crate) purpose: Spanned<Vec<Spanned<String>>>,
    /// The assurance class.
    #[schemars(schema_with = "class_schema")]
    pub(crate) class: Spanned<Class>,
    /// Written by `trocar pack`.
    #[serde(default)]
    #[schemars(with = "Option<String>", regex(pattern = r"^sha256:[0-9a-f]{64}$"))]
    pub(crate) component: Option<Spanned<Digest>>,
    /// What one patient may cost; all required.
    pub(crate) limits: RawLimits,
    /// What the guest can reach; everything else does not exist for it.
    #[serde(default)]
    pub(crate) capabilities: RawCapabilities,
    /// Models that travel in the package and that the guest may run.
    #[schemars(length(max = 8))]
    #[serde(default)]
    pub(crate) models: Vec<RawModel>,
    /// Which patients.
    pub(crate) cohort: RawCohort,
    /// What a researcher may set.
    #[serde(default)]
    pub(crate) parameters: Vec<RawParameter>,
    /// What the cohort gate costs.
    pub(crate) privacy: RawPrivacy,
    /// What leaves, in the order of the guest's vectors.
    #[schemars(length(min = 1, max = 64))]
    #[serde(default)]
    pub(crate) outputs: Vec<RawOutput>,
    /// What is computed from the released numbers alone; costs nothing.
    #[schemars(length(max = 64))]
    #[serde(default)]
    pub(crate) derived: Vec<RawDerived>,
}

/// What one guest may use for one patient.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawLimits {
    /// Fuel units.
    #[schemars(with = "u64", range(min = 1, max = 900_000_000_000_u64))]
    pub(crate) fuel: Spanned<u64>,
    /// Linear memory in MiB.
    #[schemars(with = "u32", range(min = 1, max = 4096))]
    pub(crate) memory_mib: Spanned<u32>,
    /// Time box a patient, decoding and retry included.
    #[schemars(with = "u32", range(min = 1, max = 3600))]
    pub(crate) seconds: Spanned<u32>,
}

/// What the guest asks to reach.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawCapabilities {
    /// Series of these modalities.
    #[schemars(schema_with = "modalities_schema")]
    pub(crate) modalities: Vec<Spanned<Modality>>,
    /// Voxels of them.
    #[schemars(with = "bool")]
    pub(crate) pixels: Option<Spanned<bool>>,
    /// Labels of segmentations.
    #[schemars(with = "Vec<String>")]
    pub(crate) masks: Vec<Spanned<String>>,
    /// DICOM keywords.
    #[schemars(with = "Vec<String>")]
    pub(crate) attributes: Vec<Spanned<String>>,
    /// Columns of the clinical table.
    #[schemars(with = "Vec<String>")]
    pub(crate) columns: Vec<Spanned<Name>>,
}

/// A model of the package: the file `models/NAME.onnx`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawModel {
    /// What the guest calls it; unique within the manifest.
    #[schemars(schema_with = "name_schema")]
    pub(crate) name: Spanned<Name>,
    /// Digest of the file; written by `trocar pack --model`.
    #[serde(default)]
    #[schemars(with = "Option<String>", regex(pattern = r"^sha256:[0-9a-f]{64}$"))]
    pub(crate) digest: Option<Spanned<Digest>>,
    /// onnx
    #[schemars(schema_with = "format_schema")]
    pub(crate) format: Spanned<String>,
}

/// Which patients.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawCohort {
    /// A condition on one patient's record, such as `modality = "PT" and age_years >= 18`.
    #[serde(rename = "where")]
    #[schemars(with = "String")]
    pub(crate) where_: Spanned<String>,
    /// Granted columns, or `modality`, that `--where` may use.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub(crate) filterable: Vec<Spanned<Name>>,
}

/// Something that a researcher may set, on a grid or from a closed list.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawParameter {
    /// Unique within the manifest.
    #[schemars(schema_with = "name_schema")]
    pub(crate) name: Spanned<Name>,
    /// integer, real or category.
    #[serde(rename = "type")]
    #[schemars(schema_with = "parameter_type_schema")]
    pub(crate) kind: Spanned<String>,
    /// Smallest value, of integer and real.
    #[schemars(with = "Option<f64>")]
    pub(crate) min: Option<Spanned<Scalar>>,
    /// Largest value, of integer and real.
    #[schemars(with = "Option<f64>")]
    pub(crate) max: Option<Spanned<Scalar>>,
    /// The grid: min, min + step, ..
    #[schemars(with = "Option<f64>")]
    pub(crate) step: Option<Spanned<Scalar>>,
    /// The closed list, of category.
    #[schemars(with = "Option<Vec<String>>")]
    pub(crate) categories: Option<Spanned<Vec<Spanned<String>>>>,
    /// What it is where nobody sets it.
    #[schemars(with = "Scalar")]
    pub(crate) default: Spanned<Scalar>,
}

/// What the cohort gate costs.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawPrivacy {
    /// rho of the gate, a decimal string.
    #[schemars(schema_with = "decimal_schema")]
    pub(crate) gate_rho: Spanned<Decimal>,
    /// delta of the gate, a decimal string.
    #[schemars(schema_with = "decimal_schema")]
    pub(crate) gate_delta: Spanned<Decimal>,
    /// How often every patient is mapped and the outputs are drawn; each round costs the rho of all outputs again.
    #[schemars(with = "u32", range(min = 1, max = 64))]
    pub(crate) rounds: Spanned<u32>,
}

/// One output: what each patient's vector means and what it costs.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawOutput {
    /// Unique within the manifest.
    #[schemars(schema_with = "name_schema")]
    pub(crate) name: Spanned<Name>,
    /// count, sum, mean, variance, histogram, table, quantiles, moments or vector.
    #[schemars(schema_with = "kind_schema")]
    pub(crate) kind: Spanned<String>,
    /// UCUM unit; 1 for a number without one.
    #[schemars(with = "String", length(min = 1, max = 40))]
    pub(crate) unit: Spanned<String>,
    /// rho of one draw, a decimal string; "0.005" where it is not written.
    #[schemars(schema_with = "decimal_schema")]
    #[serde(default)]
    pub(crate) rho: Option<Spanned<Decimal>>,
    /// sum, mean, variance: values below are raised to it.
    #[schemars(with = "Option<f64>")]
    pub(crate) lower: Option<Spanned<f64>>,
    /// sum, mean, variance: values above are lowered to it.
    #[schemars(with = "Option<f64>")]
    pub(crate) upper: Option<Spanned<f64>>,
    /// sum, mean, variance, vector: values are rounded to multiples of 2^-grid_bits.
    #[schemars(with = "Option<u8>", range(max = 40))]
    pub(crate) grid_bits: Option<Spanned<u8>>,
    /// histogram, quantiles: strictly increasing bin edges in `unit`.
    #[schemars(with = "Option<Vec<f64>>")]
    pub(crate) edges: Option<Spanned<Vec<Spanned<f64>>>>,
    /// quantiles: strictly increasing, above 0 and below 1.
    #[schemars(with = "Option<Vec<f64>>")]
    pub(crate) probabilities: Option<Spanned<Vec<Spanned<f64>>>>,
    /// table: one to four axes.
    #[schemars(with = "Option<Vec<RawAxis>>")]
    pub(crate) axes: Option<Spanned<Vec<RawAxis>>>,
    /// histogram, table: how many cells one patient may fill; 1 where it is not written.
    #[schemars(with = "Option<u32>")]
    pub(crate) cells_per_patient: Option<Spanned<u32>>,
    /// moments: each with its public range; their products are released too.
    #[schemars(with = "Option<Vec<RawVariable>>")]
    pub(crate) variables: Option<Spanned<Vec<RawVariable>>>,
    /// vector: number of coordinates.
    #[schemars(with = "Option<u32>")]
    pub(crate) length: Option<Spanned<u32>>,
    /// vector: bound of the L2 norm.
    #[schemars(with = "Option<f64>")]
    pub(crate) clip: Option<Spanned<f64>>,
}

/// One axis of a table: categories or edges.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawAxis {
    /// Unique within the table.
    #[schemars(schema_with = "name_schema")]
    pub(crate) name: Spanned<Name>,
    /// A closed list.
    #[schemars(with = "Option<Vec<String>>")]
    pub(crate) categories: Option<Spanned<Vec<Spanned<String>>>>,
    /// Strictly increasing edges.
    #[schemars(with = "Option<Vec<f64>>")]
    pub(crate) edges: Option<Spanned<Vec<Spanned<f64>>>>,
}

/// One variable of moments.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawVariable {
    /// Unique within the output.
    #[schemars(schema_with = "name_schema")]
    pub(crate) name: Spanned<Name>,
    /// UCUM unit; 1 for a number without one.
    #[schemars(with = "String", length(min = 1, max = 40))]
    pub(crate) unit: Spanned<String>,
    /// Values below are raised to it.
    #[schemars(with = "f64")]
    pub(crate) lower: Spanned<f64>,
    /// Values above are lowered to it.
    #[schemars(with = "f64")]
    pub(crate) upper: Spanned<f64>,
}

/// One statistic that is computed from the released numbers of an output.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawDerived {
    /// Unique among outputs and derived statistics.
    #[schemars(schema_with = "name_schema")]
    pub(crate) name: Spanned<Name>,
    /// roc, calibration, confusion, survival, covariance, linear or logistic.
    #[schemars(schema_with = "derived_kind_schema")]
    pub(crate) kind: Spanned<String>,
    /// The output that it reads.
    #[schemars(schema_with = "name_schema")]
    pub(crate) from: Spanned<Name>,
    /// roc, calibration: the category of those who have it; the second one where it is not written.
    #[schemars(with = "Option<String>")]
    pub(crate) positive: Option<Spanned<String>>,
    /// survival: the category of those who had the event; the first one where it is not written.
    #[schemars(with = "Option<String>")]
    pub(crate) event: Option<Spanned<String>>,
    /// linear: the variable that is explained.
    #[schemars(with = "Option<String>")]
    pub(crate) outcome: Option<Spanned<Name>>,
    /// linear: the variables that explain it, all others where it is not written; logistic: names for the coefficients.
    #[schemars(with = "Option<Vec<String>>")]
    pub(crate) predictors: Option<Spanned<Vec<Spanned<Name>>>>,
    /// logistic: ridge penalty, 0 or more; 1 where it is not written.
    #[schemars(with = "Option<f64>", range(min = 0))]
    pub(crate) l2: Option<Spanned<f64>>,
    /// logistic: the share of each Newton step that is taken, above 0 up to 1; 1 where it is not written.
    #[schemars(with = "Option<f64>", range(max = 1))]
    pub(crate) step: Option<Spanned<f64>>,
}

/// The JSON schema of a manifest, for editors; `Manifest::parse` checks more.
#[must_use]
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(RawManifest).to_value()
}

fn name_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "pattern": "^[a-z][a-z0-9_-]{0,63}$"})
}

fn decimal_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "pattern": "^[0-9]+(\\.[0-9]+)?([eE]-?[0-9]+)?$"})
}

fn class_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"enum": [Class::AnyCode.word(), Class::ReviewedCode.word()]})
}

fn modalities_schema(_: &mut SchemaGenerator) -> Schema {
    let codes = [Modality::CT, Modality::MR, Modality::PT].map(Modality::code);
    json_schema!({"type": "array", "items": {"enum": codes}})
}

fn format_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"enum": [crate::manifest::ONNX]})
}

fn kind_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"enum": crate::outputs::KINDS})
}

fn derived_kind_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"enum": DERIVED_KINDS})
}

fn parameter_type_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"enum": crate::declared::TYPES})
}
