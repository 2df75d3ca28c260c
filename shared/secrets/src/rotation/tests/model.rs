//! Secrets Manager as a value: versions, labels, and a world that a new value has to be made known to. It can die at any
//! effect, before or after it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::rotator;
use crate::{
    SecretError, Secrets,
    client::{CURRENT, PENDING},
    rotation::{Call, Outcome, Rotation, RotationError, RotationStep, Rotator, WorkError},
    stand_in::{Answer, StandIn, refusal},
};

pub(super) const FIRST: &str = "version-00000000000000000000000000";
pub(super) const A: &str = "attempt-a-00000000000000000000000";
pub(super) const B: &str = "attempt-b-00000000000000000000000";

#[derive(Debug, Clone, Copy)]
pub(super) enum Act {
    Step(RotationStep, &'static str),
    /// Secrets Manager begins a rotation.
    Begin(&'static str),
    Replace,
}

/// Value `n` was made of value `parent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Made {
    n: u64,
    parent: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Model {
    versions: BTreeMap<String, (BTreeSet<String>, Option<Made>)>,
    /// What `set` has made known, by `n`.
    known: BTreeSet<u64>,
    rotates: bool,
}

impl Model {
    pub(super) fn new() -> Self {
        let first = (BTreeSet::from([CURRENT.to_owned()]), Some(Made { n: 0, parent: 0 }));
        Self { versions: BTreeMap::from([(FIRST.to_owned(), first)]), known: BTreeSet::from([0]), rotates: true }
    }

    pub(super) fn reserved(mut self, token: &str) -> Self {
        self.label(PENDING, token);
        self
    }

    pub(super) fn labelled_otherwise(mut self, token: &str) -> Self {
        self.label("SOMETHING", token);
        self
    }

    pub(super) fn switched_off(mut self) -> Self {
        self.rotates = false;
        self.reserved(A)
    }

    pub(super) fn without_current(mut self, token: &str) -> Self {
        self.versions.clear();
        self.reserved(token)
    }

    pub(super) fn labelled(&self, stage: &str) -> Option<String> {
        self.versions.iter().find(|(_, (stages, _))| stages.contains(stage)).map(|(id, _)| id.clone())
    }

    /// What every reader relies on: there is a current version, it has a value, and the world knows it.
    pub(super) fn assert_whole(&self) {
        let current = self.labelled(CURRENT).expect("a current version");
        let made = self.versions[&current].1.expect("a current value");
        assert!(self.known.contains(&made.n), "the current value is not known: {self:?}");
    }

    fn label(&mut self, stage: &str, id: &str) {
        self.versions.values_mut().for_each(|(stages, _)| {
            stages.remove(stage);
        });
        self.versions.entry(id.to_owned()).or_default().0.insert(stage.to_owned());
    }

    /// The same with the smallest numbers: two models that differ in nothing else behave alike.
    pub(super) fn normal(&self) -> Self {
        let used: BTreeSet<u64> = self.versions.values().filter_map(|(_, made)| made.map(|made| made.n)).collect();
        let small = |n: u64| (0..).zip(&used).find(|(_, used)| **used == n).map_or(u64::MAX / 2, |(small, _)| small);
        let renumber = |Made { n, parent }| Made { n: small(n), parent: small(parent) };
        let id = |id: &String, made: &Option<Made>| match made {
            Some(made) if ![A, B].contains(&id.as_str()) => format!("version-{:026}", small(made.n)),
            _ => id.clone(),
        };
        let versions = self.versions.iter();
        Self {
            versions: versions
                .map(|(name, (stages, made))| (id(name, made), (stages.clone(), made.map(renumber))))
                .collect(),
            known: self.known.iter().filter(|n| used.contains(n)).map(|n| small(*n)).collect(),
            rotates: self.rotates,
        }
    }

    fn newest(&self) -> u64 {
        self.versions.values().filter_map(|(_, made)| made.map(|made| made.n)).max().unwrap_or(0)
    }

    /// As Secrets Manager: one rotation at a time, and a version that was given up is not begun again.
    fn begin(&mut self, token: &str) {
        let busy = self.labelled(PENDING).is_some_and(|id| !self.versions[&id].0.contains(CURRENT));
        if !busy && !self.versions.contains_key(token) {
            self.label(PENDING, token);
        }
    }

    fn answer(&mut self, action: &str, body: &Value) -> Answer {
        let text = |name: &str| body[name].as_str().map(str::to_owned);
        let id = |name: &str| text(name).unwrap_or_default();
        let done = Some((200, json!({"ARN": "s", "Name": "s"})));
        match action {
            "DescribeSecret" => {
                let labelled = self.versions.iter().filter(|(_, (stages, _))| !stages.is_empty());
                let stages: BTreeMap<_, _> = labelled.map(|(id, (stages, _))| (id, stages)).collect();
                Some((
                    200,
                    json!({"ARN": "s", "Name": "s", "RotationEnabled": self.rotates, "VersionIdsToStages": stages}),
                ))
            }
            "GetSecretValue" => match self.versions.get(&id("VersionId")).and_then(|(_, made)| *made) {
                Some(Made { n, parent }) => Some((200, json!({"ARN": "s", "SecretString": format!("{n} {parent}")}))),
                None => refusal("ResourceNotFoundException"),
            },
            "PutSecretValue" => {
                let value = Some(read(&id("SecretString")));
                let token = id("ClientRequestToken");
                match self.versions.get(&token).and_then(|(_, made)| *made) {
                    Some(_) if self.versions[&token].1 != value => return refusal("ResourceExistsException"),
                    Some(_) => return done,
                    None => {}
                }
                self.label(body["VersionStages"][0].as_str().unwrap(), &token);
                self.versions.get_mut(&token).unwrap().1 = value;
                done
            }
            "UpdateSecretVersionStage" => {
                let stage = id("VersionStage");
                if self.labelled(&stage) != text("RemoveFromVersionId") {
                    return refusal("InvalidParameterException");
                }
                match text("MoveToVersionId") {
                    Some(to) => self.label(&stage, &to),
                    None => drop(self.versions.get_mut(&id("RemoveFromVersionId")).unwrap().0.remove(&stage)),
                }
                // What is not an attempt of Secrets Manager and has no label is forgotten, to keep the model small.
                self.versions.retain(|id, (stages, _)| !stages.is_empty() || [A, B].contains(&id.as_str()));
                done
            }
            other => panic!("{other}"),
        }
    }
}

fn read(text: &str) -> Made {
    let (n, parent) = text.split_once(' ').unwrap();
    Made { n: n.parse().unwrap(), parent: parent.parse().unwrap() }
}

/// The model, and the effect at which the process dies.
struct Mortal {
    model: Model,
    effects: u64,
    dies_at: Option<(u64, bool)>,
}

impl Mortal {
    /// Lets `effect` happen, or not; says whether the caller lives to see it.
    fn effect<T>(&mut self, effect: impl FnOnce(&mut Model) -> T) -> Option<T> {
        self.effects += 1;
        match self.dies_at {
            Some((at, _)) if self.effects > at => None,
            Some((at, after)) if self.effects == at => {
                if after {
                    effect(&mut self.model);
                }
                None
            }
            _ => Some(effect(&mut self.model)),
        }
    }
}

pub(super) struct World {
    state: Arc<Mutex<Mortal>>,
    aws: StandIn,
    secrets: Secrets,
}

impl World {
    pub(super) fn healthy(model: Model) -> Self {
        let state = Arc::new(Mutex::new(Mortal { model, effects: 0, dies_at: None }));
        let shared = state.clone();
        let aws = StandIn::new(move |action, body| {
            shared.lock().unwrap().effect(|model| model.answer(action, body)).flatten()
        });
        let secrets = aws.secrets();
        Self { state, aws, secrets }
    }

    /// Begins anew from that state, and dies at that effect, before or after it has happened.
    pub(super) fn begin_anew(&self, model: Model, dies_at: Option<(u64, bool)>) {
        *self.state.lock().unwrap() = Mortal { model, effects: 0, dies_at };
    }

    pub(super) fn model(&self) -> Model {
        self.state.lock().unwrap().model.clone()
    }

    pub(super) fn died(&self) -> bool {
        let state = self.state.lock().unwrap();
        state.dies_at.is_some_and(|(at, _)| state.effects >= at)
    }

    pub(super) fn last(&self, action: &str) -> Value {
        self.aws.last(action)
    }

    pub(super) fn rotator(&self) -> Rotator {
        rotator(self.secrets.clone(), self.model().newest())
    }

    pub(super) async fn run(&self, act: Act) -> Result<Outcome, RotationError> {
        match act {
            Act::Begin(token) => self.state.lock().unwrap().model.begin(token),
            Act::Replace => {
                let next = self.model().newest() + 1;
                let replacement = |current: &Made| Some(SecretString::from(format!("{next} {}", current.n)));
                self.rotator().replace(self, "s", replacement).await?;
            }
            Act::Step(step, token) => {
                let call = Call {
                    step,
                    secret_id: "s".to_owned(),
                    client_request_token: token.to_owned(),
                    rotation_token: None,
                };
                return self.rotator().run(self, &call).await;
            }
        }
        Ok(Outcome::Done)
    }

    /// The version that Secrets Manager would rotate to now.
    pub(super) fn take_up(&self) -> &'static str {
        let model = &mut self.state.lock().unwrap().model;
        let pending = model.labelled(PENDING).filter(|id| !model.versions[id].0.contains(CURRENT));
        if let Some(token) = pending {
            return if token == A { A } else { B };
        }
        model.versions.retain(|id, (stages, _)| !stages.is_empty() || ![A, B].contains(&id.as_str()));
        let token = [A, B].into_iter().find(|token| !model.versions.contains_key(*token)).unwrap();
        model.label(PENDING, token);
        token
    }

    /// Secrets Manager, after a rotation that ended well.
    pub(super) fn clean_up(&self, token: &str) {
        let model = &mut self.state.lock().unwrap().model;
        model.versions.get_mut(token).unwrap().0.remove(PENDING);
    }

    fn work<T>(&self, effect: impl FnOnce(&mut Model) -> T) -> Result<T, WorkError> {
        self.state.lock().unwrap().effect(effect).ok_or_else(|| WorkError::fatal("died"))
    }
}

impl Rotation for World {
    type Value = Made;

    fn parse(&self, _: &str, value: &SecretString) -> Result<Made, SecretError> {
        Ok(read(value.expose_secret()))
    }

    fn create(&self, current: &Made, _: Timestamp) -> Result<SecretString, WorkError> {
        Ok(SecretString::from(format!("{} {}", self.model().newest() + 1, current.n)))
    }

    fn follows(&self, pending: &Made, current: &Made, _: Timestamp) -> bool {
        pending.parent == current.n
    }

    async fn set(&self, _: &Made, next: &Made, _: Timestamp) -> Result<(), WorkError> {
        self.work(|model| {
            model.known.insert(next.n);
        })
    }

    async fn test(&self, next: &Made, _: Timestamp) -> Result<(), WorkError> {
        let known = self.work(|model| model.known.contains(&next.n))?;
        if known { Ok(()) } else { Err(WorkError::fatal("not known")) }
    }

    async fn finish(&self, _: &Made, _: Timestamp) -> Result<(), WorkError> {
        self.work(|_| ())
    }
}
