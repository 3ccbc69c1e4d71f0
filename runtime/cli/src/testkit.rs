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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Cli, Verb};
    use clap::Parser;
    use trocar_terms::Modality;
    use trocar_testkit::{Size, Syntax};

    fn asked(more: &[&str]) -> Recipe {
        let plain = ["trocar", "testkit", "cohort", "-o", "x", "--patients", "3", "--seed", "7"];
        let cli = Cli::try_parse_from(plain.iter().chain(more)).unwrap();
        let Verb::Testkit(verb) = cli.verb else { panic!("another verb") };
        recipe(verb).1
    }

    #[test]
    fn a_cohort_of_which_nothing_more_is_said_is_a_plain_one() {
        assert_eq!(asked(&[]), Recipe::new(3, 7, Modality::CT));
        assert_eq!(asked(&["--modality", "PT"]), Recipe::new(3, 7, Modality::PT));
    }

    #[test]
    fn every_part_of_a_cohort_can_be_asked_for() {
        let lists = ["--modality", "CT,PT", "--masks", "seg,rtstruct", "--syntax", "rle,explicit-big"];
        let rest = ["--size", "tiny", "--varied", "--tables", "--faults=2"];
        let expected = Recipe {
            modalities: vec![Modality::CT, Modality::PT],
            size: Size::Tiny,
            syntaxes: vec![Syntax::Rle, Syntax::ExplicitBig],
            segmentations: true,
            structure_sets: true,
            varied: true,
            tables: true,
            faults: Some(Planted { kinds: Fault::ALL.to_vec(), every: 2 }),
            ..Recipe::new(3, 7, Modality::CT)
        };
        assert_eq!(asked(&[&lists[..], &rest].concat()), expected);
        assert_eq!(asked(&["--faults"]).faults.map(|planted| planted.every), Some(4));
    }
}
