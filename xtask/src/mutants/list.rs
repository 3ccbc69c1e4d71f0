//! The planted bugs: those that PRIVACY.md section 8 names.

use super::stage::Stage;
use anyhow::{Result, ensure};

/// One bug, in one file.
pub(super) struct Mutant {
    /// Kebab-case; also the name of its log.
    pub(super) name: &'static str,
    /// In the words of PRIVACY.md section 8.
    pub(super) bug: &'static str,
    pub(super) file: &'static str,
    /// What becomes what; the first of each pair stands in the file exactly once.
    pub(super) edits: &'static [(&'static str, &'static str)],
    /// The first tests that could see it.
    pub(super) first: Stage,
}

impl Mutant {
    /// The file with the bug in it.
    pub(super) fn applied(&self, whole: &str) -> Result<String> {
        let (name, file) = (self.name, self.file);
        let mut text = whole.to_owned();
        for (from, to) in self.edits {
            let places = text.matches(from).count();
            ensure!(
                places == 1,
                "{name}: {from:?} stands {places} times in {file}: mend xtask/src/mutants/list.rs"
            );
            text = text.replacen(from, to, 1);
        }
        Ok(text)
    }
}

pub(super) const MUTANTS: [Mutant; 15] = [
    Mutant {
        name: "smaller-sigma",
        bug: "sigma/1.25",
        file: "runtime/filter/src/draw.rs",
        edits: &[("noise.add_to(sums, block.sigma)", "noise.add_to(sums, block.sigma * 4 / 5)")],
        first: Stage::Filter,
    },
    Mutant {
        name: "no-clip",
        bug: "no clip",
        file: "runtime/filter/src/block.rs",
        edits: &[("        clip(&mut q, self.s);\n", "")],
        first: Stage::Filter,
    },
    Mutant {
        name: "clip-before-centring",
        bug: "clip before centring",
        file: "runtime/filter/src/quantise.rs",
        edits: &[(
            "(value.max(lower).min(upper) - centre) * power_of_two",
            "(value - centre).max(lower).min(upper) * power_of_two",
        )],
        first: Stage::Filter,
    },
    Mutant {
        name: "float-sum",
        bug: "float sum",
        file: "runtime/filter/src/sums.rs",
        edits: &[("*sum = sum.saturating_add(i128::from(*q));", "*sum = (*sum as f64 + *q as f64) as i128;")],
        first: Stage::Filter,
    },
    Mutant {
        name: "reused-noise",
        bug: "reused noise",
        file: "runtime/filter/src/noise/mod.rs",
        edits: &[
            (
                "        for sum in vector {\n            let noise = match own {",
                "        let mut once = None;\n        for sum in vector {\n            let drawn = match own {",
            ),
            (
                "            *sum = sum.saturating_add(noise);",
                "            let noise = *once.get_or_insert(drawn);\n            *sum = sum.saturating_add(noise);",
            ),
        ],
        first: Stage::Filter,
    },
    Mutant {
        name: "constant-seed",
        bug: "constant seed",
        file: "runtime/filter/src/noise/mod.rs",
        edits: &[(
            "rng.fill_bytes(seed.as_mut_slice());",
            "rng.fill_bytes(seed.as_mut_slice());\n        seed.fill(7);",
        )],
        first: Stage::Filter,
    },
    Mutant {
        name: "trap-counted",
        bug: "trap counted",
        file: "runtime/node/src/job/path.rs",
        edits: &[("(Self::Noised(sums), None) => sums.add_default(),", "(Self::Noised(_), None) => {}")],
        first: Stage::Node,
    },
    Mutant {
        name: "refund-on-failure",
        bug: "refund on failure",
        file: "runtime/ledger/src/state.rs",
        edits: &[("self.finished.get(job) == Some(&Code::Withheld)", "self.finished.contains_key(job)")],
        first: Stage::Ledger,
    },
    Mutant {
        name: "ledger-after-release",
        bug: "ledger after release",
        file: "runtime/node/src/job/release.rs",
        edits: &[
            ("            ledger.append(self.now(), Event::Charged { job })?;\n", ""),
            (
                "        self.finish(&granted.job, code, (Some(Digest::of(&bundle)), Some(sums)), outcome.undrawn())",
                "        self.home().ledger()?.append(self.now(), Event::Charged { job: granted.job })?;\n        self.finish(&granted.job, code, (Some(Digest::of(&bundle)), Some(sums)), outcome.undrawn())",
            ),
        ],
        first: Stage::Node,
    },
    Mutant {
        name: "raw-n-in-a-log",
        bug: "raw n in a log",
        file: "runtime/node/src/job/map.rs",
        edits: &[(
            "        let job = map_job(granted, state);\n",
            "        let job = map_job(granted, state);\n        eprintln!(\"mapping {} patients\", cohort.len());\n",
        )],
        first: Stage::Node,
    },
    Mutant {
        name: "hard-test",
        bug: "hard n < k test",
        file: "runtime/filter/src/gate.rs",
        edits: &[("if above > 0 && noisy > margin", "if above > 0")],
        first: Stage::Filter,
    },
    Mutant {
        name: "per-study",
        bug: "per study instead of per patient",
        file: "runtime/node/src/job/map.rs",
        edits: &[(
            "            if patient.is_in(cohort, grant) {\n                members.push(digest);\n",
            "            if patient.is_in(cohort, grant) {\n                members.extend(patient.record.series.iter().map(|_| digest));\n",
        )],
        first: Stage::Node,
    },
    Mutant {
        name: "unkeyed-digest",
        bug: "unkeyed digest in the log",
        file: "runtime/node/src/store/snapshot.rs",
        edits: &[("Digest::of(&[&opening[..], root.as_bytes()].concat())", "Digest::of(root.as_bytes())")],
        first: Stage::Node,
    },
    Mutant {
        name: "release-when-finished",
        bug: "release when finished instead of at release_at",
        file: "runtime/node/src/history.rs",
        edits: &[(
            "finished(ledger, job).filter(|_| shows_at(ledger, job).is_some_and(|at| now >= at))",
            "finished(ledger, job).filter(|_| now >= Timestamp::from_seconds(0))",
        )],
        first: Stage::Node,
    },
    Mutant {
        name: "cache-key-without-where",
        bug: "cache key without --where",
        file: "runtime/node/src/job/grant.rs",
        edits: &[(
            "(&admitted.decision.parameters, admitted.decision.cohort.normalised(), manifest.class.word())",
            "(&admitted.decision.parameters, String::new(), manifest.class.word())",
        )],
        first: Stage::Node,
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bug_still_finds_its_place_in_the_code() {
        for mutant in &MUTANTS {
            let whole = std::fs::read_to_string(crate::paths::root().join(mutant.file)).unwrap();
            assert_ne!(mutant.applied(&whole).unwrap(), whole, "{} changes nothing", mutant.name);
        }
    }
}
