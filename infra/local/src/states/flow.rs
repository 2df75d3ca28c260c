//! What each type of state does, and how data goes from one to the next.

use serde_json::{Map, Value};

use super::context::Scope;
use super::definition::{Kind, Seconds, State, Text, Wait};
use super::engine::{Engine, Move};
use super::execution::{Phase, after_seconds};
use super::failure::Failure;
use super::path::Path;

impl Engine<'_> {
    pub(super) fn run(&mut self, id: u64, state: &State) -> Result<(), Failure> {
        match &state.kind {
            Kind::Task(task) => self.run_task(id, state, task)?,
            Kind::Pass { result } => {
                let parameters = self.parameters(id, state)?;
                let value = result.clone().unwrap_or(parameters);
                self.moves.push_back(Move::Result { branch: id, value });
            }
            Kind::Succeed => self.pass_on(id),
            Kind::Wait(wait) => self.wait(id, state, wait)?,
            Kind::Choice { rules, default } => {
                let next = self.with_input(id, state, |scope| {
                    for (rule, next) in rules {
                        if rule.holds(scope)? {
                            return Ok(Some(next.clone()));
                        }
                    }
                    Ok(default.clone())
                })?;
                let next = next.ok_or_else(|| {
                    Failure::new("States.NoChoiceMatched", "No choice matched and there is no Default.")
                })?;
                let output = self.output(id, state, self.input(id, state)?)?;
                self.moves.push_back(Move::Leave { branch: id, output, next: Some(next) });
            }
            Kind::Fail { error, cause } => {
                let failure = self.with_input(id, state, |scope| {
                    Ok(Failure { error: text(error, "ErrorPath", scope)?, cause: text(cause, "CausePath", scope)? })
                })?;
                self.moves.push_back(Move::Unhandled { branch: id, failure });
            }
            Kind::Map { items_path, .. } => self.start_map(id, state, items_path)?,
            Kind::Parallel { start_at } => {
                let input = self.parameters(id, state)?;
                self.children(id, start_at.len());
                self.event(Some(id), "ParallelStateStarted", Value::Null);
                for (slot, start) in start_at.iter().enumerate() {
                    self.child(id, slot, None, start.clone(), input.clone());
                }
            }
        }
        Ok(())
    }

    /// The state's input after `InputPath`.
    pub(super) fn input(&self, id: u64, state: &State) -> Result<Value, Failure> {
        let Some((branch, path)) = self.execution.branches.get(&id).zip(state.input_path.as_ref()) else {
            return Ok(Value::Object(Map::new()));
        };
        Scope { input: &branch.input, context: &self.context(branch, None) }.find("InputPath", path)
    }

    /// The state's input after `InputPath` and `Parameters`.
    pub(super) fn parameters(&self, id: u64, state: &State) -> Result<Value, Failure> {
        match &state.parameters {
            None => self.input(id, state),
            Some(template) => self.with_input(id, state, |scope| template.eval("Parameters", scope)),
        }
    }

    pub(super) fn with_input<T>(
        &self,
        id: u64,
        state: &State,
        read: impl FnOnce(&Scope<'_>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let input = self.input(id, state)?;
        self.with(id, &input, None, read)
    }

    pub(super) fn with<T>(
        &self,
        id: u64,
        input: &Value,
        token: Option<&str>,
        read: impl FnOnce(&Scope<'_>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let branch = self.execution.branches.get(&id).ok_or_else(Failure::default)?;
        read(&Scope { input, context: &self.context(branch, token) })
    }

    fn output(&self, id: u64, state: &State, whole: Value) -> Result<Value, Failure> {
        match &state.output_path {
            None => Ok(Value::Object(Map::new())),
            Some(path) if path.is_root() && !path.is_context() => Ok(whole),
            Some(path) => self.with(id, &whole, None, |scope| scope.find("OutputPath", path)),
        }
    }

    /// `ResultSelector`, `ResultPath`, `OutputPath`, and on.
    pub(super) fn result(&mut self, id: u64, state: &State, value: Value) -> Result<(), Failure> {
        let value = match &state.result_selector {
            None => value,
            Some(template) => self.with(id, &value, None, |scope| template.eval("ResultSelector", scope))?,
        };
        let whole = self.combined(id, state.result_path.as_ref(), value)?;
        let output = self.output(id, state, whole)?;
        self.moves.push_back(Move::Leave { branch: id, output, next: state.next.clone() });
        Ok(())
    }

    pub(super) fn combined(&self, id: u64, path: Option<&Path>, value: Value) -> Result<Value, Failure> {
        let input = || self.execution.branches.get(&id).map(|branch| branch.input.clone()).unwrap_or_default();
        match path {
            None => Ok(input()),
            Some(path) if path.is_root() => Ok(value),
            Some(path) => path.place(input(), value).ok_or_else(|| {
                let cause = format!("Unable to apply ReferencePath {} to input {}", path.text(), input());
                Failure::new("States.ResultPathMatchFailure", cause)
            }),
        }
    }

    /// Leaves a state that makes nothing: its output is its input, through the two paths.
    pub(super) fn pass_on(&mut self, id: u64) {
        self.attempt(id, |engine, state| {
            let output = engine.output(id, state, engine.input(id, state)?)?;
            engine.moves.push_back(Move::Leave { branch: id, output, next: state.next.clone() });
            Ok(())
        });
    }

    fn wait(&mut self, id: u64, state: &State, wait: &Wait) -> Result<(), Failure> {
        let until = match wait {
            Wait::Seconds(seconds) => {
                let seconds = self.with_input(id, state, |scope| seconds.eval("SecondsPath", scope))?;
                after_seconds(self.now, seconds)
            }
            Wait::Until(until) => *until,
            Wait::UntilPath(path) => {
                let value = self.with_input(id, state, |scope| scope.find("TimestampPath", path))?;
                let parsed = value.as_str().and_then(|text| text.parse().ok());
                parsed.ok_or_else(|| Failure::runtime("TimestampPath does not lead to a timestamp."))?
            }
        };
        if until <= self.now {
            self.pass_on(id);
        } else {
            self.set_phase(id, Phase::Waiting { until });
        }
        Ok(())
    }

    pub(super) fn set_phase(&mut self, id: u64, phase: Phase) {
        if let Some(branch) = self.execution.branches.get_mut(&id) {
            branch.phase = phase;
        }
    }
}

impl Seconds {
    pub(super) fn eval(&self, field: &str, scope: &Scope<'_>) -> Result<u64, Failure> {
        match self {
            Self::Fixed(seconds) => Ok(*seconds),
            Self::Path(path) => {
                let value = scope.find(field, path)?;
                value.as_u64().ok_or_else(|| {
                    Failure::runtime(format!("{field} does not lead to a whole number of seconds: {value}"))
                })
            }
        }
    }
}

fn text(text: &Option<Text>, field: &str, scope: &Scope<'_>) -> Result<Option<String>, Failure> {
    match text {
        None => Ok(None),
        Some(Text::Fixed(text)) => Ok(Some(text.clone())),
        Some(Text::Computed(expression)) => match expression.eval(field, scope)? {
            Value::String(text) => Ok(Some(text)),
            other => Err(Failure::runtime(format!("{field} does not lead to a string: {other}"))),
        },
    }
}
