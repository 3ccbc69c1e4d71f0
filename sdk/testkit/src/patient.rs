use crate::{
    cohort::Recipe,
    device::{Device, Injection, Maker},
    dicom::DataSet,
    fault::Fault,
    grid::{Grid, Size},
    image::{Image, images},
    outcome::Outcome,
    phantom::{Levels, Phantom, Tissue},
    segmentation::{Kind, segmentation},
    series::{Series, Slice, Uids},
    structure::structure_set,
    syntax::Syntax,
};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use trocar_terms::Modality;

/// Who a patient is, in every file of hers.
pub(crate) struct Person {
    pub(crate) id: String,
    pub(crate) outcome: Outcome,
    /// Age goes into the files of varied cohorts only.
    shows_age: bool,
}

/// One patient, drawn from streams of her own.
pub(crate) struct Patient {
    pub(crate) index: u32,
    pub(crate) person: Person,
    pub(crate) lesions: usize,
    /// The first is the one that her outcome depends on.
    pub(crate) series: Vec<Series>,
    pub(crate) fault: Option<Fault>,
    seed: u64,
}

/// Numbers of the UIDs of a series' masks.
pub(crate) struct MaskUids {
    pub(crate) series: u128,
    pub(crate) sop_instance: u128,
    pub(crate) dimensions: u128,
    pub(crate) structure_series: u128,
    pub(crate) structure_instance: u128,
}

/// Streams of one patient: what is drawn from one does not move what is drawn from another.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Stream {
    /// Body, first series, outcome.
    Main,
    /// A further series.
    Series(Modality),
    /// The tracer.
    Injection,
    /// Dates and cells of the tables that not every cohort has.
    Tables,
    /// The UIDs of masks.
    Masks(Modality),
    /// The UIDs of planted files.
    Fault,
}

impl Stream {
    pub(crate) fn of(self, seed: u64, index: u32) -> ChaCha8Rng {
        let kind = |modality: Modality| match modality {
            Modality::CT => 1,
            Modality::MR => 2,
            Modality::PT => 3,
        };
        let number: u64 = match self {
            Self::Main => 0,
            Self::Series(modality) => kind(modality),
            Self::Injection => 4,
            Self::Tables => 5,
            Self::Fault => 6,
            Self::Masks(modality) => 16 + kind(modality),
        };
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(number << 32 | u64::from(index));
        rng
    }
}

impl Patient {
    pub(crate) fn draw(recipe: &Recipe, index: u32) -> Self {
        let mut rng = Stream::Main.of(recipe.seed, index);
        let phantom = Phantom::draw(&mut rng, recipe.size);
        let draft = Draft { recipe, index, fault: recipe.fault(index), phantom: &phantom };
        let first = recipe.modalities.first().copied().unwrap_or(Modality::CT);
        let slices = draft.slices(&mut rng, first);
        let grid = draft.grid(first);
        let lesion_ml = count(&slices, Tissue::Lesion) as f64 * grid.voxel_ml();
        let outcome = Outcome::draw(&mut rng, lesion_ml);
        let [study, series, frame_of_reference, first_instance] = std::array::from_fn(|_| uid(&mut rng));
        let uids = Uids { study, frame_of_reference, series, first: first_instance };
        let mut all = vec![draft.series(first, slices, uids)];
        for modality in recipe.modalities.iter().skip(1) {
            let mut rng = Stream::Series(*modality).of(recipe.seed, index);
            let slices = draft.slices(&mut rng, *modality);
            let uids = Uids { series: uid(&mut rng), first: uid(&mut rng), ..uids };
            all.push(draft.series(*modality, slices, uids));
        }
        let person =
            Person { id: format!("TK{:05}", u64::from(index) + 1), outcome, shows_age: recipe.varied };
        let (lesions, fault, seed) = (phantom.lesions(), draft.fault, recipe.seed);
        Self { index, person, lesions, series: all, fault, seed }
    }

    /// The files of one of her series.
    pub(crate) fn images(&self, series: &Series) -> Vec<Image> {
        images(series, &self.person)
    }

    /// DICOM-SEG of a series; fractional for every fourth patient.
    pub(crate) fn segmentation(&self, series: &Series) -> Option<Image> {
        segmentation(series, &self.person, &self.mask_uids(series), self.mask_kind())
    }

    pub(crate) const fn mask_kind(&self) -> Kind {
        if self.index % 4 == 3 { Kind::Fractional } else { Kind::Binary }
    }

    /// RTSTRUCT of a series.
    pub(crate) fn structure_set(&self, series: &Series) -> Option<Image> {
        structure_set(series, &self.person, &self.mask_uids(series))
    }

    fn mask_uids(&self, series: &Series) -> MaskUids {
        let mut rng = Stream::Masks(series.device.modality).of(self.seed, self.index);
        MaskUids {
            series: uid(&mut rng),
            sop_instance: uid(&mut rng),
            dimensions: uid(&mut rng),
            structure_series: uid(&mut rng),
            structure_instance: uid(&mut rng),
        }
    }
}

/// What the series of one patient have in common before they are drawn.
struct Draft<'a> {
    recipe: &'a Recipe,
    index: u32,
    fault: Option<Fault>,
    phantom: &'a Phantom,
}

impl Draft<'_> {
    fn grid(&self, modality: Modality) -> Grid {
        Grid::of(modality, self.recipe.size, self.recipe.modalities.len() == 1)
    }

    fn device(&self, modality: Modality) -> Device {
        let typical = self.recipe.varied;
        let injection = (typical && modality == Modality::PT).then(|| self.injection());
        Device { maker: Maker::of(self.index), modality, injection, typical }
    }

    fn injection(&self) -> Injection {
        let mut rng = Stream::Injection.of(self.recipe.seed, self.index);
        Injection {
            weight_kg: rng.random_range(50..100),
            dose_bq: rng.random_range(200..400) * 1_000_000,
            delay_s: rng.random_range(2_700..5_400),
        }
    }

    fn slices(&self, rng: &mut ChaCha8Rng, modality: Modality) -> Vec<Slice> {
        let (levels, device, grid) =
            (Levels::draw(rng, modality), self.device(modality), self.grid(modality));
        (0..grid.slices).map(|z| Slice::draw(rng, self.phantom, (&levels, &device, &grid), z)).collect()
    }

    fn series(&self, modality: Modality, slices: Vec<Slice>, uids: Uids) -> Series {
        let (device, grid) = (self.device(modality), self.grid(modality));
        // An enhanced PET states its values in another way, and a fault is planted among files of one slice.
        let can = modality != Modality::PT && self.fault.is_none();
        let enhanced = self.recipe.varied && can && self.index % 5 == 4;
        let long_headers = self.recipe.size == Size::Headers && modality == Modality::CT;
        Series { device, grid, syntax: self.syntax(), enhanced, long_headers, slices, uids }
    }

    fn syntax(&self) -> Syntax {
        let syntaxes = &self.recipe.syntaxes;
        let at = self.index as usize % syntaxes.len().max(1);
        let syntax = syntaxes.get(at).copied().unwrap_or(Syntax::ExplicitLittle);
        if self.fault.is_some_and(Fault::needs_native) { syntax.native() } else { syntax }
    }
}

impl Person {
    /// Patient, study and de-identification.
    pub(crate) fn describe(&self, data: &mut DataSet) {
        data.text((0x0008, 0x0020), *b"DA", "").text((0x0008, 0x0030), *b"TM", "");
        data.text((0x0008, 0x0050), *b"SH", "").text((0x0008, 0x0090), *b"PN", "");
        data.text((0x0010, 0x0010), *b"PN", "").text((0x0010, 0x0020), *b"LO", &self.id);
        data.text((0x0010, 0x0030), *b"DA", "").text((0x0010, 0x0040), *b"CS", self.outcome.sex);
        data.text((0x0012, 0x0062), *b"CS", "YES").text((0x0012, 0x0063), *b"LO", "synthetic");
        data.text((0x0020, 0x0010), *b"SH", "");
        if self.shows_age {
            data.text((0x0010, 0x1010), *b"AS", &format!("{:03}Y", self.outcome.age_years));
        }
    }
}

fn count(slices: &[Slice], tissue: Tissue) -> usize {
    slices.iter().map(|s| s.tissue.iter().filter(|t| **t == tissue).count()).sum()
}

pub(crate) fn uid(rng: &mut ChaCha8Rng) -> u128 {
    u128::from(rng.next_u64()) << 64 | u128::from(rng.next_u64())
}
