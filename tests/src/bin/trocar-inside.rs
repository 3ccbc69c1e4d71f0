//! The product with an attacker's native code in its workers, and a switch that takes their containment away. It lives here,
//! where nothing of the product can link it (layering.rs).
//!
//! `inside.json` beside the program says what to attack: a worker has neither arguments nor an environment.

use std::process::ExitCode;
use trocar::Outside;

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() != Some("worker") {
        return trocar::main(Outside::SYSTEM);
    }
    let program = std::env::current_exe().expect("this program has a path");
    let plan = std::fs::read(program.with_file_name("inside.json")).expect("inside.json can be read");
    let plan = serde_json::from_slice(&plan).expect("inside.json is a plan");
    trocar_worker::serve_with(&trocar_native::inside(plan))
}
