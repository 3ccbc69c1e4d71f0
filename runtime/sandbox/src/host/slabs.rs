//! Memory that slabs pass through on their way to the guest: made once a patient, and used again for each slab.

use std::{iter::repeat_n, sync::Arc};
use trocar_terms::Fault;

/// One slab of each kind of element, 2 MiB at most. The engine lowers a shared slice as it lies there; an own vector for
/// each slab would be memory that the system hands out page by page.
#[derive(Default)]
pub(super) struct Slabs {
    pub(super) s16: Option<Arc<[i16]>>,
    pub(super) f32: Option<Arc<[f32]>>,
    pub(super) bytes: Option<Arc<[u8]>>,
}

/// Fills so many elements, in memory that was used before where it has that length.
pub(super) fn filled<T: Copy + Default>(
    kept: &mut Option<Arc<[T]>>,
    length: usize,
    fill: impl FnOnce(&mut [T]) -> Result<(), Fault>,
) -> Result<Arc<[T]>, Fault> {
    let old = kept.take().filter(|old| old.len() == length);
    let mut slab = old.unwrap_or_else(|| repeat_n(T::default(), length).collect());
    // Nobody else holds it: the engine has lowered the slab before this one.
    fill(Arc::make_mut(&mut slab))?;
    *kept = Some(Arc::clone(&slab));
    Ok(slab)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(value: i16) -> impl FnOnce(&mut [i16]) -> Result<(), Fault> {
        move |slab| {
            slab.fill(value);
            Ok(())
        }
    }

    #[test]
    fn slabs_of_one_length_pass_through_one_piece_of_memory() {
        let mut kept = None;
        let first = filled(&mut kept, 8, with(1)).unwrap();
        let place = first.as_ptr();
        drop(first);
        let second = filled(&mut kept, 8, with(2)).unwrap();
        assert_eq!((second.as_ptr(), &second[..]), (place, &[2; 8][..]));
    }

    #[test]
    fn a_slab_that_is_still_held_is_not_written_over() {
        let mut kept = None;
        let first = filled(&mut kept, 8, with(1)).unwrap();
        let second = filled(&mut kept, 8, with(2)).unwrap();
        assert_eq!((&first[..], &second[..]), (&[1; 8][..], &[2; 8][..]));
    }

    #[test]
    fn a_slab_that_could_not_be_filled_is_not_handed_out() {
        let mut kept = None;
        filled(&mut kept, 8, with(7)).unwrap();
        let failed = filled(&mut kept, 8, |slab: &mut [i16]| {
            slab[0] = 9;
            Err(Fault::Unsupported)
        });
        assert_eq!(failed, Err(Fault::Unsupported));
        assert_eq!(filled(&mut kept, 4, |_| Ok(())).unwrap()[..], [0; 4]);
    }
}
