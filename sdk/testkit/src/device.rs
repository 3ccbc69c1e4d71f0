//! What scanners of different makers write differently.

use crate::dicom::{DataSet, decimal};
use trocar_terms::Modality;

/// A maker of scanners.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Maker {
    Ge,
    Siemens,
    Philips,
}

impl Maker {
    pub(crate) const fn of(index: u32) -> Self {
        match index % 3 {
            0 => Self::Ge,
            1 => Self::Siemens,
            _ => Self::Philips,
        }
    }

    /// Manufacturer (0008,0070).
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Ge => "GE MEDICAL SYSTEMS",
            Self::Siemens => "SIEMENS",
            Self::Philips => "Philips",
        }
    }
}

/// How a slice's samples stand for values, and what its header says of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Scale {
    /// Value, in HU, SUV or as stored, of one step of a sample.
    pub(crate) slope: f64,
    pub(crate) intercept: f64,
    pub(crate) bits: u16,
    pub(crate) signed: bool,
    /// Rescale Slope and Intercept; an MR may have neither, and its values are then those that are stored.
    pub(crate) written: Option<(f64, f64)>,
}

impl Scale {
    /// The sample that is nearest to a value.
    pub(crate) fn sample(&self, value: f64) -> u16 {
        let (low, high) = if self.signed { (-32_768.0, 32_767.0) } else { (0.0, 65_535.0) };
        low_bits(((value - self.intercept) / self.slope).round().clamp(low, high))
    }

    /// The value of a sample.
    pub(crate) fn value(&self, sample: u16) -> f64 {
        let stored = if self.signed { f64::from(sample.cast_signed()) } else { f64::from(sample) };
        self.slope * stored + self.intercept
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to what 16 bits hold")]
fn low_bits(value: f64) -> u16 {
    value as i32 as u16
}

/// A tracer given to a patient of known weight, at ten o'clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Injection {
    pub(crate) weight_kg: u32,
    pub(crate) dose_bq: u32,
    /// Seconds until the scan.
    pub(crate) delay_s: u32,
}

/// Physical half-life of fluorine-18, as scanners write it.
const HALF_LIFE_S: f64 = 6586.2;
const INJECTED_S: u32 = 36_000;

impl Injection {
    /// Becquerel in a millilitre at an SUV of one: the dose, decayed to the time that the image is corrected to, over
    /// the weight in grams.
    fn becquerel_per_suv(&self, maker: Maker) -> f64 {
        let decay = match maker {
            // Corrected to the injection.
            Maker::Ge => 1.0,
            // Corrected to the start of the series.
            Maker::Siemens | Maker::Philips => libm::exp2(-f64::from(self.delay_s) / HALF_LIFE_S),
        };
        f64::from(self.dose_bq) * decay / (f64::from(self.weight_kg) * 1000.0)
    }
}

/// A scanner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Device {
    pub(crate) maker: Maker,
    pub(crate) modality: Modality,
    /// The tracer of a PET whose values are activities; without it they are SUV, and nothing differs between makers.
    pub(crate) injection: Option<Injection>,
    /// Whether it writes as its maker does.
    pub(crate) typical: bool,
}

impl Device {
    pub(crate) fn scale(&self, z: usize) -> Scale {
        match self.modality {
            Modality::CT => self.ct(),
            Modality::MR => self.mr(),
            Modality::PT => self.pet(z),
        }
    }

    const fn ct(&self) -> Scale {
        let plain = Scale::linear(1.0, -1024.0, 12, false);
        match self.maker {
            Maker::Ge if self.typical => Scale::linear(1.0, -1024.0, 16, true),
            Maker::Philips if self.typical => Scale::linear(1.0, -1000.0, 12, false),
            Maker::Ge | Maker::Siemens | Maker::Philips => plain,
        }
    }

    const fn mr(&self) -> Scale {
        let plain = Scale { written: None, ..Scale::linear(1.0, 0.0, 12, false) };
        match self.maker {
            Maker::Ge if self.typical => Scale { bits: 16, signed: true, ..plain },
            // It scales each series for display; the stored values are no less the measured ones.
            Maker::Philips if self.typical => Scale { written: Some((2.5, 0.0)), ..plain },
            Maker::Ge | Maker::Siemens | Maker::Philips => plain,
        }
    }

    /// PET slopes vary from slice to slice; these have few digits, so that the text holds them whole.
    fn pet(&self, z: usize) -> Scale {
        let suv = Scale::linear((50.0 + z as f64) / 100_000.0, 0.0, 16, false);
        let Some(injection) = self.activity() else { return suv };
        let per_suv = injection.becquerel_per_suv(self.maker);
        // What the header can say, not what was meant.
        let slope = decimal(suv.slope * per_suv).parse().unwrap_or(suv.slope);
        let signed = self.maker == Maker::Ge;
        Scale { slope: slope / per_suv, signed, written: Some((slope, 0.0)), ..suv }
    }

    /// The injection where the values are Bq/mL.
    fn activity(&self) -> Option<Injection> {
        self.injection.filter(|_| self.typical && self.maker != Maker::Philips)
    }

    /// The unit of what the header's slope and intercept give, as `series.csv` has it.
    pub(crate) fn unit(&self) -> &'static str {
        match self.modality {
            Modality::CT => "HU",
            Modality::MR => "stored",
            Modality::PT => self.pet_unit(),
        }
    }

    fn pet_unit(&self) -> &'static str {
        if self.activity().is_some() { "BQML" } else { "GML" }
    }

    /// The elements of its modality.
    pub(crate) fn describe(&self, data: &mut DataSet) {
        match self.modality {
            Modality::CT => data.text((0x0028, 0x1054), *b"LO", "HU").text((0x0018, 0x0060), *b"DS", "120"),
            Modality::MR => data.text((0x0018, 0x0020), *b"CS", "SE").text((0x0018, 0x0021), *b"CS", "NONE"),
            Modality::PT => data.text((0x0054, 0x1001), *b"CS", self.pet_unit()).text(
                (0x0054, 0x1102),
                *b"CS",
                if self.maker_admin() { "ADMIN" } else { "START" },
            ),
        };
        if self.typical {
            self.describe_typical(data);
        }
    }

    fn maker_admin(&self) -> bool {
        self.activity().is_some() && self.maker == Maker::Ge
    }

    fn describe_typical(&self, data: &mut DataSet) {
        data.text((0x0008, 0x1090), *b"LO", "Synthetic 1").text((0x0018, 0x1020), *b"LO", "1.0");
        match (self.modality, self.maker) {
            (Modality::CT, Maker::Ge) => {
                data.signed_short((0x0028, 0x0120), -2000);
            }
            (Modality::MR, _) => self.describe_sequence(data),
            (Modality::PT, _) => self.describe_tracer(data),
            (Modality::CT, _) => {}
        }
    }

    fn describe_sequence(&self, data: &mut DataSet) {
        data.text((0x0018, 0x0022), *b"CS", "").text((0x0018, 0x0023), *b"CS", "2D");
        data.text((0x0018, 0x0080), *b"DS", "500").text((0x0018, 0x0081), *b"DS", "15");
        data.text((0x0018, 0x0091), *b"IS", "1");
        if self.maker == Maker::Philips {
            data.text((0x0028, 0x1054), *b"LO", "normalized");
        }
    }

    /// What a classic file says of its own slice, beside geometry and rescale.
    pub(crate) fn describe_slice(&self, data: &mut DataSet, z: usize, slices: usize) {
        if !self.typical {
            return;
        }
        data.text((0x0020, 0x0012), *b"IS", "1");
        if self.modality == Modality::PT {
            let number = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
            data.short((0x0054, 0x0081), number(slices)).short((0x0054, 0x1330), number(z + 1));
            data.text((0x0054, 0x1300), *b"DS", "0").text((0x0054, 0x1321), *b"DS", "1");
            data.text((0x0018, 0x1242), *b"IS", "");
        }
    }

    fn describe_tracer(&self, data: &mut DataSet) {
        let Some(injection) = self.injection else { return };
        let start = clock(INJECTED_S);
        let scan = clock(INJECTED_S + injection.delay_s);
        let mut tracer = DataSet::new();
        tracer.text((0x0018, 0x0031), *b"LO", "Fluorodeoxyglucose").text((0x0018, 0x1072), *b"TM", &start);
        tracer.decimals((0x0018, 0x1074), &[f64::from(injection.dose_bq)]);
        tracer.decimals((0x0018, 0x1075), &[HALF_LIFE_S]).text((0x0018, 0x1076), *b"DS", "0.97");
        tracer.text((0x0018, 0x1078), *b"DT", &format!("20200101{start}"));
        tracer.sequence((0x0054, 0x0300), &[]);
        data.sequence((0x0054, 0x0016), &[tracer]);
        data.decimals((0x0010, 0x1030), &[f64::from(injection.weight_kg)]);
        data.text((0x0054, 0x1000), *b"CS", "STATIC\\IMAGE").text((0x0054, 0x1002), *b"CS", "EMISSION");
        // The codes of the patient's orientation stand in place of a Patient Position (PS3.3 section C.7.3.1.1.2).
        data.sequence((0x0054, 0x0410), &[]).sequence((0x0054, 0x0414), &[]).remove((0x0018, 0x5100));
        data.text((0x0018, 0x1181), *b"CS", "");
        data.text((0x0028, 0x0051), *b"CS", "DECY\\ATTN\\SCAT");
        data.text((0x0008, 0x0021), *b"DA", "20200101").text((0x0008, 0x0031), *b"TM", &scan);
        data.text((0x0008, 0x0022), *b"DA", "20200101").text((0x0008, 0x0032), *b"TM", &scan);
    }
}

impl Scale {
    const fn linear(slope: f64, intercept: f64, bits: u16, signed: bool) -> Self {
        Self { slope, intercept, bits, signed, written: Some((slope, intercept)) }
    }
}

/// A time of day, as TM has it.
fn clock(seconds: u32) -> String {
    format!("{:02}{:02}{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_activity_is_the_suv_times_the_decayed_dose_over_the_weight() {
        let injection = Injection { weight_kg: 80, dose_bq: 320_000_000, delay_s: 6586 };
        let half = injection.becquerel_per_suv(Maker::Siemens);
        assert!((half - 2000.0).abs() < 0.1, "{half}");
        assert!((injection.becquerel_per_suv(Maker::Ge) - 4000.0).abs() < 1e-9);
    }

    #[test]
    fn samples_are_signed_where_the_maker_signs_them() {
        let device = Device { maker: Maker::Ge, modality: Modality::CT, injection: None, typical: true };
        let scale = device.scale(0);
        assert_eq!(scale.sample(-2000.0).cast_signed(), -976);
        assert!((scale.value(scale.sample(-2000.0)) + 2000.0).abs() < 1e-9);
    }

    #[test]
    fn a_time_of_day_has_six_digits() {
        assert_eq!(clock(36_000 + 3_605), "110005");
    }
}
