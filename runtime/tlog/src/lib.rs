//! A transparency log as C2SP writes it: the Merkle tree of RFC 9162 with its proofs, checkpoints in signed notes, the
//! cosignatures of witnesses, and the tiles in which a log is published.
//!
//! No I/O, clock or randomness: bytes go in, checked values come out. What is hostile here: notes, proofs and requests from
//! elsewhere. Nothing is allocated for a size that a text only declares.
//!
//! Absent on purpose: any kind of signature but Ed25519 (a log's, 0x01) and `cosignature/v1` (a witness's, 0x04).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::wildcard_enum_match_arm,
    clippy::float_cmp
)]

mod checkpoint;
mod key;
mod log_proof;
mod merkle;
mod note;
mod proof;
mod request;
mod tiles;
mod tree;

pub use checkpoint::Checkpoint;
pub use key::{KeyKind, KeyName, Verifier};
pub use log_proof::LogProof;
pub use merkle::Merkle;
pub use note::{MOST_BYTES, Note, NoteError, NoteSignature};
pub use proof::{verify_consistency, verify_inclusion};
pub use request::AddCheckpoint;
pub use tiles::{MOST_ENTRY_BYTES, tiles};
pub use tree::{Hash, Tree, leaf_hash, node_hash};
