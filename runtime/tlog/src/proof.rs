//! Verifying proofs: RFC 9162 sections 2.1.3.2 and 2.1.4.2, step by step.

use crate::tree::{Hash, node_hash};

/// Whether the leaf with this hash is the one at `index` of the `size` leaves under `root`.
#[must_use]
pub fn verify_inclusion(index: u64, size: u64, leaf: &Hash, proof: &[Hash], root: &Hash) -> bool {
    let Some(last) = size.checked_sub(1).filter(|last| index <= *last) else { return false };
    let (mut at, mut hash) = (Place { first: index, second: last }, *leaf);
    for sibling in proof {
        if at.second == 0 {
            return false;
        }
        if at.is_right() {
            hash = node_hash(sibling, &hash);
            at.skip();
        } else {
            hash = node_hash(&hash, sibling);
        }
        at.up();
    }
    at.second == 0 && hash == *root
}

/// Whether the `old` leaves under `old_root` are the first of the `new` leaves under `new_root`. Of no leaves every tree is an
/// extension, with an empty proof.
#[must_use]
pub fn verify_consistency(old: u64, new: u64, proof: &[Hash], old_root: &Hash, new_root: &Hash) -> bool {
    if old == 0 || old == new {
        return proof.is_empty() && (old == 0 || old_root == new_root);
    }
    let (Some(first), Some(second)) = (old.checked_sub(1), new.checked_sub(1)) else { return false };
    if old > new || proof.is_empty() {
        return false;
    }
    // A whole subtree of old leaves stands for itself.
    let own = old.is_power_of_two().then_some(old_root);
    let mut hashes = own.into_iter().chain(proof);
    let Some(start) = hashes.next() else { return false };
    let mut at = Place { first, second };
    while at.first & 1 == 1 {
        at.up();
    }
    let (mut first_hash, mut second_hash) = (*start, *start);
    for hash in hashes {
        if at.second == 0 {
            return false;
        }
        if at.is_right() {
            first_hash = node_hash(hash, &first_hash);
            second_hash = node_hash(hash, &second_hash);
            at.skip();
        } else {
            second_hash = node_hash(&second_hash, hash);
        }
        at.up();
    }
    at.second == 0 && first_hash == *old_root && second_hash == *new_root
}

/// `fn` and `sn` of the RFC: a node and the last node of its level.
struct Place {
    first: u64,
    second: u64,
}

impl Place {
    const fn is_right(&self) -> bool {
        self.first & 1 == 1 || self.first == self.second
    }

    const fn up(&mut self) {
        self.first >>= 1;
        self.second >>= 1;
    }

    /// A last node without a sibling is its own parent.
    const fn skip(&mut self) {
        while self.first & 1 == 0 && self.first != 0 {
            self.up();
        }
    }
}
