//! Reviewed code from outside: the rules against acro, and what exact sums become.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use trocar_filter::rules::{self, Verdict, Weight};
use trocar_filter::{
    Contribution, Evidence, ExactAdmission, ExactFigures, ExactPlan, ExactSums, Held, Members, Refinement,
    SmallAtom, Untrusted, rehearse_exact,
};
use trocar_terms::{Axis, Bounds, JobId, Kind, Output};

fn weight(values: &[i64]) -> Weight {
    let mut sizes: Vec<u64> = values.iter().map(|v| v.unsigned_abs()).collect();
    sizes.sort_unstable_by(|a, b| b.cmp(a));
    let total = sizes.iter().map(|v| u128::from(*v)).sum();
    let top = |at: usize| sizes.get(at).copied().unwrap_or(0);
    Weight { n: sizes.len() as u64, total, top1: top(0), top2: top(1) }
}

/// Differences that are ours by the specification, and no others:
/// - an empty cell of a count is shown as 0 (PRIVACY.md section 6: each non-empty cell), where acro's default takes zeros
///   for disclosive;
/// - acro says of no cell without a patient what dominates it, and we never get that far: it is too few;
/// - acro leaves dominance undefined where a table has negative values, and ours is on absolute values.
#[test]
fn verdicts_on_a_thousand_random_tables_are_those_of_acro() {
    let table = include_str!("../../../tests/oracles/acro.tsv");
    let (mut tables, mut cells, mut dominated) = (std::collections::BTreeSet::new(), 0, 0);
    for line in table.lines().skip(1) {
        let row: Vec<&str> = line.split('\t').collect();
        let [number, statistic, values, threshold, nk, ppercent] = row[..] else { panic!("{line}") };
        let values: Vec<i64> =
            values.split(',').filter(|v| !v.is_empty()).map(|v| v.parse().unwrap()).collect();
        let weight = weight(&values);
        let ours = if statistic == "count" {
            let ones = Weight { total: u128::from(weight.n), top1: 1, top2: 1, ..weight };
            rules::cell(&ones, 10)
        } else {
            rules::sum(&weight, 10)
        };
        let empty_count = statistic == "count" && values.is_empty();
        assert_eq!(ours == Verdict::TooFew, threshold == "1" && !empty_count, "{line}");
        if statistic != "count" && !values.is_empty() && nk != "-" {
            assert_eq!(
                (rules::top_two(&weight), rules::p_ratio(&weight)),
                (nk == "1", ppercent == "1"),
                "{line}"
            );
            let theirs = [threshold, nk, ppercent].contains(&"1");
            assert_eq!(ours != Verdict::Shown, theirs, "{line}");
            dominated += u32::from(theirs && threshold == "0");
        }
        tables.insert(number);
        cells += 1;
    }
    assert!(tables.len() == 1000 && cells > 3000 && dominated > 300, "{} {cells} {dominated}", tables.len());
}

fn output(name: &str, kind: Kind) -> Output {
    Output { name: name.parse().unwrap(), unit: "1".into(), rho: "0.02".parse().unwrap(), kind }
}

fn bounds() -> Bounds {
    Bounds { lower: -100.0, upper: 100_000.0, grid_bits: 2 }
}

fn histogram(bins: u32) -> Kind {
    Kind::Histogram { edges: (0..=bins).map(f64::from).collect(), cells_per_patient: 1 }
}

fn admission(outputs: &[Output], parametrised: bool) -> ExactAdmission<'_> {
    ExactAdmission { outputs, derived: &[], k: 10, n_pub: 500, parametrised }
}

fn sums(outputs: &[Output], parametrised: bool, patients: &[Vec<Vec<f64>>]) -> ExactSums {
    let plan = ExactPlan::admit(&admission(outputs, parametrised)).unwrap();
    let mut sums = ExactSums::new(&plan);
    for (number, patient) in (0_u128..).zip(patients) {
        sums.add(number.to_be_bytes(), Untrusted::new(Contribution(patient.clone())));
    }
    sums
}

const JOB: JobId = JobId::from_bytes([1; 16]);

fn held(outputs: &[Output], patients: &[Vec<Vec<f64>>]) -> (Evidence, ExactFigures) {
    let (held, members) = sums(outputs, false, patients).hold(JOB);
    let evidence = held.evidence().clone();
    let checked = Refinement::default().check(&members).unwrap();
    (evidence, held.released(checked).unwrap().figures().clone())
}

fn one_output(kind: Kind, patients: Vec<Vec<f64>>) -> (Vec<Verdict>, Vec<Option<f64>>, Option<u64>) {
    let patients: Vec<Vec<Vec<f64>>> = patients.into_iter().map(|p| vec![p]).collect();
    let (evidence, figures) = held(&[output("x", kind)], &patients);
    let verdicts = evidence.outputs[0].cells.iter().map(|c| c.verdict).collect();
    let numbers = figures.outputs[0].numbers.iter().map(|n| n.0).collect();
    (verdicts, numbers, figures.outputs[0].total)
}

/// So many patients a bin.
fn in_bins(counts: &[usize]) -> Vec<Vec<f64>> {
    let patient = |bin: usize| (0..counts.len()).map(|b| f64::from(u8::from(b == bin))).collect::<Vec<_>>();
    counts.iter().enumerate().flat_map(|(bin, n)| std::iter::repeat_n(patient(bin), *n)).collect()
}

#[test]
fn cells_below_k_are_suppressed_others_rounded_and_totals_are_of_released_cells() {
    use Verdict::{Shown, TooFew};
    let (verdicts, numbers, total) = one_output(histogram(5), in_bins(&[33, 9, 0, 47, 4]));
    assert_eq!(verdicts, [Shown, TooFew, Shown, Shown, TooFew]);
    assert_eq!(numbers, [Some(35.0), None, Some(0.0), Some(45.0), None]);
    assert_eq!(total, Some(80));
}

#[test]
fn a_single_suppressed_cell_takes_the_smallest_shown_one_with_it() {
    use Verdict::{Complement, Shown, TooFew};
    let (verdicts, numbers, _) = one_output(histogram(4), in_bins(&[33, 3, 12, 47]));
    assert_eq!(verdicts, [Shown, TooFew, Complement, Shown]);
    assert_eq!(numbers, [Some(35.0), None, None, Some(45.0)]);
}

#[test]
fn a_histogram_with_more_cells_than_a_third_of_the_patients_is_refused_whole() {
    let (verdicts, numbers, _) = one_output(histogram(10), in_bins(&[30, 0, 0, 0, 0, 0, 0, 0, 0, 0]));
    assert!(verdicts.iter().all(|v| *v == Verdict::Levels) && numbers.iter().all(Option::is_none));
    let (verdicts, ..) = one_output(histogram(10), in_bins(&[31, 0, 0, 0, 0, 0, 0, 0, 0, 0]));
    assert!(verdicts.iter().all(|v| *v == Verdict::Shown));
}

#[test]
fn a_dominated_mean_is_refused_and_an_even_one_is_exact() {
    let values =
        |largest: f64| (0..20).map(|i| vec![if i == 0 { largest } else { 7.25 }]).collect::<Vec<_>>();
    let (verdicts, numbers, _) = one_output(Kind::Mean(bounds()), values(7.25));
    assert_eq!((verdicts[0], numbers[0]), (Verdict::Shown, Some(7.25)));
    let (verdicts, numbers, _) = one_output(Kind::Mean(bounds()), values(50_000.0));
    assert_eq!((verdicts[0], numbers[0]), (Verdict::TopTwo, None));
    // Two large ones, the others 8.9 % of the larger: under 90 % it would not be seen.
    let mut two = values(2_000.0);
    two[1] = vec![400.0];
    let (verdicts, ..) = one_output(Kind::Sum(bounds()), two);
    assert_eq!(verdicts[0], Verdict::TopTwo);
}

#[test]
fn dominance_is_on_the_value_itself_and_not_on_its_distance_from_the_middle() {
    // Centred at about 50,000 all of these would be alike.
    let values = (0..20).map(|i| vec![if i == 0 { -100.0 } else { 0.25 }]).collect();
    assert_eq!(one_output(Kind::Sum(bounds()), values).0, [Verdict::TopTwo]);
}

#[test]
fn a_mean_of_nine_values_is_refused_though_the_cohort_is_large() {
    let values = (0..50).map(|i| vec![if i < 9 { 5.0 } else { f64::NAN }]).collect();
    assert_eq!(one_output(Kind::Mean(bounds()), values).0, [Verdict::TooFew]);
}

#[test]
fn shares_that_one_patient_dominates_are_refused_though_many_stand_in_the_cell() {
    let patients = (0..60).map(|i| vec![if i == 0 { 1.0 } else { 1.0 / 256.0 }, 0.5]).collect();
    let (verdicts, ..) = one_output(histogram(2), patients);
    assert_eq!(verdicts[0], Verdict::Shown, "59 others hold 23 % of the largest");
    let patients = (0..30).map(|i| vec![if i < 2 { 1.0 } else { 1.0 / 256.0 }, 0.5]).collect();
    let (verdicts, ..) = one_output(histogram(2), patients);
    assert_eq!(verdicts, [Verdict::TopTwo, Verdict::Shown], "thirty patients stand behind what is hidden");
}

#[test]
fn coordinates_of_a_vector_are_sums_each() {
    let kind = Kind::Vector { length: 2, clip: 64.0, grid_bits: 4 };
    let patients = (0..20).map(|i| vec![1.5, if i < 5 { 1.0 } else { 0.0 }]).collect();
    let (verdicts, numbers, _) = one_output(kind, patients);
    assert_eq!((verdicts[0], numbers[0]), (Verdict::Shown, Some(30.0)));
    assert_eq!((verdicts[1], numbers[1]), (Verdict::TooFew, None));
}

#[test]
fn below_k_patients_nothing_may_leave_whatever_was_checked() {
    let (held, members) = sums(&[output("n", Kind::Count)], false, &vec![vec![vec![1.0]]; 9]).hold(JOB);
    assert_eq!(held.evidence().cohort, Verdict::TooFew);
    assert!(Refinement::default().check(&members).is_err(), "nine patients are a piece below k");
    let (_, other) = sums(&[output("n", Kind::Count)], false, &vec![vec![vec![1.0]]; 20]).hold(JOB);
    let checked = Refinement::default().check(&other).unwrap();
    assert_eq!(held.released(checked), None);
}

#[test]
fn a_check_of_one_job_lets_no_other_out() {
    let job = |id: u8| {
        sums(&[output("n", Kind::Count)], false, &vec![vec![vec![1.0]]; 20]).hold(JobId::from_bytes([id; 16]))
    };
    let ((held, _), (_, members)) = (job(1), job(2));
    assert_eq!(held.released(Refinement::default().check(&members).unwrap()), None);
}

/// One count by an edge: a parameter moves it.
fn with_edge(job: u8, edge: usize, parametrised: bool) -> (Held, Members) {
    let patients: Vec<_> = (0..60).map(|i| vec![vec![f64::from(u8::from(i < edge))]]).collect();
    sums(&[output("n", Kind::Count)], parametrised, &patients).hold(JobId::from_bytes([job; 16]))
}

fn after(released: &Members, held: &Members) -> Result<(), Vec<SmallAtom>> {
    let mut all = Refinement::default();
    all.add(released);
    all.check(held).map(drop)
}

#[test]
fn a_parameter_that_moves_one_patient_over_an_edge_is_refused() {
    let ((_, first), (_, second), (_, far)) =
        (with_edge(1, 30, true), with_edge(2, 31, true), with_edge(3, 45, true));
    let small = after(&first, &second).unwrap_err();
    assert_eq!((small[0].patients, small[0].number.as_ref().unwrap().0.as_str()), (1, "n"));
    assert_eq!(after(&first, &far), Ok(()));
    // Without parameters the count means the same in every release; its cohort alone is kept.
    assert_eq!(after(&with_edge(1, 30, false).1, &with_edge(2, 31, false).1), Ok(()));
}

#[test]
fn a_held_result_is_read_back_as_it_was_written() {
    let (held, members) = with_edge(1, 30, true);
    let json = serde_json::to_vec(&held).unwrap();
    assert_eq!(serde_json::from_slice::<Held>(&json).unwrap(), held);
    let json = serde_json::to_vec(&members).unwrap();
    assert_eq!(serde_json::from_slice::<Members>(&json).unwrap(), members);
}

#[test]
fn debug_shows_nobody() {
    let sums = sums(&[output("n", Kind::Count)], true, &[vec![vec![1.0]]]);
    let debug = format!("{sums:?} {:?}", with_edge(1, 30, true).1);
    assert_eq!(debug, "ExactSums(..) Members(..)");
}

#[test]
fn the_order_and_the_split_of_patients_change_nothing() {
    let outputs = [output("m", Kind::Mean(bounds())), output("h", histogram(3))];
    let plan = ExactPlan::admit(&admission(&outputs, true)).unwrap();
    let patient = |i: u128| {
        let i = u32::try_from(i).unwrap();
        vec![vec![f64::from(i)], (0..3).map(|b| f64::from(u8::from(i % 3 == b))).collect()]
    };
    let add = |sums: &mut ExactSums, i: u128| {
        sums.add(i.to_be_bytes(), Untrusted::new(Contribution(patient(i))));
    };
    let (mut all, mut left, mut right) =
        (ExactSums::new(&plan), ExactSums::new(&plan), ExactSums::new(&plan));
    (0..60).for_each(|i| add(&mut all, i));
    (0..60).rev().for_each(|i| add(if i % 2 == 0 { &mut left } else { &mut right }, i));
    right.merge(left).unwrap();
    assert_eq!(right.hold(JOB), all.hold(JOB));
}

#[test]
fn a_wrong_shape_is_the_default_contribution_and_counts_in_the_cohort() {
    let mut patients = vec![vec![vec![1.0]]; 20];
    patients.extend([vec![vec![1.0, 1.0]], vec![], vec![vec![1.0], vec![1.0]]]);
    let (evidence, _) = held(&[output("n", Kind::Count)], &patients);
    assert_eq!((evidence.patients, evidence.outputs[0].cells[0].n), (23, 20));
}

#[test]
fn what_no_rule_allows_is_refused_at_admission() {
    let refused = |outputs: &[Output], k: u32, n_pub: u32| {
        let admission = ExactAdmission { outputs, derived: &[], k, n_pub, parametrised: false };
        ExactPlan::admit(&admission).unwrap_err().to_string()
    };
    let one = |kind| [output("x", kind)];
    assert!(refused(&one(histogram(41)), 10, 500).contains("40 levels"));
    assert!(ExactPlan::admit(&admission(&one(histogram(40)), false)).is_ok());
    let axis =
        |name: &str| Axis::Edges { name: name.parse().unwrap(), edges: (0..=40).map(f64::from).collect() };
    let wide = Kind::Table { axes: vec![axis("a"), axis("b"), axis("c")], cells_per_patient: 1 };
    assert!(refused(&one(wide), 10, 500).contains("numbers together"));
    assert!(refused(&one(Kind::Count), 4, 500).contains("at least 5"));
    assert!(refused(&one(Kind::Count), 10, 0).contains("size_bound"));
    assert!(refused(&[], 10, 500).contains("outputs"));
    let twice = [output("x", Kind::Count), output("x", Kind::Count)];
    assert!(refused(&twice, 10, 500).contains("two outputs"));
    let huge = Bounds { lower: -4e15, upper: 4e15, grid_bits: 0 };
    assert!(refused(&one(Kind::Sum(huge)), 10, 10_000).contains("overflow"));
    for bad in [f64::NAN, f64::INFINITY] {
        let edges = Kind::Histogram { edges: vec![0.0, bad], cells_per_patient: 1 };
        assert!(refused(&one(edges), 10, 500).contains("edges"));
    }
}

#[test]
fn values_that_are_no_numbers_and_extremes_end_at_the_bounds() {
    let odd = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, f64::MIN, -0.0];
    let patients: Vec<_> = (0..60).map(|i| vec![odd[i % 6]]).collect();
    let (verdicts, numbers, _) = one_output(Kind::Sum(bounds()), patients);
    assert_eq!((verdicts[0], numbers[0]), (Verdict::Shown, Some(10.0 * (100_000.0 - 100.0))));
}

#[test]
fn a_rehearsal_shows_what_the_airlock_would() {
    let outputs = [output("h", histogram(3))];
    let plan = ExactPlan::admit(&admission(&outputs, false)).unwrap();
    let patients = in_bins(&[30, 3, 20]).into_iter().map(|p| Untrusted::new(Contribution(vec![p])));
    let rehearsal = rehearse_exact(&plan, patients.collect());
    let verdicts: Vec<_> = rehearsal.evidence.outputs[0].cells.iter().map(|c| c.verdict).collect();
    assert_eq!(verdicts, [Verdict::Shown, Verdict::TooFew, Verdict::Complement]);
    assert_eq!(rehearsal.figures.outputs[0].total, Some(30));
}

#[test]
fn a_predicate_hidden_in_a_sum_counts_only_whom_it_takes_in() {
    let patients = (0..50).map(|i| vec![f64::from(u8::from(i < 3))]).collect();
    let (verdicts, numbers, _) = one_output(Kind::Sum(bounds()), patients);
    assert_eq!((verdicts[0], numbers[0]), (Verdict::TooFew, None), "three patients leave as a sum of fifty");
}

#[test]
fn a_vector_of_more_than_a_third_of_the_patients_is_refused_whole() {
    let of = |length: u32| {
        let kind = Kind::Vector { length, clip: 64.0, grid_bits: 2 };
        one_output(kind, vec![vec![1.0; length as usize]; 30]).0
    };
    assert_eq!(of(9), [Verdict::Shown; 9]);
    assert_eq!(of(10), [Verdict::Model; 10], "as many equations as it takes to solve for the patients");
}
