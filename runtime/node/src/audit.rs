//! Keyed digests under the node's audit key: they never leave the node, and nobody without the key can test a guess.

use hmac::{Hmac, KeyInit, Mac};

/// HMAC-SHA-256 over parts, each with its length in front, so that no two lists of parts read alike.
pub(crate) fn mac(key: &[u8; 32], parts: &[&[u8]]) -> Hmac<sha2::Sha256> {
    // RFC 2104 pads a short key with zeros to the block of 64 bytes.
    let mut block = [0; 64];
    block.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
    let mut mac = <Hmac<sha2::Sha256> as KeyInit>::new(&block.into());
    for part in parts {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_that_join_alike_have_different_macs() {
        let tag = |parts: &[&[u8]]| mac(&[1; 32], parts).finalize().into_bytes();
        assert_ne!(tag(&[b"ab", b"c"]), tag(&[b"a", b"bc"]));
        assert_ne!(tag(&[b"abc"]), mac(&[2; 32], &[b"abc"]).finalize().into_bytes());
    }
}
