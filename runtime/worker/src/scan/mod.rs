mod crawl;
mod entry;
mod list;
mod memory;
mod read;

pub use crawl::{Crawled, Index, crawl};
pub use entry::FileEntry;
pub use list::{Entry, Folder};
pub use memory::{Scan, scan};
pub use read::{Read, ReadHeader, Unread, header_of};
