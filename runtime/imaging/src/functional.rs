//! Functional groups: where each frame of an enhanced file has its attributes (PS3.3 section C.7.6.16).

use crate::{
    Reason,
    acquisition::Acquisition,
    calibration::Calibration,
    dataset::Dataset,
    image::{Frame, Plane},
};
use dicom_core::Tag;
use dicom_dictionary_std::tags;

/// Where a frame's attributes are: its own functional groups, the shared ones, or the top level of a classic file.
pub(crate) struct Groups<'a> {
    pub(crate) top: Dataset<'a>,
    shared: Option<Dataset<'a>>,
    each: Vec<Dataset<'a>>,
    /// What the top level says for all frames, read once.
    whole: Acquisition,
}

impl<'a> Groups<'a> {
    pub(crate) fn new(top: Dataset<'a>, frames: u32) -> Result<Self, Reason> {
        let shared = top.item(tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE);
        let each: Vec<_> =
            top.items(tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE).iter().map(Dataset::Object).collect();
        let classic = each.is_empty() && frames == 1;
        if !classic && each.len() != frames as usize {
            return Err(Reason::NoGeometry);
        }
        Ok(Self { top, shared, each, whole: Self::whole(top) })
    }

    fn whole(top: Dataset<'_>) -> Acquisition {
        Acquisition {
            time: top.real(tags::TEMPORAL_POSITION_IDENTIFIER),
            trigger: top.real(tags::TRIGGER_TIME),
            echo: top.real(tags::ECHO_NUMBERS),
            // The same element as in a frame, so that it is found there.
            b_value: None,
            number: top.real(tags::ACQUISITION_NUMBER),
        }
    }

    /// Reads an attribute of frame `index` that functional group `group` holds.
    pub(crate) fn find<T>(
        &self,
        index: u32,
        group: Tag,
        read: impl Fn(Dataset<'a>) -> Option<T>,
    ) -> Option<T> {
        let own = self.each.get(index as usize).and_then(|f| f.item(group)).and_then(&read);
        let shared = || self.shared.and_then(|s| s.item(group)).and_then(&read);
        own.or_else(shared).or_else(|| read(self.top))
    }

    pub(crate) fn plane(&self) -> Result<Plane, Reason> {
        let first = self.plane_of(0)?;
        for index in 1..self.each.len() {
            let plane = self.plane_of(u32::try_from(index).unwrap_or(u32::MAX))?;
            if plane.orientation != first.orientation {
                return Err(Reason::Orientation);
            }
            if plane.spacing != first.spacing {
                return Err(Reason::MixedSize);
            }
        }
        Ok(first)
    }

    fn plane_of(&self, index: u32) -> Result<Plane, Reason> {
        let measures = tags::PIXEL_MEASURES_SEQUENCE;
        let orientation =
            self.find(index, tags::PLANE_ORIENTATION_SEQUENCE, |d| d.reals(tags::IMAGE_ORIENTATION_PATIENT));
        let spacing: Option<[f64; 2]> = self.find(index, measures, |d| d.reals(tags::PIXEL_SPACING));
        let between = self.find(index, measures, |d| d.real(tags::SPACING_BETWEEN_SLICES));
        let thick = || self.find(index, measures, |d| d.real(tags::SLICE_THICKNESS));
        let positive = |v: &f64| *v > 0.0;
        Ok(Plane {
            orientation: orientation.ok_or(Reason::NoGeometry)?,
            spacing: spacing.filter(|s| s.iter().all(positive)).ok_or(Reason::NoGeometry)?,
            thickness: between.filter(positive).or_else(thick).filter(positive),
        })
    }

    pub(crate) fn frame(&self, index: u32, calibration: &Calibration) -> Result<Frame, Reason> {
        let position =
            self.find(index, tags::PLANE_POSITION_SEQUENCE, |d| d.reals(tags::IMAGE_POSITION_PATIENT));
        let (slope, intercept) = calibration.rescale(self, index)?;
        let acquisition = self.acquisition(index);
        Ok(Frame { position: position.ok_or(Reason::NoGeometry)?, slope, intercept, acquisition })
    }

    fn acquisition(&self, index: u32) -> Acquisition {
        let content = tags::FRAME_CONTENT_SEQUENCE;
        let find = |group, tag| self.find(index, group, |d| d.real(tag));
        let content = |tag| find(content, tag);
        let cardiac = tags::CARDIAC_SYNCHRONIZATION_SEQUENCE;
        Acquisition {
            time: content(tags::TEMPORAL_POSITION_INDEX).or(self.whole.time),
            trigger: find(cardiac, tags::NOMINAL_CARDIAC_TRIGGER_DELAY_TIME).or(self.whole.trigger),
            echo: find(tags::MR_ECHO_SEQUENCE, tags::EFFECTIVE_ECHO_TIME).or(self.whole.echo),
            b_value: find(tags::MR_DIFFUSION_SEQUENCE, tags::DIFFUSION_B_VALUE),
            number: content(tags::FRAME_ACQUISITION_NUMBER).or(self.whole.number),
        }
    }
}
