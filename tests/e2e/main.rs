//! The product as its users meet it: the real binary, real workers, real guests, real files.

mod airlock;
mod attacks;
mod broken;
mod cache;
mod cancel;
mod containment;
mod intake;
mod job;
mod keys;
mod ledger;
mod model;
mod oracle;
mod plan;
mod registry;
mod replay;
mod report;
mod rounds;
mod scan;
mod scripts;
mod survival;
mod tamper;
mod tampered;
mod words;
mod workers;
mod world;
