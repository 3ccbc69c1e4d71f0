//! Who stands behind an exact result, as the operator's store keeps it: keyed pseudonyms and a bit a number.

use serde::{Deserialize, Serialize};
use trocar_terms::{JobId, Name};

/// The first half of an HMAC under the node's key: the same for one patient in every snapshot and dataset of the node.
pub type Pseudonym = [u8; 16];

/// The patients of one exact result. For the operator's store alone: never in a ledger, a bundle or a log.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct Members {
    job: JobId,
    /// Fewest patients that may be told apart, by the policy that the job was admitted under.
    k: u32,
    /// Output and number within it.
    columns: Vec<(Name, u32)>,
    /// In rising order.
    people: Vec<Pseudonym>,
    /// For each of them in order, `columns` bits in whole bytes, the lowest first.
    bits: Vec<u8>,
}

/// As it is read, before it is known to be whole.
#[derive(Deserialize)]
struct Stored {
    job: JobId,
    k: u32,
    columns: Vec<(Name, u32)>,
    people: Vec<Pseudonym>,
    bits: Vec<u8>,
}

impl TryFrom<Stored> for Members {
    type Error = &'static str;

    fn try_from(s: Stored) -> Result<Self, Self::Error> {
        let whole = s.people.len().checked_mul(s.columns.len().div_ceil(8)) == Some(s.bits.len());
        if !whole || !s.people.is_sorted_by(|a, b| a < b) {
            return Err("the members of an exact result are damaged");
        }
        Ok(Self { job: s.job, k: s.k, columns: s.columns, people: s.people, bits: s.bits })
    }
}

impl Members {
    /// From each patient's set of numbers, in any order. A pseudonym twice is one patient with the numbers of both.
    pub(super) fn new(
        job: JobId,
        k: u32,
        columns: Vec<(Name, u32)>,
        mut rows: Vec<(Pseudonym, Vec<u8>)>,
    ) -> Self {
        rows.sort_unstable();
        let (mut people, mut bits): (Vec<Pseudonym>, Vec<u8>) = (Vec::with_capacity(rows.len()), Vec::new());
        for (pseudonym, row) in rows {
            if people.last() == Some(&pseudonym) {
                let from = bits.len().saturating_sub(row.len());
                bits.iter_mut().skip(from).zip(row).for_each(|(bit, more)| *bit |= more);
            } else {
                people.push(pseudonym);
                bits.extend(row);
            }
        }
        Self { job, k, columns, people, bits }
    }

    /// The job.
    #[must_use]
    pub const fn job(&self) -> JobId {
        self.job
    }

    pub(super) const fn k(&self) -> u32 {
        self.k
    }

    pub(super) fn columns(&self) -> &[(Name, u32)] {
        &self.columns
    }

    pub(super) fn people(&self) -> &[Pseudonym] {
        &self.people
    }

    /// Whether each patient, in order, is behind number `column`.
    pub(super) fn behind(&self, column: usize) -> impl Iterator<Item = bool> + '_ {
        let (width, (byte, mask)) = (self.columns.len().div_ceil(8), place(column));
        // Width is at least 1 here: there is a column.
        self.bits.chunks_exact(width.max(1)).map(move |row| row.get(byte).is_some_and(|b| b & mask != 0))
    }
}

/// Byte and bit of a number in a patient's row.
pub(super) fn place(column: usize) -> (usize, u8) {
    (column >> 3, 1_u8.rotate_left(u32::try_from(column & 7).unwrap_or(0)))
}

impl std::fmt::Debug for Members {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Members(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damaged_members_are_not_read() {
        let name: Name = "x".parse().unwrap();
        let rows = vec![([2; 16], vec![1]), ([1; 16], vec![0])];
        let good = Members::new(JobId::from_bytes([1; 16]), 10, vec![(name, 0)], rows);
        let json = serde_json::to_value(&good).unwrap();
        assert_eq!(serde_json::from_value::<Members>(json.clone()).unwrap(), good);
        let mut short = json.clone();
        short["bits"] = serde_json::json!([1]);
        let mut twice = json;
        twice["people"][0] = twice["people"][1].clone();
        for bad in [short, twice] {
            assert!(serde_json::from_value::<Members>(bad).is_err());
        }
    }
}
