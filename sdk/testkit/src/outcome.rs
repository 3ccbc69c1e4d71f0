use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Risk a day of a patient of 60 with no lesion.
pub(crate) const BASE_HAZARD: f64 = 1.0 / 2000.0;
/// Log hazard ratio for ten years of age.
pub(crate) const LOG_HAZARD_AGE: f64 = 0.25;
/// Log hazard ratio for `ln(1 + lesion volume in mL)`.
pub(crate) const LOG_HAZARD_VOLUME: f64 = 0.35;

/// One row of the clinical table, and the risk behind it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Outcome {
    pub(crate) age_years: u32,
    pub(crate) sex: &'static str,
    pub(crate) diagnosis: &'static str,
    pub(crate) survival_days: u32,
    pub(crate) event: bool,
    pub(crate) hazard: f64,
}

impl Outcome {
    /// Draws a patient whose time to event is exponential with a hazard that age and lesion volume set, censored at
    /// a follow-up of one to five years.
    pub(crate) fn draw(rng: &mut ChaCha8Rng, lesion_ml: f64) -> Self {
        let age_years = rng.random_range(35..86);
        let sex = if rng.random_bool(0.5) { "F" } else { "M" };
        let diagnosis =
            ["sarcoma", "carcinoma", "lymphoma"].get(rng.random_range(0..3)).copied().unwrap_or("other");
        let score = LOG_HAZARD_AGE * (f64::from(age_years) - 60.0) / 10.0
            + LOG_HAZARD_VOLUME * libm::log1p(lesion_ml);
        let hazard = BASE_HAZARD * libm::exp(score);
        // 1 - u lies in (0, 1], whose logarithm is finite.
        let time = -libm::log(1.0 - rng.random::<f64>()) / hazard;
        let followed = rng.random_range(365..1826);
        let event = time <= f64::from(followed);
        let survival_days = if event { whole_days(time).min(followed) } else { followed };
        Self { age_years, sex, diagnosis, survival_days, event, hazard }
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a time within the follow-up")]
fn whole_days(time: f64) -> u32 {
    time.ceil() as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn the_rate_of_events_is_the_hazard_of_the_model() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let (mut events, mut expected) = (0.0, 0.0);
        for i in 0..20_000 {
            let outcome = Outcome::draw(&mut rng, f64::from(i % 60));
            events += f64::from(u8::from(outcome.event));
            expected += outcome.hazard * f64::from(outcome.survival_days);
        }
        // The number of events less the summed hazard is a martingale: its variance is the summed hazard.
        assert!((events - expected).abs() < 4.0 * f64::sqrt(expected), "{events} {expected}");
    }
}
