//! How often an adversary who knows everything but one fact about one patient guesses it from what is released.
//!
//! The map ran before, once, in the real sandbox; here its contributions go through the filter again and again.

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use statrs::distribution::{ContinuousCDF, Normal};
use trocar_filter::{
    Admission, Contribution, Figures, GaussianNoise, NoiseSource, Outcome, Plan, Sums, Untrusted, rehearse,
    release,
};
use trocar_terms::{Decimal, Output};
use trocar_testkit::{NoNoise, WeakNoise};

/// The contributions of a cohort where the fact is so, or is not.
pub type Cohort = Vec<Contribution>;

/// What the fact is, which decides how far two cohorts can lie apart.
#[derive(Debug, Clone, Copy)]
pub enum Fact {
    /// Whether she is in the cohort: at most S apart.
    Presence,
    /// Which of two values she has: at most 2 S apart.
    Bit,
}

/// The noise that stands between the sums and the adversary.
#[derive(Debug, Clone, Copy)]
pub enum Noise {
    /// The product's own door, `trocar_filter::release`.
    Real,
    /// sigma / 1.25, which breaks every bound.
    Weak,
    /// None.
    Off,
}

/// Manifest outputs under a test policy: all at this rho, in one round.
pub fn plan(outputs: &[Output], rho: &str) -> Plan {
    plan_of_rounds(outputs, rho, 1)
}

/// As `plan`, in several rounds, each at this rho.
pub fn plan_of_rounds(outputs: &[Output], rho: &str, rounds: u32) -> Plan {
    let decimal = |text: &str| text.parse::<Decimal>().unwrap();
    let outputs: Vec<Output> =
        outputs.iter().map(|output| Output { rho: decimal(rho), ..output.clone() }).collect();
    let (gate_rho, gate_delta) = (decimal("0.02"), decimal("1e-8"));
    Plan::admit(&Admission {
        outputs: &outputs,
        derived: &[],
        gate_rho,
        gate_delta,
        k: 10,
        n_pub: 500,
        rounds,
    })
    .unwrap()
}

/// mu of all that one job releases.
pub fn mu(plan: &Plan) -> f64 {
    (2.0 * plan.charge().rho().unwrap().to_f64()).sqrt()
}

/// The most that can be right, before the error of the trials.
pub fn most(fact: Fact, mu: f64) -> f64 {
    let mu = match fact {
        Fact::Presence => mu / 2.0,
        Fact::Bit => mu,
    };
    Normal::standard().cdf(mu)
}

/// `most` and three standard errors over so many trials.
pub fn bound(fact: Fact, mu: f64, trials: u32) -> f64 {
    let p = most(fact, mu);
    p + 3.0 * (p * (1.0 - p) / f64::from(trials)).sqrt()
}

/// The share of right guesses over trials with fixed seeds, half of them where the fact is so.
pub fn recovery(plan: &Plan, worlds: [&Cohort; 2], noise: Noise, trials: u32) -> f64 {
    let known = worlds.map(|world| seen(plan, world, Noise::Off, 0).expect("without noise the gate opens"));
    share(trials, |truth, seed| Some(nearer(&known, &seen(plan, worlds[truth], noise, seed)?)))
}

/// The share of right guesses; `guess` is given the truth, to release it, and the seed, and gets none of what is withheld.
pub fn share(trials: u32, guess: impl Fn(usize, u64) -> Option<usize>) -> f64 {
    let right = (0..trials).filter(|trial| {
        let truth = (trial % 2) as usize;
        // What is withheld tells nothing: a coin, which the trial's number tosses.
        guess(truth, u64::from(*trial)).unwrap_or((trial / 2) as usize % 2) == truth
    });
    right.count() as f64 / f64::from(trials)
}

/// Values with the standard deviation of their noise: the number of patients first, then every coordinate.
type Seen = Vec<(f64, f64)>;

/// The likelier of two cohorts. For Gaussian noise that is the nearer one, in units of the noise.
fn nearer(known: &[Seen; 2], seen: &Seen) -> usize {
    usize::from(distance(&known[1], seen) < distance(&known[0], seen))
}

/// Log likelihood, up to a factor and a constant.
pub fn distance(known: &Seen, seen: &Seen) -> f64 {
    known.iter().zip(seen).map(|((known, _), (seen, sd))| ((seen - known) / sd).powi(2)).sum()
}

/// What one release shows of a cohort.
pub fn seen(plan: &Plan, cohort: &Cohort, noise: Noise, seed: u64) -> Option<Seen> {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    match noise {
        Noise::Real => match release(sums(plan, cohort), &mut rng) {
            Outcome::Released(released) => Some(numbers(released.figures())),
            Outcome::Withheld(_) => None,
        },
        Noise::Weak => shown(plan, cohort, &mut WeakNoise::new(GaussianNoise::new(&mut rng)), false),
        Noise::Off => shown(plan, cohort, &mut NoNoise, true),
    }
}

pub fn sums(plan: &Plan, cohort: &Cohort) -> Sums {
    let mut sums = Sums::new(plan);
    cohort.iter().for_each(|contribution| sums.add(Untrusted::new(contribution.clone())));
    sums
}

fn shown(plan: &Plan, cohort: &Cohort, noise: &mut dyn NoiseSource, exact: bool) -> Option<Seen> {
    let wrapped = cohort.iter().cloned().map(Untrusted::new).collect();
    rehearse(plan, wrapped, noise, exact).figures.as_ref().map(numbers)
}

fn numbers(figures: &Figures) -> Seen {
    let n = (figures.patients.value as f64, figures.patients.sd);
    let all = figures.outputs.iter().flat_map(|output| &output.numbers);
    std::iter::once(n).chain(all.map(|x| (x.value.unwrap(), x.sd.unwrap()))).collect()
}
