use crate::{
    fault::{Fault, Named, name},
    grid::Size,
    patient::Patient,
    series::Series,
    syntax::Syntax,
    tables::{Table, clinical_row, common_model_row, dates_row, model, series_rows, truth_row},
};
use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};
use trocar_terms::Modality;

/// A plain cohort: one series a patient, all written in one way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CohortSpec {
    /// Number of patients. A patient is the same whatever their number.
    pub patients: u32,
    /// What everything follows from.
    pub seed: u64,
    /// The kind of images.
    pub modality: Modality,
}

/// What to write, in every respect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipe {
    /// Number of patients. A patient is the same whatever their number.
    pub patients: u32,
    /// What everything follows from.
    pub seed: u64,
    /// A series of each for every patient, in one frame of reference. `truth.csv` and the outcome are about the first.
    pub modalities: Vec<Modality>,
    /// How large the volumes are.
    pub size: Size,
    /// One after the other, a patient each.
    pub syntaxes: Vec<Syntax>,
    /// A DICOM-SEG of the lesions beside each series: binary, for every fourth patient fractional.
    pub segmentations: bool,
    /// An RTSTRUCT of the lesions beside each series.
    pub structure_sets: bool,
    /// Files as scanners of three makers write them, enhanced multi-frame CT and MR for every fifth patient, and
    /// PET in Bq/mL with what SUV follows from.
    pub varied: bool,
    /// `clinical_dates.csv`, `clinical_cdm.csv` and `model.csv`.
    pub tables: bool,
    /// What is wrong with some patients.
    pub faults: Option<Planted>,
}

/// Faults to plant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planted {
    /// Which ones, a patient each, over and over.
    pub kinds: Vec<Fault>,
    /// One patient of so many has one.
    pub every: u32,
}

impl From<&CohortSpec> for Recipe {
    fn from(spec: &CohortSpec) -> Self {
        Self::new(spec.patients, spec.seed, spec.modality)
    }
}

impl Recipe {
    /// A plain cohort, to be changed.
    #[must_use]
    pub fn new(patients: u32, seed: u64, modality: Modality) -> Self {
        Self {
            patients,
            seed,
            modalities: vec![modality],
            size: Size::Normal,
            syntaxes: vec![Syntax::ExplicitLittle],
            segmentations: false,
            structure_sets: false,
            varied: false,
            tables: false,
            faults: None,
        }
    }

    /// The fault of a patient.
    pub(crate) fn fault(&self, index: u32) -> Option<Fault> {
        let planted = self.faults.as_ref()?;
        let (round, place) = (index.checked_div(planted.every)?, index.checked_rem(planted.every)?);
        let kind = (round as usize).checked_rem(planted.kinds.len())?;
        planted.kinds.get(kind).copied().filter(|_| place == planted.every - 1)
    }

    /// Whether nothing but one series a patient is asked for.
    fn is_plain(&self) -> bool {
        let masks = self.segmentations || self.structure_sets;
        let one = self.modalities.len() == 1 && self.syntaxes == [Syntax::ExplicitLittle];
        one && !masks && !self.varied && self.size == Size::Normal
    }

    fn tables(&self) -> Vec<Table> {
        let mut tables = vec![Table::Clinical, Table::Truth];
        tables.extend((!self.is_plain()).then_some(Table::Series));
        tables.extend(self.tables.then_some([Table::Dates, Table::CommonModel]).into_iter().flatten());
        tables.extend(self.faults.as_ref().map(|_| Table::Faults));
        tables
    }
}

/// One patient's files and rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatientFiles {
    /// Her Patient ID.
    pub id: String,
    /// Files, by their path below the cohort's folder.
    pub files: Vec<(PathBuf, Vec<u8>)>,
    /// Her part of each table: whole lines, none where a fault is not hers.
    pub rows: BTreeMap<Table, String>,
}

/// The patients of a cohort, one at a time: no more than one is held, whatever their number.
#[derive(Debug, Clone)]
pub struct Cohort {
    recipe: Recipe,
    next: u32,
}

impl Cohort {
    /// Begins with the first patient.
    #[must_use]
    pub const fn new(recipe: Recipe) -> Self {
        Self { recipe, next: 0 }
    }

    /// One patient by her number, from 0 on. The same recipe gives the same bytes, in whatever order they are asked for.
    #[must_use]
    pub fn patient(&self, index: u32) -> PatientFiles {
        let recipe = &self.recipe;
        let patient = Patient::draw(recipe, index);
        let folder = Path::new("dicom").join(&patient.person.id);
        let mut written =
            PatientFiles { id: patient.person.id.clone(), files: Vec::new(), rows: BTreeMap::new() };
        for series in &patient.series {
            let one = recipe.modalities.len() == 1;
            let below = if one { folder.clone() } else { folder.join(series.device.modality.code()) };
            self.images(&patient, series, &below, &mut written);
            self.masks(&patient, series, &folder, &mut written);
        }
        written.rows.extend(rows(recipe, &patient));
        written
    }

    fn images(&self, patient: &Patient, series: &Series, folder: &Path, written: &mut PatientFiles) {
        let images = patient.images(series);
        let first = patient.series.first().is_some_and(|s| s.device == series.device);
        let Some(fault) = patient.fault.filter(|_| first) else {
            let files = (1..).zip(&images).map(|(number, image)| (name(number), image.file()));
            return written.files.extend(files.map(|(name, bytes)| (folder.join(name), bytes)));
        };
        let (files, outcomes): (Vec<Named>, _) = fault.plant(patient, self.recipe.seed, images);
        written.files.extend(files.into_iter().map(|(name, bytes)| (folder.join(name), bytes)));
        let row = |(name, outcome): (String, &str)| {
            format!("{},{},{outcome}\n", folder.join(name).display(), fault.name())
        };
        written.rows.insert(Table::Faults, outcomes.into_iter().map(row).collect());
    }

    fn masks(&self, patient: &Patient, series: &Series, folder: &Path, written: &mut PatientFiles) {
        let code = series.device.modality.code();
        let wanted = |yes: bool, make: &dyn Fn() -> Option<crate::image::Image>| yes.then(make).flatten();
        let segmentation = wanted(self.recipe.segmentations, &|| patient.segmentation(series));
        let structure = wanted(self.recipe.structure_sets, &|| patient.structure_set(series));
        for (kind, image) in [("SEG", segmentation), ("RTSTRUCT", structure)] {
            let path = folder.join(kind).join(format!("{code}.dcm"));
            written.files.extend(image.map(|image| (path, image.file())));
        }
    }
}

impl Iterator for Cohort {
    type Item = PatientFiles;

    fn next(&mut self) -> Option<PatientFiles> {
        let index = self.next;
        (index < self.recipe.patients).then(|| {
            self.next += 1;
            self.patient(index)
        })
    }
}

fn rows(recipe: &Recipe, patient: &Patient) -> BTreeMap<Table, String> {
    let row = |table: Table| match table {
        Table::Clinical => Some(clinical_row(patient)),
        Table::Truth => Some(truth_row(patient)),
        Table::Series => Some(series_rows(patient)),
        Table::Dates => Some(dates_row(patient, recipe.seed)),
        Table::CommonModel => Some(common_model_row(patient, recipe.seed)),
        Table::Faults => None,
    };
    recipe.tables().into_iter().filter_map(|table| Some((table, row(table)?))).collect()
}

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// Number of patients.
    pub patients: u32,
    /// Number of files below `dicom`.
    pub files: u64,
    /// Their size together.
    pub bytes: u64,
}

/// Why a cohort was not written.
#[derive(Debug, thiserror::Error)]
pub enum TestkitError {
    /// A cohort of nobody.
    #[error("a cohort needs at least one patient")]
    NoPatients,
    /// A modality twice: a series' place and UIDs follow from its modality.
    #[error("name at least one modality, and each once")]
    Modalities,
    /// What is there would be mixed with what is written.
    #[error("{} is not empty: name a new folder", .0.display())]
    NotEmpty(PathBuf),
    /// The disk.
    #[error("cannot write {}", path.display())]
    Write {
        /// Which file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// Writes `dicom/PATIENT/NUMBER.dcm`, or `dicom/PATIENT/MODALITY/NUMBER.dcm` where there are several modalities, masks
/// as `dicom/PATIENT/SEG/MODALITY.dcm` and `dicom/PATIENT/RTSTRUCT/MODALITY.dcm`, and the tables into a folder.
///
/// In `truth.csv` and `series.csv` the body includes its lesions, `mean` is over all voxels, and means are of
/// calibrated values: CT in HU, MR as stored, PET as SUV by body weight. Thresholds find the tissues exactly: CT body
/// above -500, lesion above 100 HU; MR body above 100, lesion above 500; PET body above 0.15, lesion above 2.5 g/mL.
///
/// A voxel is in a lesion where its centre is; masks hold these voxels and no others, an RTSTRUCT by the rule that a
/// voxel belongs to a region where its centre lies inside a contour of its slice, a fractional DICOM-SEG where a voxel
/// has at least half of its maximum. A patient without such a voxel has no mask.
///
/// # Errors
/// No patients or no modality are asked for, the folder holds something already, or the first file or folder that
/// cannot be written.
pub fn write(dir: &Path, what: impl Into<Recipe>) -> Result<Summary, TestkitError> {
    let recipe = what.into();
    check(dir, &recipe)?;
    let mut summary = Summary { patients: recipe.patients, files: 0, bytes: 0 };
    fs::create_dir_all(dir).map_err(|source| TestkitError::Write { path: dir.to_owned(), source })?;
    let mut tables =
        recipe.tables().into_iter().map(|table| Open::new(dir, table)).collect::<Result<Vec<_>, _>>()?;
    if recipe.tables {
        put(&dir.join("model.csv"), model().as_bytes())?;
    }
    for patient in Cohort::new(recipe) {
        for (path, bytes) in &patient.files {
            summary.files += 1;
            summary.bytes += bytes.len() as u64;
            put_below(dir, path, bytes)?;
        }
        tables.iter_mut().try_for_each(|table| table.add(&patient.rows))?;
    }
    tables.into_iter().try_for_each(Open::finish)?;
    Ok(summary)
}

fn check(dir: &Path, recipe: &Recipe) -> Result<(), TestkitError> {
    if recipe.patients == 0 {
        return Err(TestkitError::NoPatients);
    }
    let again = |(at, m): (usize, &Modality)| recipe.modalities.iter().skip(at + 1).any(|other| other == m);
    if recipe.modalities.is_empty() || recipe.modalities.iter().enumerate().any(again) {
        return Err(TestkitError::Modalities);
    }
    if fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(TestkitError::NotEmpty(dir.to_owned()));
    }
    Ok(())
}

/// A table that is being written.
struct Open {
    table: Table,
    path: PathBuf,
    file: BufWriter<File>,
}

impl Open {
    fn new(dir: &Path, table: Table) -> Result<Self, TestkitError> {
        let path = dir.join(table.file_name());
        match File::create(&path) {
            Ok(file) => {
                let mut open = Self { table, path, file: BufWriter::new(file) };
                open.line(table.header())?;
                Ok(open)
            }
            Err(source) => Err(TestkitError::Write { path, source }),
        }
    }

    fn add(&mut self, rows: &BTreeMap<Table, String>) -> Result<(), TestkitError> {
        rows.get(&self.table).map_or(Ok(()), |lines| self.line(lines))
    }

    fn line(&mut self, text: &str) -> Result<(), TestkitError> {
        let written = self.file.write_all(text.as_bytes());
        written.map_err(|source| TestkitError::Write { path: self.path.clone(), source })
    }

    fn finish(mut self) -> Result<(), TestkitError> {
        self.file.flush().map_err(|source| TestkitError::Write { path: self.path, source })
    }
}

fn put_below(dir: &Path, path: &Path, bytes: &[u8]) -> Result<(), TestkitError> {
    let path = dir.join(path);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)
            .map_err(|source| TestkitError::Write { path: folder.to_owned(), source })?;
    }
    put(&path, bytes)
}

fn put(path: &Path, bytes: &[u8]) -> Result<(), TestkitError> {
    fs::write(path, bytes).map_err(|source| TestkitError::Write { path: path.to_owned(), source })
}
#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    type Tree = BTreeMap<PathBuf, Vec<u8>>;

    fn collect(folder: &Path, found: &mut Tree) {
        for entry in fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()) {
            if entry.is_dir() {
                collect(&entry, found);
            } else {
                let bytes = fs::read(&entry).unwrap();
                found.insert(entry, bytes);
            }
        }
    }

    fn written(patients: u32, seed: u64) -> Tree {
        let (dir, mut found) = (tempfile::tempdir().unwrap(), Tree::new());
        write(dir.path(), &CohortSpec { patients, seed, modality: Modality::CT }).unwrap();
        collect(dir.path(), &mut found);
        let relative = |path: &Path| path.strip_prefix(dir.path()).unwrap().to_owned();
        found.iter().map(|(path, bytes)| (relative(path), bytes.clone())).collect()
    }

    #[test]
    fn the_same_seed_writes_the_same_bytes_and_another_seed_others() {
        let first = written(2, 7);
        assert!(first == written(2, 7), "the same seed wrote other bytes");
        assert!(first != written(2, 8), "another seed wrote the same bytes");
    }

    #[test]
    fn a_patient_is_the_same_in_a_larger_cohort() {
        let (small, large) = (written(1, 7), written(2, 7));
        let images = small.iter().filter(|(path, _)| path.starts_with("dicom"));
        assert_eq!(images.clone().count(), 16);
        for (path, bytes) in images {
            assert!(large.get(path) == Some(bytes), "{} differs", path.display());
        }
    }

    #[test]
    fn a_folder_that_holds_something_is_left_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("mine"), b"x").unwrap();
        let spec = CohortSpec { patients: 1, seed: 1, modality: Modality::CT };
        let error = write(dir.path(), &spec).unwrap_err().to_string();
        assert!(error.ends_with(" is not empty: name a new folder"), "{error}");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_cohort_of_nobody_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let spec = CohortSpec { patients: 0, seed: 1, modality: Modality::CT };
        assert_eq!(write(dir.path(), &spec).unwrap_err().to_string(), "a cohort needs at least one patient");
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_an_error_that_names_it() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let spec = CohortSpec { patients: 1, seed: 1, modality: Modality::CT };
        let error = write(&file.path().join("x"), &spec).unwrap_err().to_string();
        assert!(error.starts_with("cannot write "), "{error}");
    }
}
