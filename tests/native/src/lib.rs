//! Native code in the place of one patient's guest, as if the engine had been escaped from: what it tries, and what the next
//! patient's process finds of it.

mod call;
mod find;
mod lack;
mod tries;

pub use find::FINDS;
pub use lack::{LANDLOCK, SECCOMP};
pub use tries::TRIES;

use serde::{Deserialize, Serialize};
use std::{
    fs::File,
    sync::{OnceLock, atomic::AtomicU8},
    time::Duration,
};
use trocar_terms::Value;
use trocar_worker::{Inside, Subject};

/// What the attacker knows ahead: more than one would.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Plan {
    /// Workers contain themselves.
    pub contained: bool,
    /// System calls that the kernel is not to know, as if it had been built without them.
    pub lacks: Vec<i64>,
    /// The age of the patient in whose process the attempts are made.
    pub attacked: i64,
    /// The age of the patient in whose process their traces are looked for.
    pub finds: i64,
    /// The age of the patient in whose process nothing happens for ever.
    pub hangs: i64,
    /// The age of the patient in whose process the stack is used.
    pub digs: i64,
    /// A key of the node.
    pub key: String,
    /// A file of another patient.
    pub other: String,
    /// A path that can be written, and is not there.
    pub absent: String,
    /// A port of the node's machine that somebody listens on.
    pub port: u16,
    /// The node's process, and eight bytes of its memory: where they are, and what they are.
    pub node: i32,
    /// Where they are.
    pub address: usize,
    /// What they are.
    pub secret: u64,
    /// A key of System V shared memory that nobody else uses.
    pub shared: i32,
}

/// What an attacked worker is asked, known before it is contained.
pub static PLAN: OnceLock<Plan> = OnceLock::new();

/// Static memory of the worker.
pub(crate) static BYTE: AtomicU8 = AtomicU8::new(0);

/// Something native code tries or looks for.
#[derive(Debug, Clone, Copy)]
pub struct Attempt {
    /// In words.
    pub name: &'static str,
    /// An ordinary user's process that is not contained can do it on any Linux: the attempt is known to bite.
    pub bites: bool,
    /// Whether it was done.
    pub attempt: fn(&Plan, &[File]) -> bool,
}

/// A worker with the attacker's code in it.
#[must_use]
pub fn inside(plan: Plan) -> Inside {
    let contained = plan.contained;
    lack::lack(&plan.lacks);
    let _ = PLAN.set(plan);
    Inside { contained, patient }
}

/// Answers which attempts succeeded, one bit each, in place of the guests of two patients.
fn patient(subject: &Subject, files: &[File]) -> Option<Vec<Vec<f64>>> {
    let plan = PLAN.get()?;
    let Some(Value::Integer(age)) = subject.columns.get("age_years") else { return None };
    match *age {
        age if age == plan.attacked => {
            find::leave(plan.secret);
            Some(vec![vec![bits(TRIES, plan, files)]])
        }
        age if age == plan.finds => Some(vec![vec![bits(FINDS, plan, files)]]),
        age if age == plan.hangs => loop {
            std::thread::sleep(Duration::from_secs(1));
        },
        age if age == plan.digs => Some(vec![vec![if dug(call::at(&files)) < DEEP { 0.0 } else { 48.0 }]]),
        _ => None,
    }
}

/// What a parser's recursion may need, in bytes: of the 64 MiB that a worker has.
const DEEP: usize = 48 << 20;

/// Recurses until the stack is so deep, and comes back.
fn dug(top: usize) -> usize {
    let frame = std::hint::black_box([0_u8; 1_024]);
    let used = top.saturating_sub(call::at(&frame));
    let used = if used < DEEP { dug(top) } else { used };
    std::hint::black_box(&frame);
    used
}

/// Fewer than 53 attempts: each has a bit of its own in a double.
fn bits(attempts: &[Attempt], plan: &Plan, files: &[File]) -> f64 {
    let done = |(bit, one): (f64, &Attempt)| if (one.attempt)(plan, files) { bit } else { 0.0 };
    powers().zip(attempts).map(done).sum()
}

fn powers() -> impl Iterator<Item = f64> {
    std::iter::successors(Some(1.0), |bit| Some(bit * 2.0))
}

/// The names of the attempts whose bits are set.
#[must_use]
pub fn named(attempts: &'static [Attempt], bits: f64) -> Vec<&'static str> {
    let set = |bit: f64| (bits / bit).floor() % 2.0 >= 1.0;
    powers().zip(attempts).filter(|(bit, _)| set(*bit)).map(|(_, one)| one.name).collect()
}
