//! Models are looked at in a contained process of their own, whatever they do there.
#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used, reason = "helpers of tests may panic")]

use std::path::PathBuf;
use trocar_testkit::onnx::{FLOAT, Graph, meshnet};
use trocar_worker::{EMBEDDED, Launcher, ModelRefused, ModelRuntime, check_model};

fn launcher() -> Launcher {
    Launcher::new(PathBuf::from(env!("CARGO_BIN_EXE_trocar-worker")))
}

#[test]
fn a_good_model_is_priced_and_its_runtime_named() {
    let facts = check_model(&launcher(), &meshnet(8, 1), &ModelRuntime::embedded()).unwrap();
    assert_eq!((facts.runtime.as_str(), facts.operators), (EMBEDDED, 12));
    assert_eq!(facts.inputs[0].shape, [1, 1, 8, 8, 8]);
}

#[test]
fn a_refusal_says_why() {
    let graph = Graph::new("g").node("NonZero", &["x"], &["y"], &[]);
    let bytes = graph.input("x", FLOAT, &[1, 4]).output("y", FLOAT, &[1, 4]).model(17);
    let refused = check_model(&launcher(), &bytes, &ModelRuntime::embedded()).unwrap_err();
    assert_eq!(refused, ModelRefused::Why("the shape of what NonZero gives depends on the data".into()));
}

#[test]
fn a_model_that_asks_for_more_memory_than_a_worker_may_have_costs_its_process_alone() {
    let graph = Graph::new("g").ints("size", &[2], &[1 << 20, 1 << 20]);
    let graph = graph.node("ConstantOfShape", &["size"], &["c"], &[]).node("Add", &["x", "c"], &["y"], &[]);
    let bytes = graph.input("x", FLOAT, &[1, 1]).output("y", FLOAT, &[1, 1]).model(17);
    assert!(check_model(&launcher(), &bytes, &ModelRuntime::embedded()).is_err());
}

#[test]
fn a_library_that_is_none_is_refused_and_nothing_of_it_is_run() {
    let runtime = ModelRuntime::library(b"no library").unwrap();
    let Err(ModelRefused::Why(why)) = check_model(&launcher(), &meshnet(8, 1), &runtime) else {
        panic!("a library that is none was opened");
    };
    assert!(why.starts_with("the library of onnxruntime cannot be opened"), "{why}");
}
