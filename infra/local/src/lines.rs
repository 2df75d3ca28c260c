//! YAML (and JSON, which is YAML) that remembers its lines.
//!
//! What was read is kept: unoptimised, reading the template and the state machines is most of what it takes to open a stack,
//! and a test that kills one and starts it again opens a hundred.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use saphyr::{LoadableYamlNode, MarkedYamlOwned, ScanError};

static READ: LazyLock<Mutex<HashMap<String, Arc<MarkedYamlOwned>>>> = LazyLock::new(Mutex::default);

/// The first document of `text`; none where it is empty.
pub(crate) fn document(text: &str) -> Result<Option<Arc<MarkedYamlOwned>>, ScanError> {
    let read = || READ.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = read().get(text) {
        return Ok(Some(known.clone()));
    }
    let Some(document) = MarkedYamlOwned::load_from_str(text)?.into_iter().next().map(Arc::new) else {
        return Ok(None);
    };
    read().insert(text.to_owned(), document.clone());
    Ok(Some(document))
}
