//! A thousand bundles that somebody changed: each in one of the ways that are listed here, at places that a seed decides.

mod archives;
mod bag;
mod contents;
mod zip;

use trocar_manifest::keys::SecretKey;
use zip::Zip;

/// How many there are.
pub const ALL: usize = 1000;

/// Good bundles of one node, and a key that is not the node's.
pub struct Originals {
    pub good: Vec<u8>,
    /// Of another job, another algorithm and another dataset.
    pub others: Vec<Vec<u8>>,
    pub stranger: SecretKey,
}

/// A bundle that is not as it was.
pub struct Tampered {
    /// What was done.
    pub way: &'static str,
    pub bytes: Vec<u8>,
    /// Words of which the refusal has at least one; any refusal will do where there are none.
    pub reasons: &'static [&'static str],
}

/// What a way needs: the originals, and numbers to choose places by.
pub struct Chance<'a> {
    pub from: &'a Originals,
    state: u64,
}

impl Chance<'_> {
    pub fn zip(&self) -> Zip {
        Zip::of(&self.from.good)
    }

    /// Below `n`: SplitMix64 (Steele, Lea, Flood 2014), whose slight preference for small numbers harms nothing here.
    pub fn below(&mut self, n: usize) -> usize {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.state ^ (self.state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((z ^ (z >> 31)) >> 11).unwrap() % n.max(1)
    }

    pub fn one<'t, T>(&mut self, of: &'t [T]) -> &'t T {
        &of[self.below(of.len())]
    }

    /// A payload file, by its place.
    pub fn payload(&mut self, zip: &Zip) -> usize {
        let data: Vec<usize> =
            (0..zip.entries.len()).filter(|i| zip.entries[*i].text().contains("/data/")).collect();
        *self.one(&data)
    }

    pub fn other(&mut self) -> Zip {
        let others = &self.from.others;
        let at = self.below(others.len());
        Zip::of(&others[at])
    }
}

/// One way of changing a bundle: its name, what it makes, and words of the refusal.
pub type Way = (&'static str, fn(&mut Chance<'_>) -> Vec<u8>, &'static [&'static str]);

/// All ways.
pub fn ways() -> Vec<Way> {
    archives::WAYS.iter().chain(contents::WAYS).copied().collect()
}

/// The `i`-th of them all; the ways take turns.
pub fn tampered(from: &Originals, i: usize) -> Tampered {
    let ways = ways();
    let (way, make, reasons) = ways[i % ways.len()];
    let mut chance = Chance { from, state: 0x5eed ^ (i as u64).wrapping_mul(0xA076_1D64_78BD_642F) };
    let bytes = make(&mut chance);
    assert_ne!(bytes, from.good, "{way}, number {i}, changes nothing");
    Tampered { way, bytes, reasons }
}

/// That the writer of archives which lie tells the truth where nothing is changed; else every refusal would be its own fault.
pub fn unchanged(from: &Originals) {
    assert!(Zip::of(&from.good).bytes() == from.good, "the tests write another zip than the product");
    let mut listed = Zip::of(&from.good);
    bag::relist(&mut listed);
    assert!(listed.bytes() == from.good, "the tests list files otherwise than the product");
}
