//! Headers one after the other, in which what a header has in common with the one before is said once.
//!
//! The slices of a series differ in a few numbers and one UID, so that most of a header would be written, read and kept as often
//! as the series has slices.

use crate::{
    FileHeader,
    header::{Content, Shared},
    image::{Frame, Image, Look},
    mask::MaskHeader,
    nifti::NiftiHeader,
};
use serde::{Deserialize, Serialize};
use std::{fmt, sync::Arc};

/// What one end of a chain knows of the headers so far. Both ends begin with nothing.
#[derive(Default)]
pub struct HeaderChain {
    shared: Option<Arc<Shared>>,
    look: Option<Arc<Look>>,
}

/// A header to be written.
#[derive(Serialize)]
pub struct Told<'a> {
    shared: Option<&'a Shared>,
    sop_uid: &'a str,
    content: ToldContent<'a>,
}

#[derive(Serialize)]
enum ToldContent<'a> {
    Image(Option<&'a Look>, &'a [Frame]),
    Nifti(&'a NiftiHeader),
    Mask(&'a MaskHeader),
    Sidecar,
}

/// A header as it was read.
#[derive(Deserialize)]
pub struct Heard {
    shared: Option<Shared>,
    sop_uid: String,
    content: HeardContent,
}

#[derive(Deserialize)]
enum HeardContent {
    Image(Option<Look>, Vec<Frame>),
    Nifti(NiftiHeader),
    Mask(MaskHeader),
    Sidecar,
}

// They name a patient: Debug does not.
impl fmt::Debug for HeaderChain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeaderChain").finish_non_exhaustive()
    }
}

impl fmt::Debug for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Told").finish_non_exhaustive()
    }
}

impl fmt::Debug for Heard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Heard").finish_non_exhaustive()
    }
}

impl HeaderChain {
    /// What to write of the next header, once each and in order. Its sidecar is not part of it.
    pub fn tell<'a>(&mut self, header: &'a FileHeader) -> Told<'a> {
        let content = match &header.content {
            Content::Image(image) => ToldContent::Image(told(&mut self.look, &image.look), &image.frames),
            Content::Nifti(nifti) => ToldContent::Nifti(nifti),
            Content::Mask(mask) => ToldContent::Mask(mask),
            Content::Sidecar => ToldContent::Sidecar,
        };
        Told { shared: told(&mut self.shared, &header.shared), sop_uid: &header.sop_uid, content }
    }

    /// The next header; `None` where it leans on one that there was not.
    pub fn hear(&mut self, heard: Heard) -> Option<FileHeader> {
        let content = match heard.content {
            HeardContent::Image(look, frames) => {
                Content::Image(Image { look: known(&mut self.look, look)?, frames })
            }
            HeardContent::Nifti(nifti) => Content::Nifti(Box::new(nifti)),
            HeardContent::Mask(mask) => Content::Mask(mask),
            HeardContent::Sidecar => Content::Sidecar,
        };
        let shared = known(&mut self.shared, heard.shared)?;
        Some(FileHeader { shared, sop_uid: heard.sop_uid, sidecar: None, content })
    }
}

/// The value, where the other end does not know it yet.
fn told<'a, T: PartialEq>(last: &mut Option<Arc<T>>, value: &'a Arc<T>) -> Option<&'a T> {
    let same = last.as_ref().is_some_and(|last| Arc::ptr_eq(last, value) || last == value);
    if same {
        return None;
    }
    *last = Some(Arc::clone(value));
    Some(value)
}

fn known<T>(last: &mut Option<Arc<T>>, value: Option<T>) -> Option<Arc<T>> {
    if let Some(value) = value {
        *last = Some(Arc::new(value));
    }
    last.clone()
}
