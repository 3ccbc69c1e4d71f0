use crate::cohort::Expr;
use crate::place::Source;
use crate::text::TextError;
use crate::{Parameter, check};
use serde::Serialize;
use std::collections::BTreeMap;
use trocar_terms::{Class, Decimal, Derived, Digest, Limits, Modality, Name, Output};

/// Where a manifest is wrong, and what to write instead.
pub type ManifestError = TextError;

/// What one algorithm is, reads, computes and costs. Only [`Manifest::parse`] makes one, so whoever holds one holds a
/// checked one.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Manifest {
    /// Version of this schema: 1.
    pub schema: u32,
    /// Kebab-case.
    pub name: Name,
    /// Semantic version.
    pub version: String,
    /// One line for people.
    pub title: String,
    /// SPDX expression.
    pub license: String,
    /// GA4GH DUO codes, one or more.
    pub purpose: Vec<String>,
    /// The assurance class it asks for.
    pub class: Class,
    /// Digest of the component; absent before packing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub component: Option<Digest>,
    /// What one patient may cost.
    pub limits: Limits,
    /// What the guest can reach; everything else does not exist for it.
    pub capabilities: Capabilities,
    /// Models beside the component.
    pub models: Vec<Model>,
    /// Which patients.
    pub cohort: Cohort,
    /// What a researcher may set.
    pub parameters: Vec<Parameter>,
    /// What the gate costs.
    pub privacy: Privacy,
    /// What leaves, in the order of the guest's vectors.
    pub outputs: Vec<Output>,
    /// What is computed from the released numbers alone. Not written where there is none, so that the manifests of
    /// before keep their digests.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub derived: Vec<Derived>,
    /// The RFC 8785 bytes of all the above; written once, at the end of the parse.
    #[serde(skip)]
    pub(crate) canonical: Vec<u8>,
    /// What it was read from, for carets.
    #[serde(skip)]
    pub(crate) source: Source,
}

/// What the guest asks to reach.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Capabilities {
    /// Series of these modalities.
    pub modalities: Vec<Modality>,
    /// Voxels of them.
    pub pixels: bool,
    /// Segmentations with these labels.
    pub masks: Vec<String>,
    /// DICOM keywords.
    pub attributes: Vec<String>,
    /// Columns of the clinical table.
    pub columns: Vec<Name>,
}

/// The one format of models.
pub(crate) const ONNX: &str = "onnx";

/// A model that travels in the package, as the file `models/NAME.onnx`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Model {
    /// The name that the guest uses.
    pub name: Name,
    /// Digest of its file.
    pub digest: Digest,
    /// Its format.
    pub format: String,
}

/// Which patients, and what a researcher may narrow.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Cohort {
    /// The author's condition.
    #[serde(rename = "where")]
    pub where_: Expr,
    /// Names that `--where` may use.
    pub filterable: Vec<Name>,
}

/// What the cohort gate costs, and how often the outputs are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Privacy {
    /// rho of the gate.
    pub gate_rho: Decimal,
    /// delta of the gate.
    pub gate_delta: Decimal,
    /// Rounds, 1 to 64: in each the outputs are drawn and paid for once.
    pub rounds: u32,
}

impl Manifest {
    /// Parses and checks `text`; `file_name` is for the error alone.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place and what to write instead.
    pub fn parse(file_name: &str, text: &str) -> Result<Self, ManifestError> {
        check::manifest(file_name, text)
    }

    /// The canonical form: RFC 8785 JSON with every default filled in.
    #[must_use]
    pub fn canonical(&self) -> &[u8] {
        &self.canonical
    }

    /// What one round of all outputs costs by the rho that they declare; for people, never charged.
    #[must_use]
    pub fn round_rho(&self) -> f64 {
        // Summed in whole units, so that 0.01 and 0.05 are 0.06 to the eye too.
        let attos = self.outputs.iter().map(|output| output.rho.attos()).fold(0, u128::saturating_add);
        attos as f64 / 1e18
    }

    /// The digest of the canonical form: the manifest's identity.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(&self.canonical)
    }
}

/// Writes `component = "<digest>"` into a manifest's text, over an earlier one or after `class`.
///
/// # Errors
/// As [`Manifest::parse`], of the text before and after.
pub fn with_component(file_name: &str, text: &str, digest: Digest) -> Result<String, ManifestError> {
    let span = check::component_place(file_name, text)?;
    let (before, after) = (text.get(..span.start).unwrap_or(text), text.get(span.end..).unwrap_or(""));
    let line = if span.is_empty() { format!("\ncomponent = \"{digest}\"") } else { format!("\"{digest}\"") };
    let written = [before, &line, after].concat();
    Manifest::parse(file_name, &written)?;
    Ok(written)
}

/// Writes `digest = "<digest>"` into the entries of these models, over an earlier one or after `name`.
///
/// # Errors
/// The text is no manifest apart from the digests that are missing.
pub fn with_models(
    file_name: &str,
    text: &str,
    digests: &BTreeMap<String, Digest>,
) -> Result<String, ManifestError> {
    let mut written = text.to_owned();
    // From the end on, so that the earlier places stay where they are.
    for (span, digest) in check::model_places(file_name, text, digests)?.into_iter().rev() {
        let line = if span.is_empty() { format!("\ndigest = \"{digest}\"") } else { format!("\"{digest}\"") };
        written.replace_range(span, &line);
    }
    Ok(written)
}
