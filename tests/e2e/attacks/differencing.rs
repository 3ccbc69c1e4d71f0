//! Differencing over jobs: a hundred cohorts, chosen so that their answers together say most about one patient.

use super::estimate::{Cohort, Fact, Noise, bound, distance, mu, plan, seen, share};
use super::lab::{QUIET, two_cohorts};
use super::row::Row;
use super::sandboxed::Guest;
use super::tries;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use trocar_filter::{Contribution, Plan};

const GUEST: &str = "attack_low_bit";
const JOBS: usize = 100;

/// The same cohorts with her and without her, job by job: she is in every second of them, among others in all.
type Jobs = Vec<[Cohort; 2]>;

#[test]
fn a_hundred_jobs_together_say_no_more_than_their_rho() {
    let [_, all] = two_cohorts(GUEST, 80, [QUIET, QUIET + 1]);
    let jobs = jobs(&all);
    // 0.005 a job and 0.02 a gate: only the jobs that she is in tell of her, but her pool pays for all.
    let plan = plan(&Guest::built(GUEST).manifest.outputs, "0.005");
    let spent = mu(&plan) * (JOBS as f64).sqrt();
    let trials = tries(2_000, 20_000);
    let right = |noise, trials| reconstructed(&plan, &jobs, noise, trials);
    assert_eq!(right(Noise::Off, 20), 1.0, "without noise the attack must always succeed");
    let bar = bound(Fact::Presence, spent, trials);
    let weak = right(Noise::Weak, trials / 2);
    assert!(weak > bound(Fact::Presence, spent, trials / 2), "sigma / 1.25 passed: {weak}");
    let value = right(Noise::Real, trials);
    Row {
        name: "differencing over jobs",
        guest: GUEST,
        tries: "100 cohorts that all hold her or not, their answers weighed together",
        bound: "Phi(mu / 2) of the rho of all 100 jobs, and 3 standard errors",
        measured: format!("{value:.4} of {trials} reconstructions right; sigma / 1.25: {weak:.4}"),
        noise_off: "100 %",
        value,
        unit: "share of right reconstructions",
        bar,
    }
    .holds();
}

/// Each job is over her and 59 others drawn at random.
fn jobs(all: &Cohort) -> Jobs {
    let hers = |one: &&Contribution| one.0[0][0] == 16.0;
    let her = all.iter().find(hers).expect("the guest is loud for one patient");
    let others: Vec<&Contribution> = all.iter().filter(|one| !hers(one)).collect();
    let job = |seed: u64| {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let mut keyed: Vec<_> = others.iter().map(|one| (rng.next_u64(), *one)).collect();
        keyed.sort_by_key(|(key, _)| *key);
        let without: Cohort = keyed.into_iter().take(59).map(|(_, one)| one.clone()).collect();
        let with = without.iter().cloned().chain([her.clone()]).collect();
        [without, with]
    };
    (0..JOBS as u64).map(job).collect()
}

/// The likelihoods of all jobs together decide.
fn reconstructed(plan: &Plan, jobs: &Jobs, noise: Noise, trials: u32) -> f64 {
    let exact = |cohort| seen(plan, cohort, Noise::Off, 0).expect("without noise the gate opens");
    let known: Vec<_> = jobs.iter().map(|[without, with]| [exact(without), exact(with)]).collect();
    share(trials, |truth, trial| {
        let mut lean = 0.0;
        for (at, (job, known)) in jobs.iter().zip(&known).enumerate() {
            let seed = trial * JOBS as u64 + at as u64;
            if let Some(seen) = seen(plan, &job[truth], noise, seed) {
                lean += distance(&known[0], &seen) - distance(&known[1], &seen);
            }
        }
        Some(usize::from(lean > 0.0))
    })
}
