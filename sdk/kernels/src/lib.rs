//! The SDK's kernels as a component: what a guest whose language is slow at loops calls (wit/kernels.wit).
//!
//! It holds no algorithm of its own. A call reads the volume slab by slab and hands the slabs to `trocar_guest::kernels`.

#![cfg_attr(
    not(target_arch = "wasm32"),
    allow(dead_code, unused_imports, unused_macros, reason = "only a component exports the kernels")
)]

mod bins;
mod features;
mod read;
mod selected;
mod survey;

#[allow(
    unsafe_code,
    missing_docs,
    unreachable_pub,
    reason = "generated from wit, which documents them; exports of a component are functions of its machine interface"
)]
mod bindings {
    wit_bindgen::generate!({
        path: ["../wit", "wit"],
        world: "trocar:kernels/kernels",
        with: {
            "trocar:guest/types@0.1.1": trocar_guest::bindings::trocar::guest::types,
            "trocar:guest/imaging@0.1.1": trocar_guest::bindings::trocar::guest::imaging,
        },
    });
}

use bindings::exports::trocar::kernels::statistics::{self, Bins, Distribution, Selection, Summary};
use trocar_guest::{Fault, Mask, Volume};

struct Kernels;

impl statistics::Guest for Kernels {
    fn describe(of: &Volume, which: Selection, inside: Option<&Mask>) -> Result<Summary, Fault> {
        Ok(survey::survey(of, &which, inside, None)?.summary)
    }

    fn histogram(
        of: &Volume,
        into: Bins,
        which: Selection,
        inside: Option<&Mask>,
    ) -> Result<Distribution, Fault> {
        let bins = bins::Edges::new(&into).ok_or(Fault::Unsupported)?;
        survey::survey(of, &which, inside, Some(&bins))
    }
}

/// On this machine a linker would take the `@` in the exports' names for a version of a symbol.
#[cfg(target_arch = "wasm32")]
#[allow(unsafe_code, reason = "generated: the component's exports")]
mod exported {
    use super::{Kernels, bindings};

    bindings::export!(Kernels with_types_in bindings);
}
