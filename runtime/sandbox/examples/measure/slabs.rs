//! Slabs handed to a guest that looks at nothing, and the same bytes copied the same way without one.

use crate::{Options, Outcome, clock, component, line, loaded, map, volume};
use std::hint::black_box;

/// Slices of the volume.
const SLICES: usize = volume::GRID.slices as usize;

/// A method, how a guest opens what it is called on, and how many slices a call reads.
const KINDS: [(&str, &str, usize); 4] = [
    ("s16", "(call $open (local.get $patient) (i32.const 0) (i32.const 64))", 4),
    ("f32", "(call $open (local.get $patient) (i32.const 0) (i32.const 64))", 2),
    ("bytes", "(call $open (local.get $patient) (i32.const 0) (i32.const 64))", 4),
    (
        "mask",
        "(call $open_mask (local.get $patient) (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 64))",
        6,
    ),
];

fn reader(kind: &str, open: &str, count: usize) -> String {
    component::guest(&format!(
        "{open} (local.set $h (i32.load (i32.const 68)))
         (loop $next
           (global.set $free (i32.const 65536))
           (call $read_{kind} (local.get $h) (local.get $i) (i32.const {count}) (i32.const 64))
           (if (i32.load8_u (i32.const 64)) (then unreachable))
           (local.set $i (i32.add (local.get $i) (i32.const {count})))
           (br_if $next (i32.lt_u (local.get $i) (i32.const {SLICES}))))
         (call $answer (i32.const 1))"
    ))
}

pub(crate) fn measure() -> Outcome<()> {
    let scanned = volume::Scanned::made(true);
    let voxels = volume::voxels();
    let mask: Vec<u8> = voxels.iter().map(|voxel| u8::from(*voxel > -500)).collect();
    let options = Options { memory_mib: 8, ..Options::default() };
    for (kind, open, count) in KINDS {
        let runner = loaded(reader(kind, open, count).as_bytes())?;
        let ours = clock::times(options.repeat, || map(&runner, &scanned, &options).map(drop))?;
        let peer = clock::times(options.repeat, || {
            match kind {
                "f32" => through(&voxels, count, |from, to| {
                    to.iter_mut().zip(from).for_each(|(to, from)| *to = f32::from(*from));
                }),
                "mask" => through(&mask, count, |from, to| to.copy_from_slice(from)),
                _ => through(&voxels, count, |from, to| to.copy_from_slice(from)),
            }
            Ok::<_, std::fmt::Error>(())
        })?;
        line(&format!("slabs, {kind}"), clock::median(ours));
        line(&format!("copy, {kind}"), clock::median(peer));
    }
    Ok(())
}

/// Each slab of so many slices is filled in one place and copied to another, as the host does.
fn through<S, T: Copy + Default>(all: &[S], count: usize, fill: impl Fn(&[S], &mut [T])) {
    let size = all.len() / SLICES * count;
    let (mut slab, mut guest) = (vec![T::default(); size], vec![T::default(); size]);
    for from in all.chunks_exact(size) {
        fill(from, &mut slab);
        guest.copy_from_slice(black_box(&slab));
        black_box(&guest);
    }
}
