//! The slices of a series, which differ in their own UID and place: what else the first one said is not found out again.

use super::{Content, FileHeader, wants::Asked};
use crate::{
    dataset::plain_of,
    image::{Frame, Image},
    syntax::{Coding, Encoding, Syntax},
    walk::{Copied, Element, Pixels, Walked},
};
use dicom_core::Tag;
use dicom_dictionary_std::tags;
use std::sync::Arc;
use trocar_terms::Modality;

/// The elements that are a slice's own. The time matters to nothing but SUV.
const OWN: [Tag; 3] = [tags::SOP_INSTANCE_UID, tags::ACQUISITION_TIME, tags::IMAGE_POSITION_PATIENT];

/// Sequences that a frame's place may come from instead.
const GROUPS: [Tag; 2] =
    [tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE, tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE];

/// A slice, and all that its header was made of.
pub(super) struct Last {
    elements: Copied,
    made_of: MadeOf,
    header: FileHeader,
    frame: Frame,
}

/// What a header depends on besides elements.
#[derive(PartialEq, Eq)]
struct MadeOf {
    syntax: Syntax,
    private: bool,
    element: Element,
    length: u64,
}

impl MadeOf {
    /// `None` for a file whose pixels have to be looked at.
    fn of(walked: &Walked) -> Option<Self> {
        let Walked { syntax, private, pixels, .. } = walked;
        match pixels {
            Some(Pixels::Native { element, length, .. })
                if syntax.coding == Coding::Native && syntax.encoding != Encoding::ExplicitBig =>
            {
                Some(Self { syntax: *syntax, private: *private, element: *element, length: *length })
            }
            Some(Pixels::Native { .. } | Pixels::Fragments { .. }) | None => None,
        }
    }
}

impl Last {
    /// Keeps a header with its elements, or gives those back where another one's could not be told from it.
    pub(super) fn new(
        elements: Copied,
        walked: &Walked,
        header: &FileHeader,
        asked: &Asked<'_>,
    ) -> Result<Self, Copied> {
        let simple = !OWN.iter().any(|tag| asked.keeps(*tag))
            && !elements.spots.iter().any(|spot| GROUPS.contains(&spot.tag));
        match (&header.content, MadeOf::of(walked)) {
            (Content::Image(Image { look, frames }), Some(made_of))
                if simple && look.modality != Modality::PT =>
            {
                let [frame] = frames.as_slice() else { return Err(elements) };
                Ok(Self { elements, made_of, header: header.clone(), frame: *frame })
            }
            _ => Err(elements),
        }
    }

    pub(super) fn into_elements(self) -> Copied {
        self.elements
    }

    /// The header of a file that differs from this one in what is a slice's own; `None` where it differs in more.
    pub(super) fn again(&self, walked: &Walked) -> Option<FileHeader> {
        if MadeOf::of(walked).as_ref() != Some(&self.made_of) || !self.is_like(&walked.elements) {
            return None;
        }
        let own = plain_of(&walked.elements, &OWN)?;
        let Content::Image(image) = &self.header.content else { return None };
        let position = own.data().reals(tags::IMAGE_POSITION_PATIENT)?;
        let frames = vec![Frame { position, ..self.frame }];
        Some(FileHeader {
            shared: Arc::clone(&self.header.shared),
            sop_uid: own.data().own(tags::SOP_INSTANCE_UID).unwrap_or_default(),
            sidecar: None,
            content: Content::Image(Image { look: Arc::clone(&image.look), frames }),
        })
    }

    /// Whether all elements but a slice's own are there byte for byte, and no others.
    fn is_like(&self, others: &Copied) -> bool {
        let (mine, theirs) = (&self.elements, others);
        mine.spots.len() == theirs.spots.len()
            && mine.spots.iter().zip(&theirs.spots).all(|(a, b)| {
                let own = OWN.contains(&a.tag);
                (a.tag, a.vr) == (b.tag, b.vr)
                    && (own || mine.bytes.get(a.start..a.end) == theirs.bytes.get(b.start..b.end))
            })
    }
}
