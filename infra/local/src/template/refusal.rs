//! Why a template is not run: one line each, as `file:line: what, and what instead`.

use std::{cell::RefCell, fmt};

/// One thing in the template that the local stack does not do, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Refusal {
    /// The template as it was named to `Stack::read`.
    pub file: String,
    /// 1-based.
    pub line: usize,
    /// What is refused, and what to write instead.
    pub message: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.message)
    }
}

impl std::error::Error for Refusal {}

/// Collects refusals while reading goes on, so that a developer sees all of them at once.
pub(super) struct Refusals {
    file: String,
    found: RefCell<Vec<Refusal>>,
}

impl Refusals {
    pub(super) fn new(file: &str) -> Self {
        Self { file: file.to_owned(), found: RefCell::default() }
    }

    pub(super) fn file(&self) -> &str {
        &self.file
    }

    pub(super) fn at(&self, line: usize, message: impl Into<String>) {
        let refusal = Refusal { file: self.file.clone(), line, message: message.into() };
        self.found.borrow_mut().push(refusal);
    }

    /// In the order of the file, each once.
    pub(super) fn take(&self) -> Vec<Refusal> {
        let mut found = self.found.take();
        found.sort();
        found.dedup();
        found
    }
}
