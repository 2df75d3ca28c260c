//! The data folder: what is in it, and whose it is.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use super::OpenError;
use crate::aws::Persist;

/// Where in it the objects of the buckets are.
pub const S3_FOLDER: &str = "s3";

pub(super) fn persistence(data: Option<&Path>) -> Result<(Arc<Persist>, Option<PathBuf>), OpenError> {
    let Some(folder) = data else { return Ok((Arc::new(Persist::memory()), None)) };
    let unusable = |source: Box<dyn std::error::Error + Send + Sync>| OpenError::Data {
        path: folder.display().to_string(),
        source,
    };
    private_folder(folder).map_err(|e| unusable(e.into()))?;
    let persist = Persist::open(&folder.join("state.sqlite")).map_err(|e| unusable(e.into()))?;
    Ok((Arc::new(persist), Some(folder.join("dynamodb.sqlite"))))
}

/// Secrets are in it, so nobody else may look.
fn private_folder(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}
