//! The product with a seeded generator and a clock that a test moves, for two runs of one job that must be the same byte for
//! byte. It lives here, where nothing of the product can link it (layering.rs).
//!
//! `TROCAR_TEST_CLOCK` names a file with the seconds since 1970; `TROCAR_TEST_SEED` is what all randomness follows from.

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{CryptoRng, Rng, SeedableRng, TryCryptoRng, TryRng};
use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use trocar::Outside;
use trocar_node::Random;
use trocar_terms::{Clock, Digest, Timestamp};

fn main() -> ExitCode {
    // Workers have no environment, and need neither clock nor randomness.
    trocar::main(Outside {
        clock: || Box::new(FileClock(PathBuf::from(variable("TROCAR_TEST_CLOCK")))),
        random,
    })
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set"))
}

/// Read anew each time: the test moves it while the process runs.
struct FileClock(PathBuf);

impl Clock for FileClock {
    fn now(&self) -> Timestamp {
        let text = std::fs::read_to_string(&self.0).expect("the clock can be read");
        Timestamp::from_seconds(text.trim().parse().expect("the clock shows seconds"))
    }
}

fn random() -> Random {
    let stream = Arc::new(Mutex::new(ChaCha20Rng::from_seed(*Digest::of(what().as_bytes()).as_bytes())));
    Box::new(move || Box::new(Shared(stream.clone())) as Box<dyn CryptoRng>)
}

/// The seed, the time and the words of this call, so that no two calls draw the same. Whoever runs accepted jobs draws the
/// same for them, whether it was started by `submit --detach` or by hand, and when.
fn what() -> String {
    let seed = variable("TROCAR_TEST_SEED");
    let words: Vec<String> = std::env::args().skip(1).map(|word| last(&word)).collect();
    if words.iter().any(|word| word == "resume") {
        return format!("{seed} resume");
    }
    let clock = std::fs::read_to_string(variable("TROCAR_TEST_CLOCK")).expect("the clock can be read");
    format!("{seed} {clock} {}", words.join(" "))
}

/// Of a path its last component: two runs stand in two folders.
fn last(word: &str) -> String {
    let name = Path::new(word).file_name().filter(|_| word.starts_with('/'));
    name.map_or_else(|| word.to_owned(), |name| name.to_string_lossy().into_owned())
}

/// One stream for the whole process.
struct Shared(Arc<Mutex<ChaCha20Rng>>);

impl TryRng for Shared {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.0.lock().expect("the stream").next_u32())
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.0.lock().expect("the stream").next_u64())
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.0.lock().expect("the stream").fill_bytes(bytes);
        Ok(())
    }
}

impl TryCryptoRng for Shared {}
