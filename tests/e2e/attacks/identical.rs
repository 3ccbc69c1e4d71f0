//! Byte identity: whatever a guest does on one patient, everyone outside sees what they would have seen had it returned the
//! default contribution on her.

use super::lab::{Lab, QUIET};
use super::row::Row;
use super::sandboxed::Guest;
use super::tries;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use trocar_filter::{Contribution, Outcome, Sums, Untrusted, release};

/// An attack whose guest must not be told from one that is quiet.
pub struct Attack<'a> {
    pub channel: &'a str,
    pub guest: &'a str,
    pub tries: &'a str,
    /// First voxels of the target at which the guest attacks.
    pub loud: &'a [i16],
    /// Pairs on every run; 1,000 for `cargo xtask attack`.
    pub pairs: u32,
}

impl Attack<'_> {
    /// Pairs of whole runs by real processes: each loud run against the quiet one.
    pub fn in_processes(&self) -> u32 {
        let lab = Lab::new(self.guest, 50);
        let quiet = lab.run(QUIET);
        assert_eq!(quiet.state(), "released", "the seed gives a closed gate, which would prove less");
        let first = if tries(0, 1) == 0 { &self.loud[..1] } else { self.loud };
        for hu in first {
            let loud = lab.run(*hu);
            assert!(loud.bundle == quiet.bundle, "{} at {hu}: the bundles differ", self.guest);
            assert!(loud == quiet, "{} at {hu} can be told: {}", self.guest, loud.first_difference(&quiet));
        }
        first.len().try_into().unwrap()
    }

    /// Pairs in the sandbox and the filter: one target each, and one seed.
    pub fn in_sandbox(&self, fuel: u64) -> u32 {
        let guest = Guest::built(self.guest).with_fuel(fuel);
        let plan = trocar_node::plan_of(&guest.manifest, 10, 500).unwrap();
        let others: Vec<Contribution> = vec![guest.numbers(&[0]); 49];
        let pairs = tries(self.pairs, 1_000);
        let mut released = 0;
        for pair in 0..pairs {
            let loud = self.loud[pair as usize % self.loud.len()];
            let [loud, quiet] = [loud, QUIET].map(|hu| {
                let mut sums = Sums::new(&plan);
                others.iter().for_each(|one| sums.add(Untrusted::new(one.clone())));
                // As a node does with a worker's answer (node/job/map.rs).
                match guest.map(&[hu]) {
                    Ok(contribution) => sums.add(contribution),
                    Err(_) => sums.add_default(),
                }
                release(sums, &mut ChaCha20Rng::seed_from_u64(pair.into()))
            });
            assert_eq!(loud, quiet, "{}: pair {pair} differs", self.guest);
            released += u32::from(matches!(loud, Outcome::Released(_)));
        }
        assert!(released > pairs / 2, "only {released} of {pairs} gates opened");
        pairs
    }

    /// Both, as one row.
    pub fn proves(&self, fuel: u64) {
        let (pairs, runs) = (self.in_sandbox(fuel), self.in_processes());
        Row {
            name: self.channel,
            guest: self.guest,
            tries: self.tries,
            bound: "bundle, statuses, release_at, charge and ledger the same bytes",
            measured: format!("0 of {pairs} pairs in the sandbox and {runs} whole runs differ"),
            noise_off: "the same: nothing here rests on noise",
            value: 0.0,
            unit: "pairs that differ",
            bar: 0.0,
        }
        .holds();
    }
}
