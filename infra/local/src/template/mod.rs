//! Reads `infra/template.yaml` (AWS SAM) into what the local stack runs.
//!
//! The template is the one list of functions, routes, permissions, tables, secrets, schedules and state machines, so
//! nothing in it is skipped in silence: a resource is modelled, listed by [`Stack::not_run_locally`], or refused with its
//! file and line. All refusals come at once.
//!
//! Order of reading: [`node`] (YAML with lines) → [`scope`], [`intrinsics`], [`refs`] (what names stand for) → one file per
//! kind of resource → [`checks`] (what only shows across resources).

pub mod arn;
pub mod model;
pub mod pattern;
pub mod recurrence;

mod api;
mod bucket;
mod checks;
mod events;
mod fields;
mod function;
mod intrinsics;
mod machine;
mod node;
mod policy;
mod refs;
mod refusal;
mod resources;
mod rules;
mod scope;
mod secret;
mod table;
#[cfg(test)]
mod tests;

pub use model::*;
pub(crate) use policy::{CONTEXT, REGION_KEY};
pub(crate) use refs::VERSION;
pub use refusal::Refusal;
pub use rules::broken_rules;

use fields::Fields;
use node::Node;
use refusal::Refusals;
use resources::Reader;
use serde_json::Value;
use std::{collections::BTreeMap, path::Path};

const TRANSFORM: &str = "AWS::Serverless-2016-10-31";

/// What a deployment would be given besides the template.
#[derive(Debug, Clone)]
pub struct Inputs {
    /// The region of the stack, e.g. `us-east-1`.
    pub region: String,
    /// `AWS::StackName`.
    pub stack_name: String,
    /// Values for the template's parameters; the rest take their defaults.
    pub parameters: BTreeMap<String, String>,
    /// What `ApiEndpoint` gives instead of AWS's URL, e.g. `http://127.0.0.1:8080`.
    pub api_endpoint: Option<String>,
}

impl Stack {
    /// Reads the template at `path`. Definition files are looked for beside it, as SAM does.
    pub fn read(path: &Path, inputs: &Inputs) -> Result<Self, Vec<Refusal>> {
        let file = path.display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(path, &text, inputs),
            Err(e) => Err(vec![Refusal { file, line: 1, message: format!("cannot be read: {e}") }]),
        }
    }

    /// Reads a template that is already in memory; `path` is where it would be.
    pub fn parse(path: &Path, text: &str, inputs: &Inputs) -> Result<Self, Vec<Refusal>> {
        let refusals = Refusals::new(&path.display().to_string());
        let stack = Node::parse(text, &refusals).map(|root| {
            sections(&root, &refusals);
            let folder = path.parent().unwrap_or(Path::new(""));
            let stack = Reader::new(&root, inputs, &refusals, folder).stack();
            checks::across(&stack, &refusals);
            stack
        });
        match (stack, refusals.take()) {
            (Some(stack), found) if found.is_empty() => Ok(stack),
            (None, found) if found.is_empty() => {
                Err(vec![Refusal { file: path.display().to_string(), line: 1, message: "is empty".to_owned() }])
            }
            (_, found) => Err(found),
        }
    }
}

/// A template as it stands, `!Ref x` as `{"Ref": "x"}`: for what only AWS reads in it, such as alarms.
pub fn written(text: &str) -> Result<Value, Vec<Refusal>> {
    let refusals = Refusals::new("template");
    let root = Node::parse(text, &refusals).map(|root| root.to_json());
    let found = refusals.take();
    if found.is_empty() { Ok(root.unwrap_or_default()) } else { Err(found) }
}

fn sections(root: &Node, refusals: &Refusals) {
    let mut fields = Fields::of("template", 1, Some(root), refusals);
    fields.without_effect(&["AWSTemplateFormatVersion", "Description", "Metadata", "Parameters", "Mappings"]);
    fields.without_effect(&["Conditions", "Globals", "Resources", "Outputs"]);
    // They say what may be deployed; the stage `local` may not, and is what runs here.
    fields.without_effect(&["Rules"]);
    if fields.required("Transform") != TRANSFORM {
        fields.refuse("Transform", format!("must be {TRANSFORM}"));
    }
    fields.finish();
}
