//! Steps 4 to 6: quantise, clip, sum.

use crate::*;

fn any_contribution() -> impl Strategy<Value = Contribution> {
    let number =
        prop_oneof![any::<u64>().prop_map(f64::from_bits), -2.0..2.0, Just(f64::NAN), Just(f64::MAX)];
    let lengths = prop_oneof![4 => Just(vec![1_usize, 1, 1, 3, 4, 3, 1, 1, 2]), 1 => prop::collection::vec(0_usize..5, 0..10)];
    lengths.prop_flat_map(move |lengths| {
        let vectors: Vec<_> = lengths.into_iter().map(|n| prop::collection::vec(number.clone(), n)).collect();
        vectors.prop_map(Contribution)
    })
}

proptest! {
    #[test]
    fn sums_are_the_same_bits_in_any_order_and_split(
        all in prop::collection::vec(any_contribution(), 0..12).prop_shuffle(),
        cut in 0_usize..12,
    ) {
        let plan = plan(&all_kinds());
        let (left, right) = all.split_at(cut.min(all.len()));
        let mut split = sums(&plan, right.iter().rev().cloned());
        split.merge(sums(&plan, left.iter().cloned())).unwrap();
        prop_assert_eq!(split.bytes(), sums(&plan, all).bytes());
    }

    #[test]
    fn whatever_one_patient_returns_her_norm_stays_within_the_sensitivity(hers in any_contribution()) {
        let wrapped = vec![Untrusted::new(hers)];
        let rehearsal = rehearse(&plan(&all_kinds()), wrapped, &mut Silent::default(), true);
        // S of each kind: 256; ceil(sqrt 2 * half); 256 sqrt(m); clip * 2^grid_bits; 3/2 * half; 256; 2^16 sqrt(4.5).
        let bounds: [u64; 9] = [256, 11_586, 46_341, 256, 363, 8192, 98_304, 256, 139_023];
        for (q, s) in rehearsal.patients[0].quantised.iter().zip(bounds) {
            let norm2: i128 = q.iter().map(|v| i128::from(*v).pow(2)).sum();
            prop_assert!(norm2 <= i128::from(s).pow(2), "{q:?} is longer than {s}");
        }
    }
}

#[test]
fn a_wrong_shape_is_the_default_contribution() {
    let plan = plan(&all_kinds());
    let mut default = Sums::new(&plan);
    default.add_default();
    let mut long = patient(3);
    long.0[2].push(1.0);
    let mut extra = patient(3);
    extra.0.push(vec![]);
    for wrong in [Contribution::default(), long, extra] {
        assert_eq!(sums(&plan, [wrong]).bytes(), default.bytes());
    }
}

#[test]
fn a_nan_carries_no_payload_and_a_negative_zero_no_sign() {
    let plan = plan(&all_kinds());
    let with =
        |x: f64| sums(&plan, [Contribution(all_kinds().iter().map(|o| vec![x; o.kind.length()]).collect())]);
    for bits in [0x7ff8_0000_0000_0001, 0xfff8_dead_beef_cafe, 0x7ff0_0000_0000_0001] {
        assert_eq!(with(f64::from_bits(bits)).bytes(), with(f64::NAN).bytes());
        assert_eq!(with(f64::INFINITY).bytes(), with(f64::NAN).bytes());
    }
    assert_eq!(with(-0.0).bytes(), with(0.0).bytes());
}

#[test]
fn a_patient_without_a_value_does_not_pull_the_mean() {
    let plan = plan(&[output("mean", "0.02", Kind::Mean(bounds(0.0, 100.0, 4)))]);
    let values = (0..40).map(|_| 80.0).chain((0..40).map(|_| f64::NAN));
    assert_eq!(exact(&plan, values.map(|x| Contribution(vec![vec![x]]))), Some(vec![vec![80.0]]));
}

#[test]
fn a_bound_of_a_norm_is_reached_and_not_higher_than_it_must_be() {
    let rows = [
        (Kind::Variance(bounds(-1024.0, 3072.0, 4)), vec![3072.0], 98_304.0),
        (Kind::Variance(bounds(0.0, 4.0, 0)), vec![f64::NAN], 0.0),
        (moments(), vec![64.0, -1.0], 139_022.85),
    ];
    for (kind, values, norm) in rows {
        let plan = plan(&[output("x", "0.02", kind.clone())]);
        let one = vec![Untrusted::new(Contribution(vec![values]))];
        let row = rehearse(&plan, one, &mut Silent::default(), true).patients.remove(0);
        let found: f64 = row.quantised[0].iter().map(|q| (*q as f64).powi(2)).sum::<f64>().sqrt();
        assert!((found - norm).abs() < 0.1, "{kind:?}: {found}");
    }
}

#[test]
fn who_lacks_one_variable_counts_in_none() {
    let plan = plan(&[output("products", "0.02", moments())]);
    let with = |values: [f64; 2]| sums(&plan, [Contribution(vec![values.to_vec()])]).bytes();
    let mut default = Sums::new(&plan);
    default.add_default();
    for values in [[f64::NAN, 0.0], [1.0, f64::INFINITY], [f64::NEG_INFINITY, f64::NAN]] {
        assert_eq!(with(values), default.bytes());
    }
}

#[test]
fn sums_of_another_plan_are_not_added() {
    let (one, other) = (plan(&all_kinds()), plan(&[output("n", "0.005", Kind::Count)]));
    assert_eq!(Sums::new(&one).merge(Sums::new(&other)), Err(OtherPlan));
}

#[test]
fn a_sum_beyond_the_reach_of_a_float_keeps_its_last_bit() {
    // 2^52 - 1 units a patient: after four of them a double drops the last bit.
    let kind = Kind::Vector { length: 1, clip: 4096.0, grid_bits: 40 };
    let plan = plan(&[output("g", "0.5", kind)]);
    let (units, patients) = ((1_i128 << 52) - 1, 400_u16);
    let one = || Contribution(vec![vec![units as f64 * f64::exp2(-40.0)]]);
    let bytes = sums(&plan, (0..patients).map(|_| one())).bytes();
    let expected = i128::from(patients) * units;
    assert_eq!(bytes[8..], expected.to_be_bytes(), "the sum is not the exact integer");
}
