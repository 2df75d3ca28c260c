//! The data folder: what is in it, and whose it is.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{Read, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use super::OpenError;
use crate::aws::Persist;

/// Where in it the objects of the buckets are.
pub const S3_FOLDER: &str = "s3";
/// Who has it.
const LOCK: &str = "lock";

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

/// Keeps every other process off the folder, for as long as it is held: two would both go on with the same executions.
#[derive(Debug)]
pub struct Held(#[expect(dead_code, reason = "the lock is the file's, and ends with it")] File);

/// Takes the folder, and makes it where it is not there.
///
/// # Errors
/// [`OpenError::Held`], with the id of the process that has it; [`OpenError::Data`].
pub fn hold(folder: &Path) -> Result<Held, OpenError> {
    let path = || folder.display().to_string();
    let unusable = |source: std::io::Error| OpenError::Data { path: path(), source: source.into() };
    private_folder(folder).map_err(unusable)?;
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .open(folder.join(LOCK))
        .map_err(unusable)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut by = String::new();
            // Without its number the message is as true.
            let _unread = file.read_to_string(&mut by);
            return Err(OpenError::Held { path: path(), by });
        }
        Err(TryLockError::Error(error)) => return Err(unusable(error)),
    }
    file.set_len(0).map_err(unusable)?;
    write!(file, "{}", std::process::id()).map_err(unusable)?;
    Ok(Held(file))
}

/// Secrets are in it, so nobody else may look.
fn private_folder(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_process_at_a_time_has_the_folder() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("data");
        let held = hold(&folder).unwrap();
        let refused = hold(&folder).unwrap_err().to_string();
        assert!(refused.contains(&format!("process {}", std::process::id())), "{refused}");
        drop(held);
        hold(&folder).unwrap();
    }
}
