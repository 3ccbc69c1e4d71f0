use crate::{
    cohort::CohortSpec,
    dicom::DataSet,
    outcome::Outcome,
    phantom::{Phantom, SIDE, SLICES, SPACING_MM, Tissue, VOXEL_ML, noise},
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use trocar_terms::Modality;

/// One patient, drawn from a stream of her own.
pub(crate) struct Patient {
    pub(crate) id: String,
    modality: Modality,
    lesions: usize,
    outcome: Outcome,
    slices: Vec<Slice>,
    maker: &'static str,
    /// Study, series, frame of reference, and the first of the SOP instances.
    uids: [u128; 4],
}

/// One slice: stored values, what they mean, and what they show.
struct Slice {
    stored: Vec<u16>,
    tissue: Vec<Tissue>,
    slope: f64,
    intercept: f64,
}

impl Patient {
    pub(crate) fn draw(spec: &CohortSpec, index: u32) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(spec.seed);
        rng.set_stream(u64::from(index));
        let phantom = Phantom::draw(&mut rng, spec.modality);
        let slices: Vec<_> = (0..SLICES).map(|z| Slice::draw(&mut rng, &phantom, spec.modality, z)).collect();
        let lesion_ml = count(&slices, Tissue::Lesion) as f64 * VOXEL_ML;
        let makers = ["GE MEDICAL SYSTEMS", "SIEMENS", "Philips"];
        Self {
            id: format!("TK{:05}", index + 1),
            modality: spec.modality,
            lesions: phantom.lesions(),
            outcome: Outcome::draw(&mut rng, lesion_ml),
            maker: makers.get(index as usize % makers.len()).copied().unwrap_or_default(),
            uids: std::array::from_fn(|_| uid(&mut rng)),
            slices,
        }
    }

    pub(crate) fn clinical_row(&self) -> String {
        let o = &self.outcome;
        let event = u8::from(o.event);
        format!("{},{},{},{},{},{event}\n", self.id, o.age_years, o.sex, o.diagnosis, o.survival_days)
    }

    pub(crate) fn truth_row(&self) -> String {
        let lesion = count(&self.slices, Tissue::Lesion);
        let body = count(&self.slices, Tissue::Body) + lesion;
        let (lesion_ml, body_ml) = (lesion as f64 * VOXEL_ML, body as f64 * VOXEL_ML);
        let all = self.mean(|_| true);
        let (in_body, in_lesion) = (self.mean(|t| t != Tissue::Air), self.mean(|t| t == Tissue::Lesion));
        let hazard = self.outcome.hazard;
        format!(
            "{},{},{lesion},{lesion_ml},{body},{body_ml},{all},{in_body},{in_lesion},{hazard}\n",
            self.id, self.lesions
        )
    }

    /// The mean calibrated value over some tissues; empty where there is none.
    fn mean(&self, of: impl Fn(Tissue) -> bool) -> String {
        let (mut sum, mut count) = (0.0, 0.0);
        for slice in &self.slices {
            for (stored, tissue) in slice.stored.iter().zip(&slice.tissue) {
                if of(*tissue) {
                    sum += slice.slope * f64::from(*stored) + slice.intercept;
                    count += 1.0;
                }
            }
        }
        if count > 0.0 { (sum / count).to_string() } else { String::new() }
    }

    pub(crate) fn files(&self) -> Vec<Vec<u8>> {
        let number = |z: usize| u32::try_from(z).unwrap_or(u32::MAX);
        self.slices.iter().enumerate().map(|(z, slice)| self.file(number(z), slice)).collect()
    }

    fn file(&self, z: u32, slice: &Slice) -> Vec<u8> {
        let [study, series, frame, first] = self.uids;
        let sop_class = match self.modality {
            Modality::CT => "1.2.840.10008.5.1.4.1.1.2",
            Modality::MR => "1.2.840.10008.5.1.4.1.1.4",
            Modality::PT => "1.2.840.10008.5.1.4.1.1.128",
        };
        let sop_instance = uid_text(first.wrapping_add(u128::from(z)));
        let mut data = DataSet::new();
        data.text((0x0008, 0x0016), *b"UI", sop_class).text((0x0008, 0x0018), *b"UI", &sop_instance);
        data.text((0x0020, 0x000D), *b"UI", &uid_text(study)).text(
            (0x0020, 0x000E),
            *b"UI",
            &uid_text(series),
        );
        data.text((0x0020, 0x0052), *b"UI", &uid_text(frame));
        self.describe(&mut data);
        place(&mut data, z);
        slice.describe(&mut data, self.modality);
        data.file(sop_class, &sop_instance)
    }

    /// Patient, study, series and equipment.
    fn describe(&self, data: &mut DataSet) {
        let sex = self.outcome.sex;
        data.text((0x0008, 0x0020), *b"DA", "").text((0x0008, 0x0030), *b"TM", "");
        data.text((0x0008, 0x0050), *b"SH", "").text((0x0008, 0x0060), *b"CS", self.modality.code());
        data.text((0x0008, 0x0070), *b"LO", self.maker).text((0x0008, 0x0090), *b"PN", "");
        data.text((0x0010, 0x0010), *b"PN", "").text((0x0010, 0x0020), *b"LO", &self.id);
        data.text((0x0010, 0x0030), *b"DA", "").text((0x0010, 0x0040), *b"CS", sex);
        data.text((0x0012, 0x0062), *b"CS", "YES").text((0x0012, 0x0063), *b"LO", "synthetic");
        data.text((0x0018, 0x0015), *b"CS", "ABDOMEN").text((0x0018, 0x5100), *b"CS", "HFS");
        data.text((0x0020, 0x0010), *b"SH", "").text((0x0020, 0x0011), *b"IS", "1");
        data.text((0x0020, 0x1040), *b"LO", "").text((0x0028, 0x0301), *b"CS", "NO");
    }
}

/// Where a slice lies: the middle of the volume is the origin.
fn place(data: &mut DataSet, z: u32) {
    let corner = -(SIDE as f64 - 1.0) / 2.0 * SPACING_MM;
    let depth = (f64::from(z) - (SLICES as f64 - 1.0) / 2.0) * SPACING_MM;
    data.text((0x0008, 0x0008), *b"CS", "ORIGINAL\\PRIMARY\\AXIAL");
    data.decimals((0x0018, 0x0050), &[SPACING_MM]).decimals((0x0028, 0x0030), &[SPACING_MM; 2]);
    data.text((0x0020, 0x0013), *b"IS", &(z + 1).to_string());
    data.decimals((0x0020, 0x0032), &[corner, corner, depth]);
    data.decimals((0x0020, 0x0037), &[1.0, 0.0, 0.0, 0.0, 1.0, 0.0]);
}

impl Slice {
    fn draw(rng: &mut ChaCha8Rng, phantom: &Phantom, modality: Modality, z: usize) -> Self {
        let (slope, intercept) = match modality {
            Modality::CT => (1.0, -1024.0),
            Modality::MR => (1.0, 0.0),
            // PET slopes vary from slice to slice; these have few digits, so that the text holds them whole.
            Modality::PT => ((50.0 + z as f64) / 100_000.0, 0.0),
        };
        let (mut stored, mut tissue) = (Vec::new(), Vec::new());
        for (row, column) in (0..SIDE).flat_map(|row| (0..SIDE).map(move |column| (row, column))) {
            let kind = phantom.tissue(column, row, z);
            let (level, most) = phantom.level(kind, modality);
            let value =
                f64::from(level + noise(rng, most)) * if modality == Modality::PT { 0.001 } else { 1.0 };
            stored.push(to_stored((value - intercept) / slope));
            tissue.push(kind);
        }
        Self { stored, tissue, slope, intercept }
    }

    fn describe(&self, data: &mut DataSet, modality: Modality) {
        let bits = if modality == Modality::PT { 16 } else { 12 };
        let side = u16::try_from(SIDE).unwrap_or(u16::MAX);
        data.short((0x0028, 0x0002), 1).text((0x0028, 0x0004), *b"CS", "MONOCHROME2");
        data.short((0x0028, 0x0010), side).short((0x0028, 0x0011), side);
        data.short((0x0028, 0x0100), 16).short((0x0028, 0x0101), bits);
        data.short((0x0028, 0x0102), bits - 1).short((0x0028, 0x0103), 0);
        if modality != Modality::MR {
            data.decimals((0x0028, 0x1052), &[self.intercept]).decimals((0x0028, 0x1053), &[self.slope]);
        }
        match modality {
            Modality::CT => data.text((0x0028, 0x1054), *b"LO", "HU").text((0x0018, 0x0060), *b"DS", "120"),
            Modality::MR => data.text((0x0018, 0x0020), *b"CS", "SE").text((0x0018, 0x0021), *b"CS", "NONE"),
            Modality::PT => {
                data.text((0x0054, 0x1001), *b"CS", "GML").text((0x0054, 0x1102), *b"CS", "START")
            }
        };
        data.pixels(&self.stored);
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to what 16 bits hold")]
fn to_stored(value: f64) -> u16 {
    value.round().clamp(0.0, 65_535.0) as u16
}

fn count(slices: &[Slice], tissue: Tissue) -> usize {
    slices.iter().map(|s| s.tissue.iter().filter(|t| **t == tissue).count()).sum()
}

fn uid(rng: &mut ChaCha8Rng) -> u128 {
    u128::from(rng.next_u64()) << 64 | u128::from(rng.next_u64())
}

/// A UID under 2.25, the root for numbers drawn at random (PS3.5 annex B.2).
fn uid_text(uid: u128) -> String {
    format!("2.25.{uid}")
}
