//! Files for the benches, made of nothing but numbers: a small DICOM writer of this program's own, explicit VR little endian.

use anyhow::{Context, Result};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// How a tree is made.
#[derive(Clone, Copy)]
pub(super) struct Spec {
    pub(super) patients: u32,
    pub(super) slices: u32,
    /// Pixels a side.
    pub(super) side: u16,
    /// Whether a header has what a real one has besides what a scan asks for.
    pub(super) rich: bool,
}

impl Spec {
    pub(super) fn files(&self) -> f64 {
        f64::from(self.patients) * f64::from(self.slices)
    }

    /// Writes `PATIENT/NUMBER.dcm` below a folder, or finds it written.
    pub(super) fn write(&self, below: &Path) -> Result<PathBuf> {
        let Self { patients, slices, side, rich } = self;
        let (kind, pixels) = (if *rich { "rich" } else { "bare" }, self.pixels());
        let folder = below.join(format!("ct-{patients}x{slices}-{side}-{kind}"));
        whole(&folder, |folder| {
            for patient in 0..self.patients {
                let place = folder.join(format!("{:03}", patient / 1000)).join(format!("P{patient:06}"));
                fs::create_dir_all(&place)?;
                for slice in 0..self.slices {
                    fs::write(place.join(format!("{slice:04}.dcm")), self.file(patient, slice, &pixels))?;
                }
            }
            Ok(())
        })?;
        Ok(folder)
    }

    fn file(&self, patient: u32, slice: u32, pixels: &[u8]) -> Vec<u8> {
        let series = format!("2.25.{}", 1_000_000 + u64::from(patient));
        let mut set = Sorted::default();
        set.text(0x0008, 0x0008, "CS", "ORIGINAL\\PRIMARY\\AXIAL").text(0x0008, 0x0016, "UI", CT);
        set.text(0x0008, 0x0018, "UI", &format!("{series}.{slice}")).text(0x0008, 0x0020, "DA", "20200101");
        set.text(0x0008, 0x0022, "DA", "20200101").text(0x0008, 0x0060, "CS", "CT");
        set.text(0x0008, 0x0032, "TM", &format!("1015{:02}", slice % 60));
        set.text(0x0008, 0x0070, "LO", ["SIEMENS", "Philips", "GE MEDICAL SYSTEMS"][patient as usize % 3]);
        set.text(0x0010, 0x0010, "PN", "").text(0x0010, 0x0020, "LO", &format!("P{patient:06}"));
        set.text(0x0010, 0x0040, "CS", if patient.is_multiple_of(2) { "F" } else { "M" });
        set.text(0x0010, 0x1010, "AS", &format!("{:03}Y", 40 + patient % 50));
        set.text(0x0012, 0x0062, "CS", "YES").text(0x0012, 0x0063, "LO", "made by a bench");
        set.text(0x0018, 0x0015, "CS", "ABDOMEN").text(0x0018, 0x0050, "DS", "2.5");
        set.text(0x0018, 0x0060, "DS", "120");
        set.text(0x0020, 0x000D, "UI", &format!("{series}.1"));
        set.text(0x0020, 0x000E, "UI", &format!("{series}.2"));
        set.text(0x0020, 0x0010, "SH", "1").text(0x0020, 0x0011, "IS", "2");
        set.text(0x0020, 0x0013, "IS", &(slice + 1).to_string());
        let depth = f64::from(slice) * 2.5 - 100.0;
        set.text(0x0020, 0x0032, "DS", &format!("-120.5\\-118.25\\{depth}"));
        set.text(0x0020, 0x0037, "DS", "1\\0\\0\\0\\1\\0").text(0x0020, 0x0052, "UI", &format!("{series}.3"));
        set.text(0x0020, 0x1040, "LO", "").text(0x0020, 0x1041, "DS", &depth.to_string());
        set.short(0x0028, 0x0002, 1).text(0x0028, 0x0004, "CS", "MONOCHROME2");
        set.short(0x0028, 0x0010, self.side).short(0x0028, 0x0011, self.side);
        set.text(0x0028, 0x0030, "DS", "0.78125\\0.78125").short(0x0028, 0x0100, 16);
        set.short(0x0028, 0x0101, 12).short(0x0028, 0x0102, 11).short(0x0028, 0x0103, 0);
        set.text(0x0028, 0x0301, "CS", "NO")
            .text(0x0028, 0x1050, "DS", "40")
            .text(0x0028, 0x1051, "DS", "400");
        set.text(0x0028, 0x1052, "DS", "-1024")
            .text(0x0028, 0x1053, "DS", "1")
            .text(0x0028, 0x1054, "LO", "HU");
        if self.rich {
            for (group, element, vr, value) in BESIDE {
                set.text(group, element, vr, value);
            }
            sequences(&mut set);
        }
        let mut file = Set::begin(CT, &format!("{series}.{slice}"));
        set.0.into_values().for_each(|set| file.bytes.extend(set.bytes));
        file.long(0x7FE0, 0x0010, "OW", pixels);
        file.bytes
    }

    /// Pixels of every file: a scan must not look at them.
    fn pixels(&self) -> Vec<u8> {
        let value = |at: usize| u16::try_from(at * 7 % 4096).unwrap_or(0);
        (0..usize::from(self.side).pow(2)).flat_map(|at| value(at).to_le_bytes()).collect()
    }
}

/// What a real slice has besides, and a scan does not ask for: the elements of the CT slice in ../shared/data/ct512, with
/// values of the same length. Empty private groups are their creators' names, as de-identified archives have them.
const BESIDE: [(u16, u16, &str, &str); 64] = [
    (0x0008, 0x0012, "DA", "20200101"),
    (0x0008, 0x0013, "TM", "101500"),
    (0x0008, 0x0021, "DA", "20200101"),
    (0x0008, 0x0023, "DA", "20200101"),
    (0x0008, 0x0030, "TM", "101500"),
    (0x0008, 0x0031, "TM", "101502"),
    (0x0008, 0x0033, "TM", "101503"),
    (0x0008, 0x0050, "SH", ""),
    (0x0008, 0x0090, "PN", ""),
    (0x0008, 0x1030, "LO", "CT ABDOMEN PELVIS W CONT "),
    (0x0008, 0x103E, "LO", "PORTAL VENOUS"),
    (0x0008, 0x1090, "LO", "LightSpeed 16"),
    (0x0009, 0x0010, "LO", "GEMS_IDEN_01"),
    (0x0009, 0x0011, "LO", "CTP 1"),
    (0x0010, 0x0030, "DA", ""),
    (0x0010, 0x21B0, "LT", "liver metastases"),
    (0x0013, 0x0010, "LO", "CTP"),
    (0x0013, 0x1010, "LO", "made by a bench, not a clinic"),
    (0x0013, 0x1013, "LO", "12345678"),
    (0x0018, 0x0010, "LO", "OMNIPAQUE 300"),
    (0x0018, 0x0022, "CS", "HELICAL MODE"),
    (0x0018, 0x0090, "DS", "500.000000"),
    (0x0018, 0x1020, "LO", "07MW18.4"),
    (0x0018, 0x1030, "LO", "5.1 AP"),
    (0x0018, 0x1040, "LO", "IV & Oral"),
    (0x0018, 0x1100, "DS", "380.000000"),
    (0x0018, 0x1110, "DS", "949.075012"),
    (0x0018, 0x1111, "DS", "541.000000"),
    (0x0018, 0x1120, "DS", "0.000000"),
    (0x0018, 0x1130, "DS", "157.500000"),
    (0x0018, 0x1140, "CS", "CW"),
    (0x0018, 0x1150, "IS", "1095"),
    (0x0018, 0x1151, "IS", "380"),
    (0x0018, 0x1152, "IS", "19"),
    (0x0018, 0x1160, "SH", "BODY FILTER"),
    (0x0018, 0x1170, "IS", "45600"),
    (0x0018, 0x1190, "DS", "1.200000"),
    (0x0018, 0x1210, "SH", "STANDARD"),
    (0x0018, 0x5100, "CS", "FFS"),
    (0x0018, 0x9305, "FD", "12345678"),
    (0x0018, 0x9306, "FD", "12345678"),
    (0x0018, 0x9307, "FD", "12345678"),
    (0x0018, 0x9309, "FD", "12345678"),
    (0x0018, 0x9310, "FD", "12345678"),
    (0x0018, 0x9311, "FD", "12345678"),
    (0x0019, 0x0010, "LO", "GEMS_ACQU_01"),
    (0x0020, 0x0012, "IS", "1"),
    (0x0020, 0x0060, "CS", ""),
    (0x0021, 0x0010, "LO", "GEMS_RELA_01"),
    (0x0023, 0x0010, "LO", "GEMS_STDY_01"),
    (0x0027, 0x0010, "LO", "GEMS_IMAG_01"),
    (0x0028, 0x0303, "CS", "MODIFIED"),
    (0x0040, 0x0244, "DA", "20200101"),
    (0x0040, 0x0245, "TM", "101500"),
    (0x0040, 0x0254, "LO", "CT ABDOMEN W ORA"),
    (0x0040, 0x2017, "LO", ""),
    (0x0043, 0x0010, "LO", "GEMS_PARM_01"),
    (0x0045, 0x0010, "LO", "GEMS_HELIOS_01"),
    (0x0903, 0x0010, "LO", "GEIIS PACS"),
    (0x0905, 0x0010, "LO", "GEIIS"),
    (0x7FD1, 0x0010, "LO", "GEIIS"),
    (0x0008, 0x0005, "CS", "ISO_IR 100"),
    (0x0018, 0x1041, "DS", "100.000000"),
    (0x0018, 0x1046, "DS", "3.000000"),
];

/// The three sequences of that slice, with their items.
fn sequences(set: &mut Sorted) {
    let code = |value: &str, meaning: &str| {
        let mut code = Set::default();
        code.text(0x0008, 0x0100, "SH", value).text(0x0008, 0x0102, "SH", "DCM");
        code.text(0x0008, 0x0104, "LO", meaning);
        code
    };
    let mut procedure = code("CTAPC", "CT ABDOMEN PELVIS W CONT");
    procedure.text(0x0008, 0x0105, "CS", "DCMR");
    let mut image = Set::default();
    image.text(0x0008, 0x1150, "UI", CT).text(
        0x0008,
        0x1155,
        "UI",
        "2.25.143811562862397513874626318210476223041",
    );
    let methods = [113_100, 113_101, 113_105, 113_107, 113_108, 113_109, 113_111]
        .map(|number: u32| code(&number.to_string(), "Retain Longitudinal With Modified Dates Option"));
    set.sequence(0x0008, 0x1032, &[procedure]);
    set.sequence(0x0008, 0x1140, &[image]);
    set.sequence(0x0012, 0x0064, &methods);
}

/// Elements in order of tag, however they come.
#[derive(Default)]
struct Sorted(BTreeMap<(u16, u16), Set>);

impl Sorted {
    fn text(&mut self, group: u16, element: u16, vr: &str, value: &str) -> &mut Self {
        self.0.entry((group, element)).or_default().text(group, element, vr, value);
        self
    }

    fn short(&mut self, group: u16, element: u16, value: u16) -> &mut Self {
        self.0.entry((group, element)).or_default().short(group, element, value);
        self
    }

    fn sequence(&mut self, group: u16, element: u16, items: &[Set]) {
        let mut all = Set::default();
        items.iter().for_each(|item| all.item(item));
        self.0.entry((group, element)).or_default().long(group, element, "SQ", &all.bytes);
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
