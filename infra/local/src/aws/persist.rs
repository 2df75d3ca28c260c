//! Where the local services keep their state: one SQLite file beside DynamoDB's, or nowhere.
//!
//! By a write-ahead log that waits for no disk (`.cargo/config.toml`): a killed process loses nothing that was answered, only a
//! power cut may.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use rusqlite::{Connection, params};
use serde::Serialize;
use serde_json::Value;

use super::AwsError;

/// A store of JSON documents by (kind, key). Without a file it keeps nothing, as `--memory` asks.
#[derive(Debug)]
pub struct Persist {
    file: Option<Mutex<Connection>>,
}

/// The file cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[error("the local state cannot be read or written")]
pub struct PersistError(#[source] Box<dyn std::error::Error + Send + Sync>);

impl PersistError {
    pub(super) fn of(error: std::io::Error) -> Self {
        Self(Box::new(error))
    }

    /// A document that is not what its owner wrote.
    pub(super) fn unreadable(error: serde_json::Error) -> Self {
        Self(Box::new(error))
    }
}

impl From<rusqlite::Error> for PersistError {
    fn from(error: rusqlite::Error) -> Self {
        Self(Box::new(error))
    }
}

impl From<PersistError> for AwsError {
    fn from(error: PersistError) -> Self {
        Self::internal(format!("{error}: {}", error.0))
    }
}

impl Persist {
    /// Opens or creates the file, readable by its owner only: it holds the stack's secrets.
    pub fn open(path: &Path) -> Result<Self, PersistError> {
        OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(path)
            .map_err(|error| PersistError(Box::new(error)))?;
        let connection = Connection::open(path)?;
        connection.execute_batch(
            "PRAGMA journal_mode = WAL;
             CREATE TABLE IF NOT EXISTS state (
                 kind TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (kind, key)
             ) WITHOUT ROWID;",
        )?;
        Ok(Self { file: Some(Mutex::new(connection)) })
    }

    /// Keeps nothing: [`load`](Self::load) is always empty.
    pub fn memory() -> Self {
        Self { file: None }
    }

    /// Writes one document over whatever was there. Without a file it is not even serialised.
    pub fn put(&self, kind: &str, key: &str, value: &impl Serialize) -> Result<(), PersistError> {
        if self.file.is_none() {
            return Ok(());
        }
        let document = serde_json::to_string(value).map_err(PersistError::unreadable)?;
        self.with((), |file| {
            file.prepare_cached("INSERT OR REPLACE INTO state (kind, key, value) VALUES (?1, ?2, ?3)")?
                .execute(params![kind, key, document])
                .map(drop)
        })
    }

    /// Removes one document; none there is no error.
    pub fn delete(&self, kind: &str, key: &str) -> Result<(), PersistError> {
        self.with((), |file| {
            file.prepare_cached("DELETE FROM state WHERE kind = ?1 AND key = ?2")?.execute(params![kind, key]).map(drop)
        })
    }

    /// Every document of one kind, by key in byte order.
    pub fn load(&self, kind: &str) -> Result<Vec<(String, Value)>, PersistError> {
        let rows = self.with(Vec::new(), |file| {
            file.prepare_cached("SELECT key, value FROM state WHERE kind = ?1 ORDER BY key")?
                .query_map(params![kind], |row| Ok((row.get(0)?, row.get::<_, String>(1)?)))?
                .collect::<Result<Vec<(String, String)>, _>>()
        })?;
        rows.into_iter()
            .map(|(key, text)| Ok((key, serde_json::from_str(&text).map_err(PersistError::unreadable)?)))
            .collect()
    }

    fn with<T>(&self, nothing: T, run: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, PersistError> {
        match &self.file {
            None => Ok(nothing),
            Some(file) => Ok(run(&file.lock().unwrap_or_else(PoisonError::into_inner))?),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn documents_survive_a_reopening() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state.sqlite");
        {
            let state = Persist::open(&path).unwrap();
            state.put("mail", "2", &json!({"n": 2})).unwrap();
            state.put("mail", "1", &json!({"n": 1})).unwrap();
            state.put("mail", "1", &json!({"n": 10})).unwrap();
            state.put("secret", "1", &json!(null)).unwrap();
            state.delete("mail", "absent").unwrap();
        }
        let state = Persist::open(&path).unwrap();
        assert_eq!(state.load("mail").unwrap(), [("1".into(), json!({"n": 10})), ("2".into(), json!({"n": 2}))]);
        state.delete("secret", "1").unwrap();
        assert!(state.load("secret").unwrap().is_empty());
    }

    #[test]
    fn the_file_is_for_its_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state.sqlite");
        Persist::open(&path).unwrap().put("a", "b", &json!(1)).unwrap();
        for entry in std::fs::read_dir(dir.path()).unwrap() {
            assert_eq!(entry.unwrap().metadata().unwrap().permissions().mode() & 0o077, 0);
        }
    }

    #[test]
    fn memory_keeps_nothing() {
        let state = Persist::memory();
        state.put("mail", "1", &json!(1)).unwrap();
        assert!(state.load("mail").unwrap().is_empty());
    }
}
