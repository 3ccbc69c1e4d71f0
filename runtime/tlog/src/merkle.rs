//! The Merkle tree hash of RFC 9162 section 2.1.1 (the same as RFC 6962's), over leaves that come one by one.

use crate::tree::{Hash, hashed, leaf_hash, node_hash};
use trocar_terms::Digest;

/// Leaves so far: the roots of the whole subtrees, largest first, each with the power of two that it has of leaves.
#[derive(Debug, Default)]
pub struct Merkle {
    subtrees: Vec<(u32, Hash)>,
}

impl Merkle {
    /// Adds the next leaf.
    pub fn push(&mut self, leaf: &[u8]) {
        let (mut level, mut hash) = (0, leaf_hash(leaf));
        while let Some((_, left)) = self.subtrees.pop_if(|(other, _)| *other == level) {
            hash = node_hash(&left, &hash);
            level = level.saturating_add(1);
        }
        self.subtrees.push((level, hash));
    }

    /// The root over all of them; over none, the hash of nothing.
    #[must_use]
    pub fn root(self) -> Digest {
        let right_to_left = self.subtrees.into_iter().rev().map(|(_, hash)| hash);
        let root = right_to_left.reduce(|right, left| node_hash(&left, &right));
        Digest::from_bytes(root.unwrap_or_else(|| hashed(&[])))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The leaves of the reference implementation of Certificate Transparency, and the roots over the first 0 to 8 of them:
    /// tests/oracles/merkle.py computes the roots by the recursion that the RFC prints.
    const LEAVES: [&str; 8] =
        ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
    const ROOTS: [&str; 9] = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];

    #[test]
    fn roots_are_those_of_the_reference_implementation() {
        for (count, root) in ROOTS.iter().enumerate() {
            let mut tree = Merkle::default();
            LEAVES[..count].iter().for_each(|leaf| tree.push(&hex::decode(leaf).unwrap()));
            assert_eq!(tree.root().hex(), *root, "over {count} leaves");
        }
    }
}
