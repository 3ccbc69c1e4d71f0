mod beneath;
mod crawl;
mod entry;
mod list;
mod memory;
mod nifti;
mod read;

pub use crawl::{Crawled, Index, crawl};
pub use entry::FileEntry;
pub use list::{Entry, Folder};
pub use memory::{Scan, scan};
pub use nifti::pair;
pub use read::{Kind, Read, Unread};
