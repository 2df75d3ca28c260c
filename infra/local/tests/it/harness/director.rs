//! Watches the executions of one process and does to them what the test planned.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, OnceLock, Weak,
        atomic::{AtomicBool, Ordering},
    },
};

use futures::future::BoxFuture;
use jiff::SignedDuration;
use local::{
    aws::{
        InvokeError, Invoker,
        faults::{Fault, Rule},
    },
    stack::LocalStack,
    states::{Effect, Moment, Observer, Verdict},
};
use tokio::sync::watch;

use super::{
    Ledger, Machine,
    machine::{calls, input},
};

/// Between two deliveries at once.
const APART: SignedDuration = SignedDuration::from_millis(1);

/// What is to happen in a process.
#[derive(Clone, Default)]
pub struct Plan {
    /// Faults from the first call on.
    pub faults: Vec<Rule>,
    /// What befalls the functions of states. Not together with `faults`.
    pub troubles: Vec<Trouble>,
    /// The process dies at this effect: before a function is called, or after it came back. Counted from 1.
    pub crash_at: Option<usize>,
    /// How events reach the functions.
    pub deliver: Deliver,
}

/// A fault in force while the function of a state runs.
#[derive(Clone)]
pub struct Trouble {
    state: String,
    rule: Rule,
    tries: usize,
}

impl Trouble {
    /// Whenever the state's function runs.
    pub fn at(state: &str, rule: Rule) -> Self {
        Self { state: state.to_owned(), rule, tries: usize::MAX }
    }

    /// Only in its first tries.
    pub fn first(self, tries: usize) -> Self {
        Self { tries, ..self }
    }
}

/// How events reach the functions.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub enum Deliver {
    /// Once each.
    #[default]
    Once,
    /// Once more after the function has answered: the answer is the same, and nothing changes.
    Twice,
    /// Twice at the same time, a millisecond apart: each call takes two, so that neither is a step ahead, and no two entries of
    /// the audit log are the same.
    AtOnce,
    /// Before each function, those of the later states get theirs, and their undos too: nothing changes.
    OutOfTurn,
}

/// The observer of a process.
pub struct Director {
    plan: Plan,
    machine: Machine,
    sockets: Vec<String>,
    seen: Mutex<usize>,
    complaints: Mutex<Vec<String>>,
    stack: OnceLock<Weak<LocalStack>>,
    busy: watch::Sender<bool>,
    healed: AtomicBool,
    tries: Mutex<HashMap<String, usize>>,
}

impl Director {
    pub fn new(plan: Plan, machine: Machine, sockets: Vec<String>) -> Self {
        Self {
            plan,
            machine,
            sockets,
            seen: Mutex::default(),
            complaints: Mutex::default(),
            stack: OnceLock::new(),
            busy: watch::Sender::new(false),
            healed: AtomicBool::new(false),
            tries: Mutex::default(),
        }
    }

    /// Call it before anything of the stack runs.
    pub fn attach(&self, stack: &Arc<LocalStack>) {
        let _ = self.stack.set(Arc::downgrade(stack));
        for rule in &self.plan.faults {
            stack.gateway.faults().add(rule.clone());
        }
        if self.plan.deliver == Deliver::AtOnce {
            stack.gateway.faults().add(Rule::new(Fault::Delay(APART + APART)));
        }
    }

    /// From now on nothing fails.
    pub fn heal(&self) {
        self.healed.store(true, Ordering::Relaxed);
        if let Some(stack) = self.stack.get().and_then(Weak::upgrade) {
            stack.gateway.faults().clear();
        }
    }

    /// How many effects there were.
    pub fn effects(&self) -> usize {
        *self.seen.lock().unwrap()
    }

    /// What did not go as planned.
    pub fn complaints(&self) -> Vec<String> {
        self.complaints.lock().unwrap().clone()
    }

    /// Whether a function runs that may talk to a socket.
    pub fn busy(&self) -> watch::Receiver<bool> {
        self.busy.subscribe()
    }

    fn complain(&self, state: &str, why: String) {
        self.complaints.lock().unwrap().push(format!("{state}: {why}"));
    }

    async fn before(&self, stack: &LocalStack, effect: Effect<'_>) {
        self.trouble(stack, effect.state);
        match self.plan.deliver {
            Deliver::Once | Deliver::Twice => {}
            Deliver::AtOnce => {
                if let Some((function, event)) = calls(stack, effect.execution).await.pop() {
                    let (functions, apart) =
                        (stack.functions.clone(), stack.clock.wait_until(stack.clock.now() + APART));
                    tokio::spawn(async move {
                        apart.await;
                        functions.invoke(&function, event).await
                    });
                }
            }
            Deliver::OutOfTurn => self.out_of_turn(stack, effect).await,
        }
    }

    fn trouble(&self, stack: &LocalStack, state: &str) {
        let nth = {
            let mut tries = self.tries.lock().unwrap();
            let nth = tries.entry(state.to_owned()).or_default();
            *nth += 1;
            *nth
        };
        let healed = self.healed.load(Ordering::Relaxed);
        for trouble in self.plan.troubles.iter().filter(|it| !healed && it.state == state && nth <= it.tries) {
            stack.gateway.faults().add(trouble.rule.clone());
        }
    }

    async fn after(&self, stack: &LocalStack, effect: Effect<'_>) {
        if self.plan.troubles.iter().any(|trouble| trouble.state == effect.state) {
            stack.gateway.faults().clear();
        }
        if self.plan.deliver == Deliver::Twice
            && let Some((function, event)) = calls(stack, effect.execution).await.pop()
        {
            let before = Ledger::of(stack).await;
            let again = stack.functions.invoke(&function, event).await;
            // Where the token was answered the machine goes on meanwhile.
            if !self.machine.waits_for_token(effect.state) {
                self.unchanged(stack, &before, effect.state).await;
            }
            if let Err(error) = again {
                self.complain(effect.state, format!("the second delivery failed: {error}"));
            }
        }
    }

    /// A function whose turn it is not yet refuses for good; an undo finds nothing to undo.
    async fn out_of_turn(&self, stack: &LocalStack, effect: Effect<'_>) {
        let forward = self.machine.forward();
        let Some(at) = forward.iter().position(|state| state == effect.state) else { return };
        let (before, input) = (Ledger::of(stack).await, input(stack, effect.execution).await);
        for state in &forward[at + 1..] {
            let function = self.machine.function(state);
            let event = self.machine.event(state, &input);
            match stack.functions.invoke(&function, event.clone()).await {
                Err(InvokeError::Failed { error_type, .. }) if error_type == workflow::FAIL => {}
                other => self.complain(effect.state, format!("{state} out of its turn: {other:?}")),
            }
            if let Some(undo) = self.undo_of(state) {
                let event = self.machine.event(&undo, &input);
                if let Err(error) = stack.functions.invoke(&function, event).await {
                    self.complain(effect.state, format!("{undo} with nothing to undo: {error}"));
                }
            }
            self.unchanged(stack, &before, effect.state).await;
        }
    }

    fn undo_of(&self, state: &str) -> Option<String> {
        let name = format!("Undo{state}");
        self.machine.others().contains(&name).then_some(name)
    }

    async fn unchanged(&self, stack: &LocalStack, before: &Ledger, state: &str) {
        for difference in before.difference(&Ledger::of(stack).await) {
            self.complain(state, difference);
        }
    }

    fn crashes(&self) -> bool {
        let mut seen = self.seen.lock().unwrap();
        *seen += 1;
        self.plan.crash_at == Some(*seen)
    }
}

impl Observer for Director {
    fn observe<'a>(&'a self, effect: Effect<'a>) -> BoxFuture<'a, Verdict> {
        Box::pin(async move {
            if self.crashes() {
                return Verdict::Crash;
            }
            let Some(stack) = self.stack.get().and_then(Weak::upgrade) else { return Verdict::Crash };
            let socket = self.sockets.iter().any(|state| state == effect.state);
            match effect.moment {
                Moment::BeforeDispatch => {
                    self.before(&stack, effect).await;
                    self.busy.send_if_modified(|busy| std::mem::replace(busy, socket) != socket);
                }
                Moment::BeforeRecord => {
                    self.busy.send_if_modified(std::mem::take);
                    self.after(&stack, effect).await;
                }
            }
            Verdict::Proceed
        })
    }
}
