//! S3 `PutObject` and `GetObject`, which is what our functions use of it.
//!
//! No crate was fit: `s3s` is S3 whole, over its own HTTP, signatures and files, past the gateway that asks IAM, injects faults
//! and counts. Objects are files below the data folder, or in memory; lifecycle rules take them away by the stack's time.
//! There are no versions, no listings and no parts: who asks for them is refused by name.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use domain::Clock;
use futures::future::{BoxFuture, FutureExt, ready};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{AwsError, Caller, Persist, PersistError, Service};
use crate::template::{BucketSpec, Expiration};

/// Where the objects are on the stack's own address, for links: the endpoint of S3 that the functions are told.
pub const PATH: &str = "/_local/s3";
/// What S3 takes in one piece is 5 GiB; what is put here is held in memory.
const LARGEST: usize = 64 << 20;
const KIND: &str = "s3-object";

/// An object as it is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Object {
    bucket: String,
    key: String,
    content_type: Option<String>,
    put_at: Timestamp,
    /// Where nothing is kept on disk.
    #[serde(skip)]
    body: Bytes,
}

/// Buckets and their objects.
pub struct S3 {
    clock: Arc<dyn Clock>,
    persist: Arc<Persist>,
    /// None keeps them in memory.
    folder: Option<PathBuf>,
    buckets: Mutex<BTreeMap<String, Vec<Expiration>>>,
    objects: Mutex<BTreeMap<String, Object>>,
}

impl S3 {
    /// Opens what earlier runs left, in files in `folder`.
    ///
    /// # Errors
    /// The state or the folder cannot be read.
    pub fn open(folder: Option<&Path>, clock: Arc<dyn Clock>, persist: Arc<Persist>) -> Result<Self, PersistError> {
        if let Some(folder) = folder {
            std::fs::create_dir_all(folder).map_err(PersistError::of)?;
        }
        let kept = persist.load(KIND)?.into_iter();
        let objects = kept.map(|(name, value)| Ok((name, serde_json::from_value(value)?)));
        let objects = objects.collect::<Result<_, serde_json::Error>>().map_err(PersistError::unreadable)?;
        let folder = folder.map(Path::to_owned);
        Ok(Self { clock, persist, folder, buckets: Mutex::default(), objects: Mutex::new(objects) })
    }

    /// A bucket of the template.
    pub fn make(&self, bucket: &BucketSpec) {
        locked(&self.buckets).insert(bucket.name.clone(), bucket.expirations.clone());
    }

    /// The keys in a bucket, with what is under them.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn objects(&self, bucket: &str) -> Result<Vec<(String, Bytes)>, AwsError> {
        self.expire()?;
        let objects = locked(&self.objects).clone();
        let own = objects.iter().filter(|(_, object)| object.bucket == bucket);
        own.map(|(name, object)| Ok((object.key.clone(), self.body(name, object)?))).collect()
    }

    /// Takes away what the rules of its bucket have outlived.
    ///
    /// # Errors
    /// The state cannot be written.
    pub fn expire(&self) -> Result<(), AwsError> {
        let (now, buckets) = (self.clock.now(), locked(&self.buckets));
        let outlived = |object: &Object| {
            let rules = buckets.get(&object.bucket).into_iter().flatten();
            rules.filter(|rule| object.key.starts_with(&rule.prefix)).any(|rule| {
                let lasts = SignedDuration::from_hours(24 * i64::from(rule.days));
                object.put_at.saturating_add(lasts).is_ok_and(|until| until <= now)
            })
        };
        let mut objects = locked(&self.objects);
        let gone: Vec<String> = objects.iter().filter(|(_, it)| outlived(it)).map(|(name, _)| name.clone()).collect();
        for name in gone {
            objects.remove(&name);
            self.persist.delete(KIND, &name)?;
            if let Some(file) = self.file(&name) {
                std::fs::remove_file(file).map_err(AwsError::internal)?;
            }
        }
        Ok(())
    }

    fn put(&self, body: Value) -> Result<Value, AwsError> {
        let asked: Put = serde_json::from_value(body).map_err(AwsError::internal)?;
        self.bucket(&asked.bucket)?;
        let bytes = STANDARD.decode(asked.body).map_err(AwsError::internal)?;
        if bytes.len() > LARGEST {
            return Err(AwsError::refused("EntityTooLarge", "The local stack takes 64 MiB at once."));
        }
        let name = name(&asked.bucket, &asked.key)?;
        let body = match self.file(&name) {
            Some(file) => write(&file, &bytes).map(|()| Bytes::new()).map_err(AwsError::internal)?,
            None => bytes.into(),
        };
        let Put { bucket, key, content_type, .. } = asked;
        let object = Object { bucket, key, content_type, put_at: self.clock.now(), body };
        self.persist.put(KIND, &name, &object)?;
        locked(&self.objects).insert(name, object);
        Ok(json!({}))
    }

    fn get(&self, body: &Value) -> Result<Value, AwsError> {
        let text = |name: &str| body[name].as_str().unwrap_or_default();
        self.bucket(text("Bucket"))?;
        self.expire()?;
        let none = || AwsError::new(404, "NoSuchKey", "The specified key does not exist.");
        let name = name(text("Bucket"), text("Key"))?;
        let object = locked(&self.objects).get(&name).cloned().ok_or_else(none)?;
        let body = self.body(&name, &object)?;
        Ok(json!({"ContentType": object.content_type, "Body": STANDARD.encode(&body)}))
    }

    fn bucket(&self, name: &str) -> Result<(), AwsError> {
        let known = locked(&self.buckets).contains_key(name);
        let none = || AwsError::new(404, "NoSuchBucket", "The specified bucket does not exist");
        if known { Ok(()) } else { Err(none()) }
    }

    fn body(&self, name: &str, object: &Object) -> Result<Bytes, AwsError> {
        match self.file(name) {
            Some(file) => std::fs::read(file).map(Bytes::from).map_err(AwsError::internal),
            None => Ok(object.body.clone()),
        }
    }

    /// The name is a path below the folder, and leads nowhere else: [`name`].
    fn file(&self, name: &str) -> Option<PathBuf> {
        Some(self.folder.as_ref()?.join(name))
    }
}

impl Service for S3 {
    fn call<'a>(&'a self, _: &'a Caller, action: &'a str, body: Value) -> BoxFuture<'a, Result<Value, AwsError>> {
        let result = match action {
            "PutObject" => self.put(body),
            "GetObject" => self.get(&body),
            _ => Err(AwsError::unknown(format!("s3:{action}"))),
        };
        ready(result).boxed()
    }

    fn authorize(&self, action: &str, body: &Value) -> Vec<(String, String)> {
        let text = |name: &str| body[name].as_str().unwrap_or_default();
        vec![(format!("s3:{action}"), format!("arn:aws:s3:::{}/{}", text("Bucket"), text("Key")))]
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Put {
    bucket: String,
    key: String,
    content_type: Option<String>,
    body: String,
}

/// `{bucket}/{key}`, for a key whose parts can be names of files.
fn name(bucket: &str, key: &str) -> Result<String, AwsError> {
    match key.split('/').any(|part| ["", ".", ".."].contains(&part)) || key.contains(['\\', '\0']) {
        true => Err(AwsError::unknown(format!("the key {key}"))),
        false => Ok(format!("{bucket}/{key}")),
    }
}

/// For its owner only, as everything in the data folder.
fn write(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::{io::Write, os::unix::fs::OpenOptionsExt};
    std::fs::create_dir_all(file.parent().unwrap_or(file))?;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600).open(file)?.write_all(bytes)
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
