//! Reading a header: what is asked for, and the de-identification gate.

use super::{
    Content, FileHeader,
    series::Last,
    wants::{Asked, Mask, Wants},
};
use crate::{
    Reason, ScanRules, codestream,
    dataset::{Dataset, parse},
    format::Format,
    image::Image,
    layout::Layout,
    mask::{read_segmentation, read_structures},
    source::Buffer,
    syntax::Coding,
    volume::At,
    walk::{Copied, Walked, walk, walk_with},
};
use dicom_dictionary_std::tags;
use std::{
    fmt,
    fs::File,
    io::{Read, Seek, SeekFrom},
};
use trocar_terms::{Modality, PrivateGroups};

/// Reads one file up to its pixel data, and checks that the pixel data is wholly there.
///
/// # Errors
/// Why the file is quarantined.
pub fn read_header(file: &mut (impl Read + Seek), rules: &ScanRules) -> Result<FileHeader, Reason> {
    HeaderReader::new(rules).read(file)
}

/// Reads files under the same rules, one after the other: slices of one series cost less than each by itself.
pub struct HeaderReader<'a> {
    rules: &'a ScanRules,
    asked: Asked<'a>,
    last: Option<Last>,
    buffer: Buffer,
    /// Room for the elements of the next file.
    spare: Copied,
}

// It holds a header, which names a patient: Debug does not.
impl fmt::Debug for HeaderReader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeaderReader").field("rules", &self.rules).finish_non_exhaustive()
    }
}

impl<'a> HeaderReader<'a> {
    /// Under these rules.
    #[must_use]
    pub fn new(rules: &'a ScanRules) -> Self {
        let (asked, spare) = (Asked::by(rules), Copied::default());
        Self { rules, asked, last: None, buffer: Buffer::default(), spare }
    }

    /// As [`read_header`].
    ///
    /// # Errors
    /// Why the file is quarantined.
    pub fn read(&mut self, file: &mut (impl Read + Seek)) -> Result<FileHeader, Reason> {
        let wants = Wants::new(&self.asked);
        let spare = std::mem::take(&mut self.spare);
        let mut walked = walk_with(&mut *file, &wants, &mut self.buffer, spare)?;
        let mask = wants.mask.get();
        if let Some(header) = self.last.as_ref().and_then(|last| last.again(&walked)) {
            self.spare = walked.elements;
            return header.checked(self.rules);
        }
        let header = self.afresh(file, &walked, mask)?;
        let spare = std::mem::take(&mut walked.elements);
        self.spare = match Last::new(spare, &walked, &header, &self.asked) {
            Ok(last) => self.last.replace(last).map(Last::into_elements).unwrap_or_default(),
            Err(spare) => spare,
        };
        Ok(header)
    }

    /// As [`read_header`], of an open file of this size, wherever it stands.
    ///
    /// # Errors
    /// Why the file is quarantined.
    pub fn read_file(&mut self, file: &File, size: u64) -> Result<FileHeader, Reason> {
        self.read(&mut At::sized(file, size))
    }

    fn afresh(
        &self,
        file: &mut (impl Read + Seek),
        walked: &Walked,
        mask: Option<Mask>,
    ) -> Result<FileHeader, Reason> {
        let elements = parse(&walked.elements, walked.syntax)?;
        let data = elements.data();
        check_deidentified(data, walked.private, self.rules)?;
        let (content, compressed) = match mask {
            Some(Mask::Segmentation) => (Content::Mask(read_segmentation(data, walked)?), false),
            Some(Mask::Structures) => (Content::Mask(read_structures(data)?), false),
            None => {
                image(file, data, walked).map(|(image, compressed)| (Content::Image(image), compressed))?
            }
        };
        FileHeader::new(data, self.asked.attributes(data), content, compressed)?.checked(self.rules)
    }
}

/// An image, and whether decoding it takes longer than reading it.
fn image(file: &mut (impl Read + Seek), data: Dataset<'_>, walked: &Walked) -> Result<(Image, bool), Reason> {
    let image = Image::read(data, modality(data)?, walked)?;
    let layout = Layout::new(walked, &image.format)?;
    check_first_frame(file, &layout, &image.format)?;
    let compressed = !layout.syntax.deflated && layout.syntax.coding != Coding::Native;
    Ok((image, compressed))
}

/// Reads image and layout again, of a file that a scan has already let through.
pub(crate) fn read_image(file: impl Read + Seek) -> Result<(Image, Layout, Walked), Reason> {
    let asked = Asked::new(&[Modality::CT, Modality::MR, Modality::PT], Vec::new(), true);
    let walked = walk(file, &Wants::new(&asked))?;
    let elements = parse(&walked.elements, walked.syntax)?;
    let data = elements.data();
    let image = Image::read(data, modality(data)?, &walked)?;
    drop(elements);
    let layout = Layout::new(&walked, &image.format)?;
    Ok((image, layout, walked))
}

/// Holds the first compressed frame's own header against the file's, as decoding will for each.
fn check_first_frame(file: &mut (impl Read + Seek), layout: &Layout, format: &Format) -> Result<(), Reason> {
    let Some((offset, length)) = layout.frames.first().and_then(|runs| runs.first()) else { return Ok(()) };
    if layout.syntax.coding == Coding::Native {
        return Ok(());
    }
    let mut start = Vec::new();
    file.seek(SeekFrom::Start(*offset)).map_err(|_| Reason::Unreadable)?;
    let length = u64::from(*length).min(CODESTREAM_HEADER);
    file.take(length).read_to_end(&mut start).map_err(|_| Reason::Unreadable)?;
    if codestream::fits(layout.syntax.coding, format, &start) { Ok(()) } else { Err(Reason::Codestream) }
}

/// Frame headers stand in the first few hundred bytes; comments may come before them.
const CODESTREAM_HEADER: u64 = 64 << 10;

pub(crate) fn modality(data: Dataset<'_>) -> Result<Modality, Reason> {
    let code = data.text(tags::MODALITY).ok_or(Reason::Modality)?;
    Modality::from_code(&code).ok_or(Reason::Modality)
}

pub(crate) fn check_deidentified(data: Dataset<'_>, private: bool, rules: &ScanRules) -> Result<(), Reason> {
    if rules.deidentification.require && !data.is(tags::PATIENT_IDENTITY_REMOVED, "YES") {
        return Err(Reason::NotDeidentified);
    }
    if data.says(tags::BURNED_IN_ANNOTATION, "YES") {
        return Err(Reason::BurnedIn);
    }
    match rules.deidentification.private_groups {
        PrivateGroups::Refuse if private => Err(Reason::PrivateGroups),
        PrivateGroups::Refuse | PrivateGroups::Ignore => Ok(()),
    }
}
