//! A tree whose leaves are all in memory: roots of its beginnings, and the proofs that RFC 9162 section 2.1 defines.

use sha2::{Digest as _, Sha256};

/// A Merkle tree hash.
pub type Hash = [u8; 32];

/// The hash of a leaf (RFC 9162 section 2.1.1).
#[must_use]
pub fn leaf_hash(leaf: &[u8]) -> Hash {
    hashed(&[&[0], leaf])
}

/// The hash over two subtrees.
#[must_use]
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    hashed(&[&[1], left, right])
}

pub(crate) fn hashed(parts: &[&[u8]]) -> Hash {
    let mut hash = Sha256::new();
    parts.iter().for_each(|part| hash.update(part));
    hash.finalize().into()
}

/// The hashes of all leaves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree(Vec<Hash>);

impl Tree {
    /// The tree over these entries.
    pub fn over<'a>(entries: impl IntoIterator<Item = &'a [u8]>) -> Self {
        Self(entries.into_iter().map(leaf_hash).collect())
    }

    /// How many leaves it has.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.0.len() as u64
    }

    pub(crate) fn leaves(&self) -> &[Hash] {
        &self.0
    }

    /// The root over the first `size` leaves; `None` where there are not so many.
    #[must_use]
    pub fn root(&self, size: u64) -> Option<Hash> {
        self.first(size).map(root)
    }

    /// The proof that the leaf at `index` is among the first `size`.
    #[must_use]
    pub fn inclusion(&self, index: u64, size: u64) -> Option<Vec<Hash>> {
        let (leaves, index) = (self.first(size)?, usize::try_from(index).ok()?);
        if index >= leaves.len() {
            return None;
        }
        let mut proof = Vec::new();
        path(leaves, index, &mut proof);
        Some(proof)
    }

    /// The proof that the first `old` leaves are the beginning of the first `new`; empty for an old size of 0.
    #[must_use]
    pub fn consistency(&self, old: u64, new: u64) -> Option<Vec<Hash>> {
        let (leaves, old) = (self.first(new)?, usize::try_from(old).ok()?);
        if old > leaves.len() {
            return None;
        }
        let mut proof = Vec::new();
        if old > 0 {
            subproof(leaves, old, true, &mut proof);
        }
        Some(proof)
    }

    fn first(&self, size: u64) -> Option<&[Hash]> {
        self.0.get(..usize::try_from(size).ok()?)
    }
}

/// The root over these leaves; over none, the hash of nothing.
pub(crate) fn root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => hashed(&[]),
        [leaf] => *leaf,
        more => {
            let (left, right) = halves(more);
            node_hash(&root(left), &root(right))
        }
    }
}

/// Split at the largest power of two that is smaller than the number of leaves, of which there are at least two.
fn halves(leaves: &[Hash]) -> (&[Hash], &[Hash]) {
    let middle = leaves.len().div_ceil(2).next_power_of_two();
    leaves.split_at(middle.min(leaves.len()))
}

/// PATH of RFC 9162 section 2.1.3.1: lowest sibling first.
fn path(leaves: &[Hash], index: usize, proof: &mut Vec<Hash>) {
    if leaves.len() < 2 {
        return;
    }
    let (left, right) = halves(leaves);
    match index.checked_sub(left.len()) {
        None => {
            path(left, index, proof);
            proof.push(root(right));
        }
        Some(index) => {
            path(right, index, proof);
            proof.push(root(left));
        }
    }
}

/// SUBPROOF of RFC 9162 section 2.1.4.1. `known`: whoever verifies has the root of the first `old` leaves.
fn subproof(leaves: &[Hash], old: usize, known: bool, proof: &mut Vec<Hash>) {
    if old == leaves.len() {
        if !known {
            proof.push(root(leaves));
        }
        return;
    }
    let (left, right) = halves(leaves);
    match old.checked_sub(left.len()).filter(|rest| *rest > 0) {
        None => {
            subproof(left, old, known, proof);
            proof.push(root(right));
        }
        Some(rest) => {
            subproof(right, rest, false, proof);
            proof.push(root(left));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Merkle, verify_consistency, verify_inclusion};

    fn tree(size: u8) -> Tree {
        let leaves: Vec<[u8; 1]> = (0..size).map(|i| [i]).collect();
        Tree::over(leaves.iter().map(<[u8; 1]>::as_slice))
    }

    #[test]
    fn the_root_is_that_of_leaves_that_come_one_by_one() {
        for size in 0..70 {
            let mut merkle = Merkle::default();
            (0..size).for_each(|i| merkle.push(&[i]));
            assert_eq!(tree(size).root(size.into()), Some(*merkle.root().as_bytes()), "over {size} leaves");
        }
    }

    #[test]
    fn every_proof_verifies_and_no_other_root_does() {
        let tree = tree(40);
        let root = |size| tree.root(size).unwrap();
        for new in 1..=40 {
            for old in 0..=new {
                let proof = tree.consistency(old, new).unwrap();
                assert!(verify_consistency(old, new, &proof, &root(old), &root(new)), "{old} to {new}");
                assert!(!verify_consistency(old, new, &proof, &root(old), &[7; 32]) || old == 0);
                assert!(!verify_consistency(old, new, &proof, &[7; 32], &root(new)) || old == 0);
                let longer = [proof.as_slice(), &[[7; 32]]].concat();
                assert!(!verify_consistency(old, new, &longer, &root(old), &root(new)), "{old} to {new}");
            }
            for index in 0..new {
                let proof = tree.inclusion(index, new).unwrap();
                let leaf = tree.leaves()[usize::try_from(index).unwrap()];
                assert!(verify_inclusion(index, new, &leaf, &proof, &root(new)), "{index} of {new}");
                assert!(!verify_inclusion(index, new, &[7; 32], &proof, &root(new)));
                let other = (index + 1) % new;
                assert!(other == index || !verify_inclusion(other, new, &leaf, &proof, &root(new)));
            }
        }
    }

    #[test]
    fn no_proof_is_made_beyond_the_leaves() {
        let tree = tree(3);
        assert_eq!((tree.root(4), tree.inclusion(0, 4), tree.inclusion(3, 3)), (None, None, None));
        assert_eq!((tree.consistency(2, 4), tree.consistency(3, 2)), (None, None));
    }
}
