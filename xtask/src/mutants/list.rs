//! The planted bugs: those that PRIVACY.md section 8 names.

use super::stage::Stage;
use anyhow::{Result, ensure};

/// One bug: in `file`, `from` becomes `to`.
pub(super) struct Mutant {
    /// Kebab-case; also the name of its log.
    pub(super) name: &'static str,
    /// In the words of PRIVACY.md section 8.
    pub(super) bug: &'static str,
    pub(super) file: &'static str,
    /// Stands in the file exactly once.
    pub(super) from: &'static str,
    pub(super) to: &'static str,
    /// The first tests that could see it.
    pub(super) first: Stage,
}

impl Mutant {
    /// The file with the bug in it.
    pub(super) fn applied(&self, whole: &str) -> Result<String> {
        let places = whole.matches(self.from).count();
        let (name, file) = (self.name, self.file);
        ensure!(
            places == 1,
            "{name}: its text stands {places} times in {file}: mend xtask/src/mutants/list.rs"
        );
        Ok(whole.replacen(self.from, self.to, 1))
    }
}

pub(super) const MUTANTS: [Mutant; 15] = [
    Mutant {
        name: "smaller-sigma",
        bug: "sigma/1.25",
        file: "runtime/filter/src/draw.rs",
        from: "noise.draw(block.sigma)",
        to: "noise.draw(block.sigma * 4 / 5)",
        first: Stage::Filter,
    },
    Mutant {
        name: "no-clip",
        bug: "no clip",
        file: "runtime/filter/src/block.rs",
        from: "        clip(&mut q, self.s);\n",
        to: "",
        first: Stage::Filter,
    },
    Mutant {
        name: "clip-before-centring",
        bug: "clip before centring",
        file: "runtime/filter/src/quantise.rs",
        from: "(value.max(lower).min(upper) - centre)",
        to: "(value - centre).max(lower).min(upper)",
        first: Stage::Filter,
    },
    Mutant {
        name: "float-sum",
        bug: "float sum",
        file: "runtime/filter/src/sums.rs",
        from: "*sum = sum.saturating_add(i128::from(*q));",
        to: "*sum = (*sum as f64 + *q as f64) as i128;",
        first: Stage::Filter,
    },
    Mutant {
        name: "reused-noise",
        bug: "reused noise",
        file: "runtime/filter/src/draw.rs",
        from: "        for sum in sums {\n            *sum = sum.saturating_add(noise.draw(block.sigma));",
        to: "        let once = noise.draw(block.sigma);\n        for sum in sums {\n            *sum = sum.saturating_add(once);",
        first: Stage::Filter,
    },
    Mutant {
        name: "constant-seed",
        bug: "constant seed",
        file: "runtime/filter/src/noise.rs",
        from: "rng.fill_bytes(seed.as_mut_slice());",
        to: "rng.fill_bytes(seed.as_mut_slice());\n        seed.fill(7);",
        first: Stage::Filter,
    },
    Mutant {
        name: "trap-counted",
        bug: "trap counted",
        file: "runtime/node/src/job/map.rs",
        from: "None => sums.add_default(),",
        to: "None => {}",
        first: Stage::Node,
    },
    Mutant {
        name: "refund-on-failure",
        bug: "refund on failure",
        file: "runtime/ledger/src/state.rs",
        from: "self.finished.get(job) == Some(&Code::Withheld)",
        to: "self.finished.contains_key(job)",
        first: Stage::Ledger,
    },
    Mutant {
        name: "ledger-after-release",
        bug: "ledger after release",
        file: "runtime/node/src/job/release.rs",
        from: "            ledger.append(self.now(), Event::Charged { job })?;\n",
        to: "",
        first: Stage::Node,
    },
    Mutant {
        name: "raw-n-in-a-log",
        bug: "raw n in a log",
        file: "runtime/node/src/job/map.rs",
        from: "        let job = map_job(&granted);\n",
        to: "        let job = map_job(&granted);\n        eprintln!(\"mapping {} patients\", cohort.len());\n",
        first: Stage::Node,
    },
    Mutant {
        name: "hard-test",
        bug: "hard n < k test",
        file: "runtime/filter/src/gate.rs",
        from: "if above > 0 && noisy > margin",
        to: "if above > 0",
        first: Stage::Filter,
    },
    Mutant {
        name: "per-study",
        bug: "per study instead of per patient",
        file: "runtime/node/src/job/map.rs",
        from: "            if patient.is_in(cohort, grant) {\n                members.push(digest);\n",
        to: "            if patient.is_in(cohort, grant) {\n                members.extend(patient.series.iter().map(|_| digest));\n",
        first: Stage::Node,
    },
    Mutant {
        name: "unkeyed-digest",
        bug: "unkeyed digest in the log",
        file: "runtime/node/src/store/snapshot.rs",
        from: "Digest::of(&[&opening[..], root.as_bytes()].concat())",
        to: "Digest::of(root.as_bytes())",
        first: Stage::Node,
    },
    Mutant {
        name: "release-when-finished",
        bug: "release when finished instead of at release_at",
        file: "runtime/node/src/history.rs",
        from: "finished(ledger, job).filter(|_| shows_at(ledger, job).is_some_and(|at| now >= at))",
        to: "finished(ledger, job).filter(|_| now >= Timestamp::from_seconds(0))",
        first: Stage::Node,
    },
    Mutant {
        name: "cache-key-without-where",
        bug: "cache key without --where",
        file: "runtime/node/src/job/grant.rs",
        from: "(&admitted.decision.parameters, admitted.decision.cohort.normalised(), manifest.class.word())",
        to: "(&admitted.decision.parameters, String::new(), manifest.class.word())",
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
