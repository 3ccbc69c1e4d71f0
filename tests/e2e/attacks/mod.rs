//! The attacks of PRIVACY.md section 5: each guest of tests/guests/attack_* in the real sandbox, and what a researcher can
//! try without a guest of her own; native code inside a worker, where a guest has escaped. Channels of the ledger alone are
//! proved in runtime/ledger.

mod admission;
mod claim;
mod differencing;
mod estimate;
mod hashes;
mod identical;
mod inside;
mod killed;
pub mod lab;
mod oracle;
mod repeats;
pub mod row;
mod sandboxed;
mod time;

mod calls;
mod endless;
mod escape;
mod imports;
mod low_bit;
mod memory;
mod nan;
mod one_hot;
mod order;
mod padding;
mod poison;
mod rounds;
mod shape;
mod state;
mod trap;
mod words;

include!(concat!(env!("OUT_DIR"), "/attack_guests.rs"));

/// Trials, instances or returns: the first number on every run, the second for `cargo xtask attack`.
fn tries(short: u32, long: u32) -> u32 {
    if std::env::var("TROCAR_ATTACK").is_ok_and(|word| word == "long") { long } else { short }
}

#[test]
fn every_attack_guest_is_named_by_its_module() {
    for guest in GUESTS {
        let folder = crate::world::root().join("tests/guests").join(guest);
        assert!(folder.is_dir(), "{guest} is no guest");
    }
}
