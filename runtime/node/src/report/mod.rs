//! The operator's report of a scan: what is in the dataset, what is missing, what was refused and why.
//!
//! **Boundary**: it shows patients' data. It is written into the home, readable by its owner alone, and nothing of it
//! goes into an index, a ledger, a bundle or any answer to a researcher.

mod facts;
mod fill;
mod page;
mod pictures;

pub use facts::DatasetFacts;

use crate::error::{NodeError, ask};
use crate::files;
use crate::node::Node;
use crate::scan::ScanReport;
use fill::Filling;
use pictures::{Choice, Picture};
use std::path::{Path, PathBuf};

/// How a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportFormat {
    /// One page with pictures, without scripts or anything from elsewhere.
    Html,
    /// The same figures, without pictures.
    Json,
}

impl Node {
    /// Writes the report of a scan, to the folder `reports` of the home unless another place is named.
    ///
    /// # Errors
    /// Snapshot or clinical table cannot be read, or the disk refuses.
    pub async fn write_report(
        &self,
        scanned: &ScanReport,
        format: ReportFormat,
        to: Option<&Path>,
    ) -> Result<PathBuf, NodeError> {
        let (facts, pictures) = self.facts(scanned, format == ReportFormat::Html).await?;
        let (text, extension) = match format {
            ReportFormat::Html => (page::html(&facts, &pictures)?, "html"),
            ReportFormat::Json => (serde_json::to_string_pretty(&facts)?, "json"),
        };
        let path = match to {
            Some(path) => path.to_owned(),
            None => self.home().report_path(&facts.dataset, facts.made, extension)?,
        };
        files::write_durably(&path, text.as_bytes())?;
        Ok(path)
    }

    async fn facts(
        &self,
        scanned: &ScanReport,
        draws: bool,
    ) -> Result<(DatasetFacts, Vec<Picture>), NodeError> {
        let dataset = self.store().dataset(&scanned.dataset).await?;
        let Some(id) = dataset.snapshot else {
            return ask(format!("{} has not been scanned: run `trocar node scan`", dataset.name));
        };
        let snapshot = self.store().snapshot(id).await?;
        let table = self.clinical(&dataset, &self.policy(&dataset.name)?)?;
        let mut filling = Filling::default();
        let mut choice = Choice::of(scanned.contents.series.values().copied().fold(0, usize::saturating_add));
        let see = |_, patient: crate::store::Indexed| {
            filling.patient(&patient);
            choice.patient(&patient);
        };
        self.store().each_member(&snapshot, see).await?;
        let facts = filling.finish(self.now(), scanned, &snapshot, table.as_ref());
        let draw = || choice.draw(self.launcher(), &snapshot.root);
        let pictures = if draws { tokio::task::block_in_place(draw) } else { Vec::new() };
        Ok((facts, pictures))
    }
}
