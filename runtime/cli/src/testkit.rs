//! Synthetic cohorts.

use crate::args::{CohortMask, Testkit};
use crate::failure::{Exit, Failure};
use crate::out::Out;
use serde_json::json;
use std::path::PathBuf;
use trocar_testkit::Fault;
use trocar_testkit::cohort::{self, Planted, Recipe};

pub(crate) fn run(out: Out, verb: Testkit) -> Result<Exit, Failure> {
    let (output, recipe) = recipe(verb);
    let patients = recipe.patients;
    let summary = cohort::write(&output, recipe).map_err(|e| Failure::plain(Exit::Failed, e))?;
    let clinical = output.join("clinical.csv");
    let row = json!({"dir": output, "patients": patients, "files": summary.files, "clinical": clinical});
    out.result(&row, || format!("{}: {patients} patients, {} files", output.display(), summary.files))?;
    Ok(Exit::Done)
}

fn recipe(verb: Testkit) -> (PathBuf, Recipe) {
    let Testkit::Cohort { output, patients, seed, modality, masks, size, syntax, varied, tables, faults } =
        verb;
    let recipe = Recipe {
        patients,
        seed,
        modalities: modality.into_iter().map(Into::into).collect(),
        size: size.into(),
        syntaxes: syntax.into_iter().map(Into::into).collect(),
        segmentations: masks.contains(&CohortMask::Seg),
        structure_sets: masks.contains(&CohortMask::Rtstruct),
        varied,
        tables,
        faults: faults.map(|every| Planted { kinds: Fault::ALL.to_vec(), every }),
    };
    (output, recipe)
}
