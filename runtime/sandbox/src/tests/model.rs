use super::{everything, guests::guest, limits, load, nothing, patient::Fake};
use crate::{Call, Grant, MapFault, run::outputs};
use std::sync::Arc;
use trocar_inference::{Model, Models, Runtime};
use trocar_terms::Limits;
use trocar_testkit::onnx::{FLOAT, Graph};

/// `y = 2 x + 1` over four numbers, under the name `age`: the guests' memory begins with it.
fn models() -> Arc<Models> {
    let graph = Graph::new("g").floats("two", &[1], &[2.0]).floats("one", &[1], &[1.0]);
    let graph = graph.node("Mul", &["x", "two"], &["m"], &[]).node("Add", &["m", "one"], &["y"], &[]);
    let bytes = graph.input("x", FLOAT, &[1, 4]).output("y", FLOAT, &[1, 4]).model(17);
    Arc::new(Models::from([("age".to_owned(), Model::load(&bytes, &Runtime::Embedded).unwrap())]))
}

fn ran(body: &str, limits: &Limits, grant: &Grant, count: usize) -> Result<Vec<f64>, MapFault> {
    let models = models();
    let call = Call { grant, limits, params: &[], state: &[], shape: &[count], models: &models };
    outputs(&load(&guest(body)), Box::new(Fake), &call).map(|mut all| all.remove(0))
}

/// Calls the model of this name with `count` equal tensors of these dimensions, whose numbers are 0, 1, 2 and so on.
fn infer(name: u32, dims: &[u32], (numbers, count): (u32, u32)) -> String {
    let mut text = String::new();
    for (at, dim) in (0_u32..).zip(dims) {
        text += &format!("(i32.store (i32.const {}) (i32.const {dim}))", 6_000 + 4 * at);
    }
    for number in 0..numbers.min(8) {
        text += &format!("(f32.store (i32.const {}) (f32.const {number}))", 6_100 + 4 * number);
    }
    for tensor in 0..count.min(4) {
        let fields = [6_000, u32::try_from(dims.len()).unwrap(), 6_100, numbers];
        for (at, field) in (0_u32..).zip(fields) {
            text += &format!("(i32.store (i32.const {}) (i32.const {field}))", 7_000 + 16 * tensor + 4 * at);
        }
    }
    text + &format!(
        "(call $infer (i32.const 0) (i32.const {name}) (i32.const 7000) (i32.const {count}) (i32.const 64))"
    )
}

/// Reports whether the call failed, and its fault.
fn fault(call: &str) -> Vec<f64> {
    let body = format!(
        "{call}
         (call $put (i32.const 0) (f64.convert_i32_u (i32.load8_u (i32.const 64))))
         (call $put (i32.const 1) (f64.convert_i32_u (i32.load8_u (i32.const 68))))
         (call $answer (i32.const 2))"
    );
    ran(&body, &limits(), &everything(), 2).unwrap()
}

// Positions of `fault` in sdk/wit.
const NOT_GRANTED: f64 = 0.0;
const OUT_OF_RANGE: f64 = 3.0;

#[test]
fn a_guest_is_given_what_the_model_computes() {
    let mut body = infer(3, &[1, 4], (4, 1));
    body += "(local.set $h (i32.load (i32.const 68)))";
    for (at, load) in [
        "(i32.load (i32.const 72))",
        "(i32.load offset=4 (local.get $h))",
        "(i32.load (i32.load (local.get $h)))",
        "(i32.load offset=4 (i32.load (local.get $h)))",
    ]
    .into_iter()
    .enumerate()
    {
        body += &format!("(call $put (i32.const {at}) (f64.convert_i32_u {load}))");
    }
    for at in 0..4 {
        let load = format!("(f32.load offset={} (i32.load offset=8 (local.get $h)))", 4 * at);
        body += &format!("(call $put (i32.const {}) (f64.promote_f32 {load}))", 4 + at);
    }
    body += "(call $answer (i32.const 8))";
    let numbers = ran(&body, &limits(), &everything(), 8).unwrap();
    assert_eq!(numbers, [1.0, 2.0, 1.0, 4.0, 1.0, 3.0, 5.0, 7.0]);
}

#[test]
fn a_model_that_the_manifest_does_not_name_is_not_granted() {
    for length in [0, 2, 4, 9] {
        assert_eq!(fault(&infer(length, &[1, 4], (4, 1))), [1.0, NOT_GRANTED]);
    }
}

#[test]
fn tensors_that_the_model_does_not_take_are_out_of_range() {
    for (dims, numbers, count) in [
        (&[1, 4][..], 3, 1),
        (&[4, 1], 4, 1),
        (&[4], 4, 1),
        (&[1, 4], 4, 0),
        (&[1, 4], 4, 2),
        (&[], 0, 1),
        (&[u32::MAX; 3], 4, 1),
    ] {
        assert_eq!(fault(&infer(3, dims, (numbers, count))), [1.0, OUT_OF_RANGE], "{dims:?}");
    }
}

#[test]
fn tensors_that_claim_more_than_a_model_takes_end_the_guest_before_they_are_copied() {
    // Two lists over the same bytes claim 2 GiB, and a hundred thousand tensors what no memory holds.
    let started = std::time::Instant::now();
    for call in [infer(3, &[1, 4], (1 << 18, 2)), infer(3, &[1, 4], (4, 100_000))] {
        let body = format!("{call} (call $answer (i32.const 1))");
        let fault = ran(&body, &limits(), &everything(), 1).unwrap_err();
        assert!(matches!(fault, MapFault::Trap(_)), "{fault}");
    }
    assert!(started.elapsed().as_secs() < 20);
}

#[test]
fn a_run_is_paid_before_it_is_made() {
    let body = format!("{} (call $answer (i32.const 1))", infer(3, &[1, 4], (4, 1)));
    let price = models()["age"].facts().fuel;
    let poor = Limits::new(price, 8, 10).unwrap();
    assert!(matches!(ran(&body, &poor, &everything(), 1), Err(MapFault::Fuel)));
    let rich = Limits::new(price + 1_000_000, 8, 10).unwrap();
    assert!(ran(&body, &rich, &everything(), 1).is_ok());
}

#[test]
fn without_the_interface_in_the_grant_a_component_that_imports_it_is_not_admitted() {
    let component = super::guests::component(&guest("(call $answer (i32.const 1))"));
    let grant = Grant { models: false, ..everything() };
    let refused = crate::admit(&component, &grant).unwrap_err();
    assert!(refused.to_string().contains("trocar:guest/model@0.1.1"), "{refused}");
    assert!(crate::admit(&component, &nothing()).is_err());
}
