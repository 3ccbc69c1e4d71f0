//! Synthetic cohorts.

use crate::args::Testkit;
use crate::failure::{Exit, Failure};
use crate::out::Out;
use serde_json::json;
use trocar_testkit::cohort::{self, CohortSpec};

pub(crate) fn run(out: Out, verb: Testkit) -> Result<Exit, Failure> {
    let Testkit::Cohort { output, patients, seed, modality } = verb;
    let spec = CohortSpec { patients, seed, modality: modality.into() };
    let summary = cohort::write(&output, &spec).map_err(|e| Failure::plain(Exit::Failed, e))?;
    let clinical = output.join("clinical.csv");
    let row = json!({"dir": output, "patients": patients, "files": summary.files, "clinical": clinical});
    out.result(&row, || format!("{}: {patients} patients, {} files", output.display(), summary.files))?;
    Ok(Exit::Done)
}
