use super::{
    everything,
    guests::{component_of_0_1_0, guest},
    limits, load, load_component, map, nothing, once,
};
use crate::{Grant, MapFault};
use trocar_terms::Modality;

// Positions of `fault` in sdk/wit.
const NOT_GRANTED: f64 = 0.0;
const ABSENT: f64 = 1.0;
const UNSUPPORTED: f64 = 2.0;
const OUT_OF_RANGE: f64 = 3.0;

/// Returns the numbers of the first output.
fn seen(body: &str, grant: &Grant, count: usize) -> Vec<f64> {
    map(&load(&guest(body)), grant, &limits(), &[count]).expect("maps").remove(0)
}

/// Reports whether a call that answers at 64 failed, and its fault at `offset`.
fn report(call: &str, offset: u32) -> String {
    format!(
        "{call}
         (call $put (i32.const 0) (f64.convert_i32_u (i32.load8_u (i32.const 64))))
         (call $put (i32.const 1) (f64.convert_i32_u (i32.load8_u (i32.const {offset}))))
         (call $answer (i32.const 2))"
    )
}

fn column(at: u32, length: u32) -> String {
    format!("(call $column (local.get $patient) (i32.const {at}) (i32.const {length}) (i32.const 64))")
}

fn attribute(series: u32, at: u32, length: u32) -> String {
    format!(
        "(call $attribute (local.get $patient) (i32.const {series}) (i32.const {at}) (i32.const {length}) (i32.const 64))"
    )
}

fn open(series: u32) -> String {
    format!("(call $open (local.get $patient) (i32.const {series}) (i32.const 64))")
}

fn read(method: &str, series: u32, first: u32, count: u32) -> String {
    format!(
        "{} (local.set $h (i32.load (i32.const 68)))
         (call ${method} (local.get $h) (i32.const {first}) (i32.const {count}) (i32.const 64))",
        open(series)
    )
}

#[test]
fn a_granted_column_is_given_with_its_type() {
    let body = format!(
        "{} (call $put (i32.const 0) (f64.convert_i32_u (i32.load8_u (i32.const 64))))
         (call $put (i32.const 1) (f64.convert_i32_u (i32.load8_u (i32.const 72))))
         (call $put (i32.const 2) (f64.convert_i64_s (i64.load (i32.const 80)))) (call $answer (i32.const 3))",
        column(0, 9)
    );
    assert_eq!(seen(&body, &everything(), 3), [0.0, 0.0, 61.0]);
}

#[test]
fn a_column_outside_the_grant_is_not_granted_even_where_it_exists() {
    assert_eq!(seen(&report(&column(18, 6), 72), &everything(), 2), [1.0, NOT_GRANTED]);
    assert_eq!(
        seen(&report(&column(0, 9), 72), &Grant { columns: vec![], ..everything() }, 2),
        [1.0, NOT_GRANTED]
    );
}

#[test]
fn a_granted_column_that_the_patient_lacks_is_absent() {
    assert_eq!(seen(&report(&column(12, 6), 72), &everything(), 2), [1.0, ABSENT]);
}

#[test]
fn an_attribute_outside_the_grant_is_not_granted() {
    assert_eq!(seen(&report(&attribute(0, 24, 12), 72), &everything(), 2)[0], 0.0);
    assert_eq!(seen(&report(&attribute(0, 41, 9), 72), &everything(), 2), [1.0, NOT_GRANTED]);
    assert_eq!(seen(&report(&attribute(9, 24, 12), 72), &everything(), 2), [1.0, OUT_OF_RANGE]);
}

#[test]
fn pixels_outside_the_grant_are_not_granted() {
    assert_eq!(seen(&report(&open(0), 68), &everything(), 2)[0], 0.0);
    assert_eq!(seen(&report(&open(0), 68), &Grant { pixels: false, ..everything() }, 2), [1.0, NOT_GRANTED]);
}

#[test]
fn only_series_of_granted_modalities_exist() {
    let body = "(call $series (local.get $patient) (i32.const 64))
         (call $put (i32.const 0) (f64.convert_i32_u (i32.load (i32.const 68)))) (call $answer (i32.const 1))";
    let only = |modalities: &[Modality]| Grant { modalities: modalities.to_vec(), ..everything() };
    assert_eq!(seen(body, &everything(), 1), [3.0]);
    assert_eq!(seen(body, &only(&[Modality::MR]), 1), [1.0]);
    assert_eq!(seen(body, &only(&[]), 1), [0.0]);
    assert_eq!(seen(&report(&open(1), 68), &only(&[Modality::PT]), 2), [1.0, OUT_OF_RANGE]);
}

#[test]
fn a_series_index_counts_granted_series_only() {
    // Series 0 under this grant is the patient's third.
    let body = format!(
        "{} (call $put (i32.const 0) (f64.promote_f32 (f32.load offset=4 (i32.load (i32.const 68)))))
         (call $answer (i32.const 1))",
        read("read_f32", 0, 0, 1)
    );
    assert_eq!(seen(&body, &Grant { modalities: vec![Modality::PT], ..everything() }, 1), [1.5]);
    let whole = report(&read("read_s16", 0, 0, 1), 68);
    assert_eq!(
        seen(&whole, &Grant { modalities: vec![Modality::PT], ..everything() }, 2),
        [1.0, UNSUPPORTED]
    );
}

#[test]
fn a_slab_holds_the_slices_that_were_asked_for() {
    let body = format!(
        "{} (call $put (i32.const 0) (f64.convert_i32_u (i32.load (i32.const 72))))
         (call $put (i32.const 1) (f64.convert_i32_s (i32.load16_s (i32.load (i32.const 68)))))
         (call $put (i32.const 2) (f64.convert_i32_s (i32.load16_s offset=30 (i32.load (i32.const 68)))))
         (call $answer (i32.const 3))",
        read("read_s16", 0, 1, 2)
    );
    assert_eq!(seen(&body, &everything(), 3), [16.0, -2.0, 13.0]);
}

#[test]
fn bytes_are_the_same_voxels_little_endian() {
    let bytes = |series, load: &str| {
        let body = format!(
            "{} (call $put (i32.const 0) (f64.convert_i32_u (i32.load (i32.const 72))))
             (call $put (i32.const 1) {load}) (call $answer (i32.const 2))",
            read("read_bytes", series, 0, 3)
        );
        seen(&body, &everything(), 2)
    };
    assert_eq!(
        bytes(0, "(f64.convert_i32_s (i32.load16_s offset=46 (i32.load (i32.const 68))))"),
        [48.0, 13.0]
    );
    assert_eq!(bytes(1, "(f64.promote_f32 (f32.load offset=92 (i32.load (i32.const 68))))"), [96.0, 23.5]);
}

#[test]
fn slices_beyond_the_end_are_out_of_range() {
    for (first, count) in [(0, 4), (3, 1), (0, 0), (u32::MAX, 1), (1, u32::MAX), (u32::MAX, u32::MAX)] {
        let body = report(&read("read_s16", 0, first, count), 68);
        assert_eq!(seen(&body, &everything(), 2), [1.0, OUT_OF_RANGE], "{first} {count}");
    }
}

#[test]
fn a_slab_over_two_mebibytes_is_out_of_range() {
    assert_eq!(seen(&report(&read("read_s16", 2, 0, 1), 68), &everything(), 2)[0], 0.0);
    for (method, count) in [("read_s16", 2), ("read_bytes", 2), ("read_f32", 1)] {
        let body = report(&read(method, 2, 0, count), 68);
        assert_eq!(seen(&body, &everything(), 2), [1.0, OUT_OF_RANGE], "{method}");
    }
}

#[test]
fn the_grid_of_a_volume_is_that_of_its_series() {
    let body = format!(
        "{} (call $grid (i32.load (i32.const 68)) (i32.const 64))
         (call $put (i32.const 0) (f64.convert_i32_u (i32.load (i32.const 64))))
         (call $put (i32.const 1) (f64.convert_i32_u (i32.load (i32.const 72))))
         (call $put (i32.const 2) (f64.load (i32.const 88))) (call $answer (i32.const 3))",
        open(0)
    );
    assert_eq!(seen(&body, &everything(), 3), [4.0, 3.0, 0.75]);
}

/// Opens series 0 on a grid of so many slices and reports on it.
fn resampled(slices: u32, then: &str) -> String {
    format!(
        "{} (call $resample (i32.load (i32.const 68)) (i32.const 2) (i32.const 2) (i32.const {slices})
           (f64.const 1) (f64.const 1) (f64.const 1) (i32.const 64)) {then}",
        open(0)
    )
}

#[test]
fn a_volume_is_read_on_the_grid_that_the_guest_asks_for() {
    let read = "(call $read_f32 (i32.load (i32.const 68)) (i32.const 1) (i32.const 1) (i32.const 64))
         (call $put (i32.const 0) (f64.convert_i32_u (i32.load (i32.const 72))))
         (call $put (i32.const 1) (f64.promote_f32 (f32.load (i32.load (i32.const 68)))))
         (call $answer (i32.const 2))";
    assert_eq!(seen(&resampled(2, read), &everything(), 2), [4.0, 4.5]);
    let whole = "(call $read_s16 (i32.load (i32.const 68)) (i32.const 1) (i32.const 1) (i32.const 64))";
    assert_eq!(seen(&report(&resampled(2, whole), 68), &everything(), 2), [1.0, UNSUPPORTED]);
    assert_eq!(seen(&report(&resampled(0, ""), 68), &everything(), 2), [1.0, OUT_OF_RANGE]);
}

fn open_on(series: u32, like: u32) -> String {
    format!("(call $open_on (local.get $patient) (i32.const {series}) (i32.const {like}) (i32.const 64))")
}

#[test]
fn a_series_is_opened_on_the_grid_of_another_in_its_frame_of_reference() {
    // Under this grant the CT is series 0 and the PET series 1.
    let two = Grant { modalities: vec![Modality::CT, Modality::PT], ..everything() };
    assert_eq!(seen(&report(&open_on(1, 0), 68), &two, 2)[0], 0.0);
    assert_eq!(seen(&report(&open_on(1, 9), 68), &two, 2), [1.0, OUT_OF_RANGE]);
    assert_eq!(seen(&report(&open_on(9, 0), 68), &two, 2), [1.0, OUT_OF_RANGE]);
    // Its third is the large CT, which has a frame of reference of its own.
    assert_eq!(seen(&report(&open_on(0, 2), 68), &two, 2), [1.0, ABSENT]);
    assert_eq!(seen(&report(&open_on(0, 1), 68), &Grant { pixels: false, ..two }, 2), [1.0, NOT_GRANTED]);
}

#[test]
fn a_component_of_the_contract_s_first_version_runs() {
    let body = format!("{} (call $answer (i32.const 0))", open(0));
    let outputs = map(&load_component(&component_of_0_1_0(&guest(&body))), &everything(), &limits(), &[0]);
    assert_eq!(outputs.expect("maps"), [Vec::<f64>::new()]);
}

#[test]
fn a_mask_is_not_granted_by_default_and_a_label_outside_the_grant_is_none() {
    let mask = |at: u32, length: u32| {
        format!(
            "(call $open_mask (local.get $patient) (i32.const 0) (i32.const {at}) (i32.const {length}) (i32.const 64))"
        )
    };
    assert_eq!(seen(&report(&mask(36, 5), 68), &nothing(), 2), [1.0, NOT_GRANTED]);
    assert_eq!(seen(&report(&mask(36, 4), 68), &everything(), 2), [1.0, NOT_GRANTED]);
    let mut lacking = everything();
    lacking.masks = vec!["secret".into()];
    assert_eq!(seen(&report(&mask(18, 6), 68), &lacking, 2), [1.0, ABSENT]);
}

#[test]
fn the_slices_of_a_mask_are_bytes_of_0_and_1() {
    let body = "(call $open_mask (local.get $patient) (i32.const 0) (i32.const 36) (i32.const 5) (i32.const 64))
         (call $read_mask (i32.load (i32.const 68)) (i32.const 1) (i32.const 2) (i32.const 80))
         (call $put (i32.const 0) (f64.convert_i32_u (i32.load (i32.const 88))))
         (call $put (i32.const 1) (f64.convert_i32_u (i32.load8_u (i32.load (i32.const 84)))))
         (call $put (i32.const 2) (f64.convert_i32_u (i32.load8_u (i32.add (i32.load (i32.const 84)) (i32.const 1)))))
         (call $answer (i32.const 3))";
    assert_eq!(seen(body, &everything(), 3), [16.0, 0.0, 1.0]);
}

#[test]
fn a_name_as_long_as_the_memory_is_refused_before_it_is_copied() {
    assert!(matches!(once(&guest(&report(&column(0, 1_000_000), 72)), &[2]), Err(MapFault::Trap(_))));
}

#[test]
fn a_guest_holds_at_most_a_few_volumes_at_once() {
    let opens = |count: u32| {
        guest(&format!(
            "(loop $again {} (local.set $i (i32.add (local.get $i) (i32.const 1)))
               (br_if $again (i32.lt_u (local.get $i) (i32.const {count}))))
             (call $answer (i32.const 0))",
            open(0)
        ))
    };
    assert!(once(&opens(60), &[0]).is_ok());
    assert!(matches!(once(&opens(100), &[0]), Err(MapFault::Trap(_))));
}
