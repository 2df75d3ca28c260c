//! Exports of tenants: what there is of one, without anything secret, as NDJSON in Amazon S3.
//!
//! Architecture Invariant: no other crate speaks with S3.

mod bucket;
mod line;
mod part;
mod place;

pub use bucket::{Bucket, BucketError, Link};
pub use part::{ExportError, Exports, Part};
pub use place::Place;
