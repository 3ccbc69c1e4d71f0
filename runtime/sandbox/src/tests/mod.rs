//! One tiny guest for each behaviour, written in WAT and encoded as a component here.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::float_cmp,
    reason = "tests may panic, and compare numbers that are exact"
)]

mod admission;
mod guests;
mod host;
mod limits;
mod model;
mod patient;

use crate::{Call, Grant, MapFault, Runner, compile, run::outputs};
use patient::Fake;
use std::sync::Arc;
use trocar_terms::{Limits, Modality, Value};

/// Everything that the fake patient has.
fn everything() -> Grant {
    Grant {
        modalities: vec![Modality::CT, Modality::PT],
        pixels: true,
        masks: vec!["liver".into()],
        attributes: vec!["Manufacturer".into()],
        columns: vec!["age_years".into(), "sex".into(), "absent".into()],
        models: true,
    }
}

fn nothing() -> Grant {
    Grant {
        modalities: vec![],
        pixels: false,
        masks: vec![],
        attributes: vec![],
        columns: vec![],
        models: false,
    }
}

fn limits() -> Limits {
    Limits::new(1_000_000_000, 8, 10).unwrap()
}

fn load(wat: &str) -> Runner {
    load_component(&guests::component(wat))
}

fn load_component(component: &[u8]) -> Runner {
    let code = compile(component, &everything()).expect("compiles");
    Runner::load(&code).expect("loads")
}

/// Runs a guest over the fake patient under `grant`.
fn map(runner: &Runner, grant: &Grant, limits: &Limits, shape: &[usize]) -> Result<Vec<Vec<f64>>, MapFault> {
    let params = [("age".to_owned(), Value::Integer(61)), ("cut".to_owned(), Value::Real(0.5))];
    let call = Call { grant, limits, params: &params, state: &[0.25, 4.0], shape, models: &Arc::default() };
    outputs(runner, Box::new(Fake), &call)
}

/// Compiles a guest and runs it with everything granted.
fn once(wat: &str, shape: &[usize]) -> Result<Vec<Vec<f64>>, MapFault> {
    map(&load(wat), &everything(), &limits(), shape)
}
