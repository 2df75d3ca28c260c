//! Map and Parallel: branches that run beside one another, and what becomes of their results.

use serde_json::{Value, json};

use super::context::Scope;
use super::definition::{Kind, State};
use super::engine::{Engine, Move};
use super::execution::{Branch, Item, Phase, Status};
use super::failure::Failure;
use super::path::Path;

impl Engine<'_> {
    pub(super) fn start_map(&mut self, id: u64, state: &State, items_path: &Path) -> Result<(), Failure> {
        let items = self.with_input(id, state, |scope| scope.find("ItemsPath", items_path))?;
        let Value::Array(items) = items else {
            return Err(Failure::runtime(format!("Reference path \"{}\" must point to array.", items_path.text())));
        };
        self.children(id, items.len());
        self.event(Some(id), "MapStateStarted", json!({ "length": items.len() }));
        if items.is_empty() {
            self.children_done(id, Vec::new());
        }
        let Kind::Map { max_concurrency, .. } = state.kind else { return Ok(()) };
        let at_once = if max_concurrency == 0 { items.len() } else { max_concurrency };
        items.into_iter().take(at_once).try_for_each(|item| self.iteration(id, state, item))
    }

    fn iteration(&mut self, id: u64, state: &State, value: Value) -> Result<(), Failure> {
        let Kind::Map { start_at, item_selector, .. } = &state.kind else { return Ok(()) };
        let Some(Branch { phase: Phase::Children { started, .. }, .. }) = self.execution.branches.get(&id) else {
            return Ok(());
        };
        let item = Item { index: *started, value };
        let input = match item_selector {
            None => item.value.clone(),
            Some(template) => {
                let whole = self.input(id, state)?;
                let branch = self.execution.branches.get(&id).ok_or_else(Failure::default)?;
                let mut context = self.context(branch, None);
                context.item = Some(&item);
                template.eval("ItemSelector", &Scope { input: &whole, context: &context })?
            }
        };
        let index = item.index;
        let child = self.child(id, index, Some(item), start_at.clone(), input);
        let name = self.execution.branches.get(&id).map(|branch| branch.state.clone());
        self.event(Some(child), "MapIterationStarted", json!({ "name": name, "index": index }));
        Ok(())
    }

    pub(super) fn children(&mut self, id: u64, count: usize) {
        self.set_phase(id, Phase::Children { results: vec![None; count], started: 0, left: count });
    }

    pub(super) fn child(
        &mut self,
        parent: u64,
        slot: usize,
        item: Option<Item>,
        start_at: String,
        input: Value,
    ) -> u64 {
        if let Some(Branch { phase: Phase::Children { started, .. }, .. }) = self.execution.branches.get_mut(&parent) {
            *started += 1;
        }
        let branch = self.branch(Some(parent), slot, item);
        self.moves.push_back(Move::Enter { branch, state: start_at, input });
        branch
    }

    pub(super) fn branch_done(&mut self, id: u64, output: Value) {
        let Some(Branch { parent: Some(parent), slot, .. }) = self.execution.branches.get(&id) else {
            self.finish(Status::Succeeded, Ok(output));
            return;
        };
        let (parent, slot) = (*parent, *slot);
        self.iteration_event(id, "MapIterationSucceeded");
        self.execution.branches.remove(&id);
        let Some(branch) = self.execution.branches.get_mut(&parent) else { return };
        let Phase::Children { results, started, left } = &mut branch.phase else { return };
        *left -= 1;
        if let Some(result) = results.get_mut(slot) {
            *result = Some(output);
        }
        if *left == 0 {
            let results = std::mem::take(results);
            self.children_done(parent, results);
        } else if *started < results.len() {
            let started = *started;
            self.attempt(parent, |engine, state| engine.next_iteration(parent, state, started));
        }
    }

    /// The items are not kept: they follow from the state's input.
    fn next_iteration(&mut self, id: u64, state: &State, index: usize) -> Result<(), Failure> {
        let Kind::Map { items_path, .. } = &state.kind else { return Ok(()) };
        let items = self.with_input(id, state, |scope| scope.find("ItemsPath", items_path))?;
        let item = items.get(index).cloned().unwrap_or_default();
        self.iteration(id, state, item)
    }

    fn children_done(&mut self, id: u64, results: Vec<Option<Value>>) {
        let value = results.into_iter().map(Option::unwrap_or_default).collect();
        self.set_phase(id, Phase::Moving);
        let kind = self.state(id).map_or("Map", |state| state.kind.name());
        self.event(Some(id), &format!("{kind}StateSucceeded"), Value::Null);
        self.moves.push_back(Move::Result { branch: id, value });
    }

    pub(super) fn iteration_event(&mut self, id: u64, kind: &str) {
        let branches = &self.execution.branches;
        let Some(Branch { parent: Some(parent), slot, item: Some(_), .. }) = branches.get(&id) else { return };
        let name = branches.get(parent).map(|parent| parent.state.clone());
        let details = json!({ "name": name, "index": slot });
        self.event(Some(id), kind, details);
    }

    pub(super) fn drop_children(&mut self, parent: u64) {
        let branches = &self.execution.branches;
        let is_child = |branch: &Branch| branch.parent == Some(parent);
        let children: Vec<u64> = branches.iter().filter(|(_, b)| is_child(b)).map(|(id, _)| *id).collect();
        for child in children {
            self.drop_children(child);
            self.execution.branches.remove(&child);
        }
    }
}
