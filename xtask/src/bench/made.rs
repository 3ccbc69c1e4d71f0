//! Files for the benches, made of nothing but numbers: a small DICOM writer of this program's own, explicit VR little endian.

use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};

/// How a tree is made.
#[derive(Clone, Copy)]
pub(super) struct Spec {
    pub(super) patients: u32,
    pub(super) slices: u32,
    /// Pixels a side.
    pub(super) side: u16,
    /// Elements that say nothing to a scan, before the pixels.
    pub(super) filler: u16,
}

impl Spec {
    pub(super) fn files(&self) -> f64 {
        f64::from(self.patients) * f64::from(self.slices)
    }

    /// Writes `PATIENT/NUMBER.dcm` below a folder, or finds it written.
    pub(super) fn write(&self, below: &Path) -> Result<PathBuf> {
        let Self { patients, slices, side, filler } = self;
        let folder = below.join(format!("ct-{patients}x{slices}-{side}-{filler}"));
        whole(&folder, |folder| {
            for patient in 0..self.patients {
                let place = folder.join(format!("{:03}", patient / 1000)).join(format!("P{patient:06}"));
                fs::create_dir_all(&place)?;
                for slice in 0..self.slices {
                    fs::write(place.join(format!("{slice:04}.dcm")), self.file(patient, slice))?;
                }
            }
            Ok(())
        })?;
        Ok(folder)
    }

    fn file(&self, patient: u32, slice: u32) -> Vec<u8> {
        let series = format!("2.25.{}", 1_000_000 + u64::from(patient));
        let mut set = Set::begin("1.2.840.10008.5.1.4.1.1.2", &format!("{series}.{slice}"));
        set.text(0x0008, 0x0008, "CS", "ORIGINAL\\PRIMARY\\AXIAL").text(0x0008, 0x0016, "UI", CT);
        set.text(0x0008, 0x0018, "UI", &format!("{series}.{slice}")).text(0x0008, 0x0020, "DA", "20200101");
        set.text(0x0008, 0x0022, "DA", "20200101").text(0x0008, 0x0060, "CS", "CT");
        set.text(0x0008, 0x0070, "LO", ["SIEMENS", "Philips", "GE MEDICAL SYSTEMS"][patient as usize % 3]);
        set.text(0x0010, 0x0010, "PN", "").text(0x0010, 0x0020, "LO", &format!("P{patient:06}"));
        set.text(0x0010, 0x0040, "CS", if patient.is_multiple_of(2) { "F" } else { "M" });
        set.text(0x0010, 0x1010, "AS", &format!("{:03}Y", 40 + patient % 50));
        set.text(0x0012, 0x0062, "CS", "YES").text(0x0012, 0x0063, "LO", "made by a bench");
        set.text(0x0018, 0x0015, "CS", "ABDOMEN").text(0x0018, 0x0050, "DS", "2.5");
        set.text(0x0018, 0x0060, "DS", "120");
        for number in 0..self.filler {
            set.text(0x0018, 0x1100 + number, "DS", &format!("{}.25", 300 + number));
        }
        set.text(0x0020, 0x000D, "UI", &format!("{series}.1")).text(
            0x0020,
            0x000E,
            "UI",
            &format!("{series}.2"),
        );
        set.text(0x0020, 0x0010, "SH", "1").text(0x0020, 0x0011, "IS", "2");
        set.text(0x0020, 0x0013, "IS", &(slice + 1).to_string());
        set.text(0x0020, 0x0032, "DS", &format!("-120.5\\-118.25\\{}", f64::from(slice) * 2.5 - 100.0));
        set.text(0x0020, 0x0037, "DS", "1\\0\\0\\0\\1\\0").text(0x0020, 0x0052, "UI", &format!("{series}.3"));
        set.text(0x0020, 0x1040, "LO", "").short(0x0028, 0x0002, 1);
        set.text(0x0028, 0x0004, "CS", "MONOCHROME2").short(0x0028, 0x0010, self.side);
        set.short(0x0028, 0x0011, self.side).text(0x0028, 0x0030, "DS", "0.78125\\0.78125");
        set.short(0x0028, 0x0100, 16)
            .short(0x0028, 0x0101, 12)
            .short(0x0028, 0x0102, 11)
            .short(0x0028, 0x0103, 0);
        set.text(0x0028, 0x0301, "CS", "NO")
            .text(0x0028, 0x1050, "DS", "40")
            .text(0x0028, 0x1051, "DS", "400");
        set.text(0x0028, 0x1052, "DS", "-1024")
            .text(0x0028, 0x1053, "DS", "1")
            .text(0x0028, 0x1054, "LO", "HU");
        let pixels = usize::from(self.side).pow(2);
        let value =
            |at: usize| u16::try_from((at * 7 + patient as usize + slice as usize) % 4096).unwrap_or(0);
        set.long(
            0x7FE0,
            0x0010,
            "OW",
            &(0..pixels).flat_map(|at| value(at).to_le_bytes()).collect::<Vec<_>>(),
        );
        set.bytes
    }
}

const CT: &str = "1.2.840.10008.5.1.4.1.1.2";

/// A folder that is either there as a whole or made anew.
fn whole(folder: &Path, make: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    crate::run::say(&format!("making {} ...", crate::paths::shown(folder)));
    let part = folder.with_extension("part");
    if part.exists() {
        fs::remove_dir_all(&part)?;
    }
    fs::create_dir_all(&part)?;
    make(&part).with_context(|| format!("cannot make {}", folder.display()))?;
    Ok(fs::rename(part, folder)?)
}

/// One large file, and a folder of so many links to it, as of so many files.
pub(super) struct Large {
    pub(super) file: PathBuf,
    pub(super) folder: PathBuf,
}

/// Links to a file of one kind. It is what a scan passes over that is large, not what it reads.
pub(super) fn large(below: &Path, kind: &str, bytes: &[u8], links: u32) -> Result<Large> {
    let (file, folder) = (below.join(format!("{kind}.dcm")), below.join(format!("{kind}-x{links}")));
    fs::write(&file, bytes)?;
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    for link in 0..links {
        let place = folder.join((link / 10).to_string());
        fs::create_dir_all(&place)?;
        fs::hard_link(&file, place.join(format!("{link}.dcm")))?;
    }
    Ok(Large { file, folder })
}

fn object(class: &str, modality: &str) -> Set {
    let mut set = Set::begin(class, "2.25.77.1");
    set.text(0x0008, 0x0016, "UI", class).text(0x0008, 0x0018, "UI", "2.25.77.1");
    set.text(0x0008, 0x0060, "CS", modality).text(0x0008, 0x0070, "LO", "SIEMENS");
    set.text(0x0010, 0x0020, "LO", "P000000").text(0x0012, 0x0062, "CS", "YES");
    set.text(0x0020, 0x000D, "UI", "2.25.77.2").text(0x0020, 0x000E, "UI", "2.25.77.3");
    set
}

/// An RTSTRUCT whose contours take about `size` bytes.
pub(super) fn rtstruct(size: usize) -> Vec<u8> {
    let mut set = object("1.2.840.10008.5.1.4.1.1.481.3", "RTSTRUCT");
    let point = "-123.45\\-67.891\\-250.5";
    let contour = vec![point; 60_000 / (point.len() + 1) / 2].join("\\");
    let mut contours = Set::default();
    while contours.bytes.len() < size {
        let mut item = Set::default();
        item.text(0x3006, 0x0042, "CS", "CLOSED_PLANAR").text(0x3006, 0x0046, "IS", "1000");
        item.text(0x3006, 0x0050, "DS", &contour);
        contours.item(&item);
    }
    let mut roi = Set::default();
    roi.long(0x3006, 0x0040, "SQ", &contours.bytes).text(0x3006, 0x0084, "IS", "1");
    let mut rois = Set::default();
    rois.item(&roi);
    set.long(0x3006, 0x0039, "SQ", &rois.bytes);
    set.bytes
}

/// A binary DICOM-SEG whose pixels take `frames` x 512 KiB.
pub(super) fn segmentation(frames: usize) -> Vec<u8> {
    let mut set = object("1.2.840.10008.5.1.4.1.1.66.4", "SEG");
    set.text(0x0020, 0x0052, "UI", "2.25.77.4").short(0x0028, 0x0002, 1).text(
        0x0028,
        0x0004,
        "CS",
        "MONOCHROME2",
    );
    set.text(0x0028, 0x0008, "IS", &frames.to_string())
        .short(0x0028, 0x0010, 2048)
        .short(0x0028, 0x0011, 2048);
    set.short(0x0028, 0x0100, 1).short(0x0028, 0x0101, 1).short(0x0028, 0x0102, 0).short(0x0028, 0x0103, 0);
    set.text(0x0062, 0x0001, "CS", "BINARY");
    let mut groups = Set::default();
    for frame in 0..frames {
        let mut position = Set::default();
        position.text(0x0020, 0x0032, "DS", &format!("0\\0\\{frame}"));
        let mut sequence = Set::default();
        sequence.item(&position);
        let mut group = Set::default();
        group.long(0x0020, 0x9113, "SQ", &sequence.bytes);
        groups.item(&group);
    }
    set.long(0x5200, 0x9230, "SQ", &groups.bytes);
    set.long(0x7FE0, 0x0010, "OB", &vec![0x5A; frames * (2048 * 2048 / 8)]);
    set.bytes
}

/// Elements, written in the order in which they are added.
#[derive(Default)]
struct Set {
    bytes: Vec<u8>,
}

impl Set {
    /// Preamble and file meta group.
    fn begin(class: &str, instance: &str) -> Self {
        let mut meta = Self::default();
        meta.long(0x0002, 0x0001, "OB", &[0, 1]).text(0x0002, 0x0002, "UI", class);
        meta.text(0x0002, 0x0003, "UI", instance).text(0x0002, 0x0010, "UI", "1.2.840.10008.1.2.1");
        meta.text(0x0002, 0x0012, "UI", "2.25.143811562862397513874626318210476223041");
        let mut set = Self { bytes: [vec![0; 128], b"DICM".to_vec()].concat() };
        let length = u32::try_from(meta.bytes.len()).unwrap_or(u32::MAX);
        set.head(0x0002, 0x0000, "UL").extend([4, 0]);
        set.bytes.extend(length.to_le_bytes());
        set.bytes.extend(meta.bytes);
        set
    }

    fn head(&mut self, group: u16, element: u16, vr: &str) -> &mut Vec<u8> {
        self.bytes.extend(group.to_le_bytes());
        self.bytes.extend(element.to_le_bytes());
        self.bytes.extend(vr.as_bytes());
        &mut self.bytes
    }

    fn text(&mut self, group: u16, element: u16, vr: &str, value: &str) -> &mut Self {
        let mut value = value.as_bytes().to_vec();
        if value.len() % 2 == 1 {
            value.push(if vr == "UI" { 0 } else { b' ' });
        }
        let length = u16::try_from(value.len()).unwrap_or(u16::MAX);
        self.head(group, element, vr).extend(length.to_le_bytes());
        self.bytes.extend(value);
        self
    }

    fn short(&mut self, group: u16, element: u16, value: u16) -> &mut Self {
        self.head(group, element, "US").extend([2, 0]);
        self.bytes.extend(value.to_le_bytes());
        self
    }

    fn long(&mut self, group: u16, element: u16, vr: &str, value: &[u8]) -> &mut Self {
        let length = u32::try_from(value.len()).unwrap_or(u32::MAX);
        self.head(group, element, vr).extend([0, 0]);
        self.bytes.extend(length.to_le_bytes());
        self.bytes.extend(value);
        self
    }

    fn item(&mut self, item: &Self) {
        self.bytes.extend([0xFE, 0xFF, 0x00, 0xE0]);
        self.bytes.extend(u32::try_from(item.bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
        self.bytes.extend(&item.bytes);
    }
}
