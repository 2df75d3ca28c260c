//! Which permissions of the template anything needs. Where `INNKEEPER_RIGHTS` names a folder, every stack leaves there
//! what its calls exercised; `innkeeper rights FOLDER` then says what no call of any of them needed. Run over the
//! whole test suite, as `.ci/run` does, that is the measure of least privilege.

use std::{
    collections::BTreeSet,
    fs, io,
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    iam::Principals,
    stack::{OpenError, Options},
};

/// What a stack exercised; written down when the stack is gone.
#[derive(Debug)]
pub struct Record {
    principals: Arc<Principals>,
    folder: PathBuf,
}

impl Record {
    /// In the folder of the environment, if it names one.
    #[expect(clippy::disallowed_methods, reason = "a switch of the test run, which no function sees")]
    pub fn keep(principals: &Arc<Principals>) -> Option<Self> {
        let folder = std::env::var("INNKEEPER_RIGHTS").ok().filter(|folder| !folder.is_empty())?;
        Some(Self { principals: principals.clone(), folder: folder.into() })
    }

    fn write(&self) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        let lines: String = self.principals.permissions().filter(|(_, used)| *used).map(|(it, _)| it + "\n").collect();
        let path = self.folder.join(std::process::id().to_string());
        fs::OpenOptions::new().create(true).append(true).open(path)?.write_all(lines.as_bytes())
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        if let Err(error) = self.write() {
            eprintln!("{} was not written: {error}", self.folder.display());
        }
    }
}

/// Why it is not known.
#[derive(Debug, thiserror::Error)]
pub enum RightsError {
    /// The template.
    #[error(transparent)]
    Template(#[from] OpenError),
    /// The folder.
    #[error("{0} cannot be read; a test run with INNKEEPER_RIGHTS={0} writes it")]
    Folder(PathBuf, #[source] io::Error),
    /// Nothing was recorded, which says nothing of what is needed.
    #[error("{0} is empty; a test run with INNKEEPER_RIGHTS={0} fills it")]
    Empty(PathBuf),
}

/// How many permissions the template grants with all its options on, and those that no stack of the folder needed.
///
/// # Errors
/// [`RightsError`].
pub fn unneeded(folder: &Path) -> Result<(usize, Vec<String>), RightsError> {
    let mut options = Options::memory("http://127.0.0.1:8080");
    options.parameters.insert("DeployerUrl".into(), "https://deployer.example".into());
    let granted: BTreeSet<String> = Principals::new(&options.read()?).permissions().map(|(it, _)| it).collect();
    let used = read(folder).map_err(|error| RightsError::Folder(folder.to_owned(), error))?;
    if used.is_empty() {
        return Err(RightsError::Empty(folder.to_owned()));
    }
    Ok((granted.len(), granted.difference(&used).cloned().collect()))
}

fn read(folder: &Path) -> io::Result<BTreeSet<String>> {
    let mut used = BTreeSet::new();
    for entry in fs::read_dir(folder)? {
        used.extend(fs::read_to_string(entry?.path())?.lines().map(str::to_owned));
    }
    Ok(used)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_stack_needed_is_not_listed() {
        let folder = tempfile::tempdir().unwrap();
        unneeded(folder.path()).unwrap_err();
        let principals = Arc::new(Principals::new(&Options::memory("http://127.0.0.1:8080").read().unwrap()));
        let create = principals.by_logical_id("SignupCreateFunction").unwrap();
        let table = "arn:aws:dynamodb:us-east-1:123456789012:table/innkeeper-local-audit";
        principals.decide(create, &[("dynamodb:PutItem", table)]).unwrap();
        drop(Record { principals, folder: folder.path().to_owned() });

        let (granted, unneeded) = unneeded(folder.path()).unwrap();
        assert_eq!(unneeded.len(), granted - 1);
        assert!(
            unneeded.iter().any(|it| it.contains("SignupCreateFunction may states:StartExecution")),
            "{unneeded:?}"
        );
    }
}
