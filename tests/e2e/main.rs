//! The product as its users meet it: the real binary, real workers, real guests, real files.

mod broken;
mod job;
mod oracle;
mod report;
mod tamper;
mod words;
mod world;
