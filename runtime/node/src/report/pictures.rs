//! Thumbnails: one middle slice of some series, decoded in worker processes.

use crate::store::Indexed;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use std::path::Path;
use trocar_terms::Grid;
use trocar_worker::{FileEntry, Launcher, SeriesRecord, SubjectSeries, Thumbnail};

/// Pictures of a report.
const PICTURES: usize = 24;
/// Pixels of a picture's longer edge.
const SIDE: u32 = 96;
/// Files of a series that is drawn: its headers are all read again.
const FILES: usize = 5_000;

/// A picture with what stands under it. No id: a page is looked at over shoulders.
pub(super) struct Picture {
    /// A PNG as a data URI.
    pub(super) source: String,
    /// Pixels.
    pub(super) width: u32,
    /// Pixels.
    pub(super) height: u32,
    /// Modality.
    pub(super) modality: String,
    /// Manufacturer, as the file has it.
    pub(super) manufacturer: String,
    /// Grid and spacing.
    pub(super) size: String,
}

/// Series evenly spread over a snapshot, so that pictures come from all over it.
pub(super) struct Choice {
    series: usize,
    seen: usize,
    chosen: Vec<Chosen>,
}

struct Chosen {
    series: SubjectSeries,
    files: Vec<FileEntry>,
    manufacturer: String,
}

impl Choice {
    /// Of so many series in all.
    pub(super) fn of(series: usize) -> Self {
        Self { series: series.max(1), seen: 0, chosen: Vec::new() }
    }

    /// Looks at one patient's series.
    pub(super) fn patient(&mut self, patient: &Indexed) {
        for series in &patient.record.series {
            let rest = self.seen.saturating_mul(PICTURES).checked_rem(self.series);
            let turn = rest.is_some_and(|rest| rest < PICTURES);
            self.seen = self.seen.saturating_add(1);
            if turn && self.chosen.len() < PICTURES {
                self.chosen.extend(chosen(patient, series));
            }
        }
    }

    /// Draws them. A series that cannot be drawn has no picture; that is no fault of the report.
    pub(super) fn draw(self, launcher: &Launcher, root: &Path) -> Vec<Picture> {
        self.chosen.into_iter().filter_map(|chosen| draw(launcher, root, chosen)).collect()
    }
}

fn chosen(patient: &Indexed, record: &SeriesRecord) -> Option<Chosen> {
    let count = u32::try_from(record.files.len()).ok().filter(|_| record.files.len() <= FILES)?;
    let files = record.files.iter().map(|at| patient.files.get(*at as usize).cloned());
    Some(Chosen {
        series: record.subject((0..count).collect()),
        files: files.collect::<Option<_>>()?,
        manufacturer: record.facts.manufacturer.clone().unwrap_or_default(),
    })
}

fn draw(launcher: &Launcher, root: &Path, chosen: Chosen) -> Option<Picture> {
    let Chosen { series, files, manufacturer } = chosen;
    let open = |entry: &FileEntry| entry.open(root).ok().filter(|file| entry.is_still(file));
    let open = files.iter().map(open).collect::<Option<Vec<_>>>()?;
    let (modality, size) = (series.info.modality.clone(), size(&series.info.grid));
    let picture = trocar_worker::thumbnail(launcher, series, &open, SIDE).ok().flatten()?;
    let (width, height) = (picture.columns, picture.rows);
    let source = format!("data:image/png;base64,{}", STANDARD.encode(png(&picture)?));
    Some(Picture { source, width, height, modality, manufacturer, size })
}

fn png(picture: &Thumbnail) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, picture.columns, picture.rows);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().ok()?;
    writer.write_image_data(&picture.grey).ok()?;
    writer.finish().ok()?;
    Some(bytes)
}

fn size(grid: &Grid) -> String {
    let (x, _, z) = grid.spacing_mm;
    format!("{} × {} × {}, {x:.2} mm, slices {z:.2} mm", grid.columns, grid.rows, grid.slices)
}
