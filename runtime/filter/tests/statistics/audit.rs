//! An audit from end to end: whole releases of two datasets that differ in one patient, told apart as well as can be.
//!
//! The stated guarantee is that of a Gaussian with `mu = sqrt(2 rho)` (PRIVACY.md section 5). The attacker knows everything but
//! whether she is in it, and uses the likelihood ratio, which for Gaussians is linear in what is released. From false positives
//! and false negatives, with Clopper-Pearson limits, follows a lower bound of the mu that the mechanism really has: Jagielski,
//! Ullman, Oprea, "Auditing Differentially Private Machine Learning" (2020), in the form of Nasr, Hayes, Steinke and others,
//! "Tight Auditing of Differentially Private Machine Learning" (2023), section 5.

use crate::bounds::upper;
use crate::row::Row;
use crate::trials;
use chacha20::ChaCha20Rng;
use rand::SeedableRng;
use statrs::distribution::{ContinuousCDF, Normal};
use trocar_filter::{
    Admission, Contribution, Figures, NoiseSource, Outcome, Plan, Sums, Untrusted, rehearse, release,
};
use trocar_terms::{Kind, Output};

/// Others in the cohort: enough for the gate to open every time.
const OTHERS: u32 = 120;

/// A job whose gate, count and vector together cost 0.5, the budget of a year.
fn plan(gate: &str, count: &str, vector: &str) -> Plan {
    let output = |name: &str, rho: &str, kind| Output {
        name: name.parse().unwrap(),
        unit: "1".into(),
        rho: rho.parse().unwrap(),
        kind,
    };
    let gradient = Kind::Vector { length: 2, clip: 2.0, grid_bits: 10 };
    let outputs = [output("n", count, Kind::Count), output("gradient", vector, gradient)];
    let (gate_rho, gate_delta) = (gate.parse().unwrap(), "1e-8".parse().unwrap());
    Plan::admit(&Admission {
        outputs: &outputs,
        derived: &[],
        gate_rho,
        gate_delta,
        rounds: 1,
        k: 10,
        n_pub: 500,
    })
    .unwrap()
}

fn stated() -> Plan {
    plan("0.02", "0.08", "0.4")
}

fn mu(plan: &Plan) -> f64 {
    (2.0 * plan.charge().rho().unwrap().to_f64()).sqrt()
}

fn others() -> impl Iterator<Item = Contribution> {
    (0..OTHERS).map(|i| Contribution(vec![vec![f64::from(i % 2)], vec![f64::from(i % 5) / 4.0, -0.5]]))
}

/// She gives as much as clipping lets her, and more than that: it is clipped.
fn target() -> Contribution {
    Contribution(vec![vec![1e300], vec![2.0, 2.0]])
}

fn cohort(with_her: bool) -> Vec<Untrusted<Contribution>> {
    others().chain(with_her.then(target)).map(Untrusted::new).collect()
}

/// The log of the likelihood ratio, up to a factor and a constant: each released number, weighted by what she adds to it over
/// the variance of its noise.
fn score(figures: &Figures) -> f64 {
    let hers = [1.0, 2.0_f64.sqrt(), 2.0_f64.sqrt()];
    let numbers = figures.outputs.iter().flat_map(|output| &output.numbers);
    let outputs: f64 =
        numbers.zip(hers).map(|(n, hers)| n.value.unwrap() * hers / n.sd.unwrap().powi(2)).sum();
    outputs + figures.patients.value as f64 / figures.patients.sd.powi(2)
}

/// Scores of `n` releases, all with noise of their own.
fn scores(plan: &Plan, with_her: bool, n: usize, seed: u64) -> Vec<f64> {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let cohort = cohort(with_her);
    let mut once = || {
        let mut sums = Sums::new(plan);
        cohort.iter().for_each(|patient| sums.add(patient.clone()));
        match release(sums, &mut rng) {
            Outcome::Released(released) => score(released.figures()),
            Outcome::Withheld(_) => panic!("{OTHERS} patients did not open the gate"),
        }
    };
    (0..n).map(|_| once()).collect()
}

struct Silent;

impl NoiseSource for Silent {
    fn draw(&mut self, _: u64) -> i128 {
        0
    }
}

fn exact(plan: &Plan, with_her: bool) -> f64 {
    score(&rehearse(plan, cohort(with_her), &mut Silent, true).figures.unwrap())
}

/// The 95 % lower bound of mu: `PhiInv(1 - alpha) - PhiInv(beta)` at the upper limits of both errors.
fn lower_bound(plan: &Plan, n: usize) -> f64 {
    // Half way between the two, fixed before anything is drawn.
    let threshold = exact(plan, false).midpoint(exact(plan, true));
    let (with, without) = std::thread::scope(|scope| {
        let without = scope.spawn(|| scores(plan, false, n, 1));
        (scores(plan, true, n, 2), without.join().unwrap())
    });
    let false_positives = without.iter().filter(|score| **score > threshold).count();
    let false_negatives = with.iter().filter(|score| **score <= threshold).count();
    let normal = Normal::standard();
    let [alpha, beta] = [false_positives, false_negatives].map(|hits| upper(hits, n, 0.025));
    normal.inverse_cdf(1.0 - alpha) - normal.inverse_cdf(beta)
}

#[test]
fn a_release_tells_no_more_of_her_than_its_rho_states_and_not_much_less() {
    let (plan, n) = (stated(), trials(2_000, 1_000_000));
    let mu = mu(&plan);
    assert!((mu - 1.0).abs() < 1e-3, "rho 0.5 is mu 1, not {mu}");
    assert!((exact(&plan, true) - exact(&plan, false)).abs() > 0.5, "without noise one release tells");
    let lower = lower_bound(&plan, n);
    let row = |name: &str, bar: f64, op| Row {
        name: format!("end-to-end audit: {name}"),
        tries: format!("likelihood ratio, {n} releases with her and {n} without, rho 0.5"),
        bound: format!("lower bound of mu {op} {bar:.3}"),
        measured: format!("{lower:.4}"),
        noise_off: "told apart by one release".to_owned(),
        value: lower,
        unit: "mu, 95 % lower bound",
        against: "",
        bar,
        op,
    };
    row("no more than stated", mu, "<=").hold();
    // 2,000 releases bound mu less closely than a million.
    row("and not much less", if crate::row::long() { 0.85 * mu } else { 0.75 * mu }, ">=").hold();
}

/// Noise of sigma / 1.25 everywhere is what 1.5625 times the rho buys: such a release must be found out.
#[test]
fn a_release_with_four_fifths_of_the_noise_is_found_out() {
    let (claimed, real) = (mu(&stated()), plan("0.03125", "0.125", "0.625"));
    let lower = lower_bound(&real, trials(2_000, 100_000));
    assert!(lower > claimed, "lower bound {lower} does not show more than {claimed}");
}
