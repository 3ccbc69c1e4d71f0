//! Differencing: the partition of all patients by every exact release, refined by each (PRIVACY.md section 6).
//!
//! Two exact results over cohorts that differ by one patient differ by her values. So each release cuts the patients
//! into those inside its cohort and outside it, and, where a parameter may have changed what a cell means, into those behind
//! the cell and not; a result may leave only if no piece of what is cut has fewer than k patients. Patients in no
//! release at all are no piece: no released number counts them.
//!
//! Memory: one number a patient and two a piece, whatever the number of releases; members are read one release at a time.

use super::members::{Members, Pseudonym};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use trocar_terms::{JobId, Name};

/// The partition so far. Pieces are only ever cut, never joined.
#[derive(Default)]
pub struct Refinement {
    slots: BTreeMap<Pseudonym, usize>,
    /// The piece of each slot.
    atoms: Vec<usize>,
    pieces: Vec<Piece>,
}

#[derive(Clone, Default)]
struct Piece {
    patients: u64,
    cut: Option<Cut>,
}

/// Which release and which of its numbers cut a piece last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Cut {
    job: JobId,
    number: Option<(Name, u32)>,
}

/// A piece that is too small: for the output checker alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SmallAtom {
    /// How many patients are in it.
    pub patients: u64,
    /// The release that cut it off.
    pub cut_by: Option<JobId>,
    /// The number of that release which did; absent where its cohort did.
    pub number: Option<(Name, u32)>,
    /// Whether they are in the cohort of the result that was checked; else it is they who are missing from it.
    pub inside: bool,
}

/// The proof that one job's members leave no piece too small. Only [`Refinement::check`] makes one.
#[derive(Debug, PartialEq, Eq)]
pub struct Checked {
    job: JobId,
}

impl Checked {
    pub(super) const fn job(&self) -> JobId {
        self.job
    }
}

impl Refinement {
    /// Takes in a released result.
    pub fn add(&mut self, members: &Members) {
        self.cut_by(members);
    }

    /// Takes in the result that is to leave.
    ///
    /// # Errors
    /// The pieces below its k that it has a part in: cut off by it, or with a patient of its cohort.
    pub fn check(mut self, members: &Members) -> Result<Checked, Vec<SmallAtom>> {
        let (mut touched, slots) = self.cut_by(members);
        let inside: BTreeSet<usize> = slots.iter().filter_map(|s| self.atoms.get(*s).copied()).collect();
        touched.extend(&inside);
        let small = touched.into_iter().filter_map(|atom| self.small(atom, &inside, members.k()));
        let small: Vec<SmallAtom> = small.collect();
        if small.is_empty() { Ok(Checked { job: members.job() }) } else { Err(small) }
    }

    fn small(&self, atom: usize, inside: &BTreeSet<usize>, k: u32) -> Option<SmallAtom> {
        let piece = self.pieces.get(atom).filter(|p| p.patients > 0 && p.patients < u64::from(k))?;
        let cut = piece.cut.clone();
        Some(SmallAtom {
            patients: piece.patients,
            cut_by: cut.as_ref().map(|c| c.job),
            number: cut.and_then(|c| c.number),
            inside: inside.contains(&atom),
        })
    }

    /// Cuts by cohort and by each kept number; the pieces that were cut, and the slots of the cohort.
    fn cut_by(&mut self, members: &Members) -> (BTreeSet<usize>, Vec<usize>) {
        let slots: Vec<usize> = members.people().iter().map(|p| self.slot(p)).collect();
        let job = members.job();
        let mut touched = self.cut(&slots, &Cut { job, number: None });
        for (column, number) in members.columns().iter().enumerate() {
            let behind = slots.iter().zip(members.behind(column)).filter_map(|(s, is)| is.then_some(*s));
            let behind: Vec<usize> = behind.collect();
            touched.extend(self.cut(&behind, &Cut { job, number: Some(number.clone()) }));
        }
        (touched, slots)
    }

    /// Piece 0 is of those in no release; a slot is made for whoever is about to leave it.
    fn slot(&mut self, patient: &Pseudonym) -> usize {
        if self.pieces.is_empty() {
            self.pieces.push(Piece::default());
        }
        let next = self.atoms.len();
        let slot = *self.slots.entry(*patient).or_insert(next);
        if slot == next {
            self.atoms.push(0);
        }
        slot
    }

    /// Cuts each piece into those of `chosen` and the others. Where all of a piece are chosen it stays whole.
    fn cut(&mut self, chosen: &[usize], by: &Cut) -> BTreeSet<usize> {
        let mut moved: BTreeMap<usize, u64> = BTreeMap::new();
        for atom in chosen.iter().filter_map(|s| self.atoms.get(*s)) {
            let count = moved.entry(*atom).or_default();
            *count = count.saturating_add(1);
        }
        let new: BTreeMap<usize, usize> = moved
            .into_iter()
            .filter_map(|(atom, count)| Some((atom, self.split(atom, count, by)?)))
            .collect();
        for slot in chosen {
            if let Some(atom) = self.atoms.get_mut(*slot)
                && let Some(to) = new.get(atom)
            {
                *atom = *to;
            }
        }
        new.into_iter().flat_map(|(old, new)| [old, new]).filter(|atom| *atom > 0).collect()
    }

    fn split(&mut self, atom: usize, moved: u64, by: &Cut) -> Option<usize> {
        let to = self.pieces.len();
        let piece = self.pieces.get_mut(atom)?;
        if atom > 0 && piece.patients == moved {
            return None;
        }
        piece.patients = piece.patients.saturating_sub(moved);
        piece.cut = Some(by.clone());
        self.pieces.push(Piece { patients: moved, cut: Some(by.clone()) });
        Some(to)
    }
}

impl std::fmt::Debug for Refinement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Refinement(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn members(job: u8, people: impl IntoIterator<Item = (u8, u8)>) -> Members {
        let rows: Vec<_> = people.into_iter().map(|(p, bits)| ([p; 16], vec![bits])).collect();
        let number = |i| ("cell".parse().unwrap(), i);
        Members::new(JobId::from_bytes([job; 16]), 10, vec![number(0), number(1)], rows)
    }

    fn cohort(job: u8, people: std::ops::Range<u8>) -> Members {
        members(job, people.map(|p| (p, 0)))
    }

    fn checked(released: &[&Members], held: &Members) -> Result<Checked, Vec<SmallAtom>> {
        let mut all = Refinement::default();
        released.iter().for_each(|m| all.add(m));
        all.check(held)
    }

    #[test]
    fn a_cohort_with_and_without_one_patient_is_refused_in_either_order() {
        let (with, without) = (cohort(1, 0..70), cohort(2, 0..69));
        assert!(checked(&[], &with).is_ok() && checked(&[], &without).is_ok());
        let small = checked(&[&with], &without).unwrap_err();
        assert_eq!((small.len(), small[0].patients, small[0].inside), (1, 1, false));
        let small = checked(&[&without], &with).unwrap_err();
        assert_eq!((small.len(), small[0].patients, small[0].inside), (1, 1, true));
    }

    #[test]
    fn the_same_cohort_again_and_one_that_differs_by_k_may_leave() {
        let first = cohort(1, 0..70);
        assert!(checked(&[&first], &cohort(2, 0..70)).is_ok());
        assert!(checked(&[&first], &cohort(2, 0..60)).is_ok());
        assert!(checked(&[&first], &cohort(2, 0..61)).is_err(), "nine are left out");
    }

    #[test]
    fn three_cohorts_that_differ_by_k_in_pairs_are_refused_where_their_atoms_are_small() {
        // 0..70, then without 0..10, then without 5..15: five patients stand alone.
        let first = cohort(1, 0..70);
        let second = cohort(2, 10..70);
        let third = members(3, (0..70).filter(|p| !(5..15).contains(p)).map(|p| (p, 0)));
        assert!(checked(&[&first], &third).is_ok(), "ten are left out");
        let small = checked(&[&first, &second], &third).unwrap_err();
        assert!(small.iter().all(|a| a.patients == 5), "{small:?}");
    }

    #[test]
    fn an_edge_that_a_parameter_moves_past_one_patient_is_refused() {
        let cells = |job, edge: u8| members(job, (0..70).map(|p| (p, if p < edge { 1 } else { 2 })));
        assert!(checked(&[], &cells(1, 30)).is_ok());
        let small = checked(&[&cells(1, 30)], &cells(2, 31)).unwrap_err();
        assert_eq!((small[0].patients, small[0].number.clone().unwrap().1), (1, 0));
        assert!(checked(&[&cells(1, 30)], &cells(2, 40)).is_ok(), "ten patients changed their cell");
    }

    #[test]
    fn small_pieces_that_a_result_has_no_part_in_do_not_stop_it() {
        let rare = cohort(1, 200..205);
        assert!(checked(&[&rare], &cohort(2, 0..70)).is_ok());
        assert!(checked(&[&rare], &members(2, (0..70).chain(200..205).map(|p| (p, 0)))).is_err());
    }

    #[test]
    fn checking_a_result_that_is_among_the_released_already_changes_nothing() {
        let first = cohort(1, 0..70);
        assert!(checked(&[&first, &cohort(2, 0..40)], &first).is_ok());
    }

    proptest! {
        /// Against the definition: patients grouped by all of their bits.
        #[test]
        fn the_smallest_piece_is_the_smallest_group_of_patients_with_the_same_bits(
            releases in prop::collection::vec(prop::collection::btree_map(0_u8..40, 0_u8..4, 0..40), 1..5),
        ) {
            let all: Vec<Members> = (0_u8..).zip(&releases).map(|(job, people)| members(job, people.clone())).collect();
            let (held, earlier) = all.split_last().unwrap();
            let mut groups: BTreeMap<Vec<Option<u8>>, Vec<u8>> = BTreeMap::new();
            for p in 0..40_u8 {
                groups.entry(releases.iter().map(|r| r.get(&p).copied()).collect()).or_default().push(p);
            }
            let before = |key: &[Option<u8>]| key[..key.len() - 1].to_vec();
            // A group is this release's business if it has a patient of it, or was cut off by it.
            let last = releases.last().unwrap();
            let cut = |key: &[Option<u8>]| groups.keys().filter(|other| before(other) == before(key)).count() > 1;
            let small = groups.iter().filter(|(key, group)| {
                let known = key.iter().any(Option::is_some);
                let part = group.iter().any(|p| last.contains_key(p)) || (cut(key) && before(key).iter().any(Option::is_some));
                known && part && group.len() < 10
            }).count();
            let earlier: Vec<&Members> = earlier.iter().collect();
            let found = checked(&earlier, held).map_or_else(|small| small.len(), |_| 0);
            prop_assert_eq!(found, small);
        }
    }
}
