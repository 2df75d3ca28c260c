//! Runs executions on tokio: takes what happened to the engine, writes the transition down, and does what it commands.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, PoisonError, RwLock};

use domain::Entropy;
use futures::FutureExt;
use serde_json::Value;
use tokio::sync::{Semaphore, SemaphorePermit, watch};

use super::engine::advance;
use super::execution::{Execution, Status, TaskId};
use super::failure::Failure;
use super::message::{Command, Input, Invoke};
use super::observer::{Effect, Moment, Observer, Verdict};
use super::registry::{self, Live, Machine, Run};
use super::timers::Timers;
use super::{Definition, token};
use crate::aws::{AwsError, InvokeError, Invoker, Persist};
use crate::clock::Timer;

/// Functions that run at once; the rest queue. The functions share one process with everything else.
const CONCURRENT_FUNCTIONS: usize = 64;

/// What Step Functions needs from the rest of the stack.
pub struct Wiring {
    /// Calls functions.
    pub invoker: Arc<dyn Invoker>,
    /// Tells the time and waits.
    pub timer: Arc<dyn Timer>,
    /// For task tokens, jitter and names.
    pub entropy: Arc<dyn Entropy>,
    /// Where transitions are written before they are acted on.
    pub persist: Arc<Persist>,
    /// Tests watch here, and crash the service.
    pub observer: Option<Arc<dyn Observer>>,
}

/// Step Functions. Clones are the same service.
#[derive(Clone)]
pub struct StepFunctions {
    core: Arc<Core>,
}

struct Core {
    wiring: Wiring,
    machines: RwLock<BTreeMap<String, Arc<Machine>>>,
    functions: Semaphore,
    timers: Timers,
    halted: watch::Sender<bool>,
}

impl StepFunctions {
    /// A service without state machines: [`register`](Self::register) them, then [`resume`](Self::resume).
    pub fn new(wiring: Wiring) -> Self {
        let core = Core {
            wiring,
            machines: RwLock::default(),
            functions: Semaphore::new(CONCURRENT_FUNCTIONS),
            timers: Timers::default(),
            halted: watch::Sender::new(false),
        };
        Self { core: Arc::new(core) }
    }

    /// Adds a state machine under `arn:aws:states:{region}:{account}:stateMachine:{name}`.
    pub fn register(&self, name: &str, arn: &str, definition: Definition) {
        let machine = Machine::new(name, arn, definition, self.core.wiring.timer.now());
        let mut machines = self.core.machines.write().unwrap_or_else(PoisonError::into_inner);
        machines.insert(arn.to_owned(), Arc::new(machine));
    }

    /// Goes on with what a process before this one left, and starts the timers. Call it once, inside the runtime.
    ///
    /// Executions of a machine that is not registered stay on disk as they are.
    pub fn resume(&self) -> Result<(), AwsError> {
        let mut running = Vec::new();
        for (execution, history) in registry::load(&self.core.wiring.persist)? {
            let Some(machine) = self.machine(&execution.machine) else {
                tracing::warn!(execution = execution.arn, "its state machine is gone");
                continue;
            };
            let (name, is_running) = (execution.name.clone(), execution.status == Status::Running);
            let run = Run::new(machine.definition.clone(), execution, history);
            machine.runs.write().unwrap_or_else(PoisonError::into_inner).insert(name, run.clone());
            running.extend(is_running.then_some(run));
        }
        tokio::spawn(self.core.clone().keep_time());
        running.iter().try_for_each(|run| self.core.apply(run, |_| Ok(Input::Resume)))
    }

    /// Stops at once, as a killed process stops: nothing more is recorded or called, and calls under way are dropped.
    /// Another service over the same [`Persist`] resumes.
    pub fn halt(&self) {
        self.core.halted.send_replace(true);
    }

    /// Resolves once the service has stopped, by [`halt`](Self::halt) or by [`Verdict::Crash`].
    pub async fn halted(&self) {
        self.core.until_halted().await;
    }

    pub(super) fn now(&self) -> jiff::Timestamp {
        self.core.wiring.timer.now()
    }

    pub(super) fn entropy(&self) -> &dyn Entropy {
        self.core.wiring.entropy.as_ref()
    }

    pub(super) fn machine(&self, arn: &str) -> Option<Arc<Machine>> {
        self.core.machines.read().unwrap_or_else(PoisonError::into_inner).get(arn).cloned()
    }

    /// By ARN.
    pub(super) fn machines(&self) -> Vec<Arc<Machine>> {
        self.core.machines.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// By the execution's ARN.
    pub(super) fn run(&self, arn: &str) -> Option<Arc<Run>> {
        let (machine, name) = arn.rsplit_once(':')?;
        self.machine(&machine.replacen(":execution:", ":stateMachine:", 1))?.find(name)
    }

    /// Records and starts a new execution; the caller holds its name.
    pub(super) fn begin(&self, machine: &Machine, execution: Execution) -> Result<Arc<Run>, AwsError> {
        let run = Run::new(machine.definition.clone(), execution, Vec::new());
        self.core.apply(&run, |_| Ok(Input::Start))?;
        Ok(run)
    }

    pub(super) fn apply(
        &self,
        run: &Arc<Run>,
        input: impl FnOnce(&Execution) -> Result<Input, AwsError>,
    ) -> Result<(), AwsError> {
        self.core.apply(run, input)
    }

    /// The execution that a task token belongs to, and the task.
    pub(super) fn by_token(&self, token: &str) -> Option<(Option<Arc<Run>>, TaskId)> {
        token::read(token).map(|(arn, task)| (self.run(&arn), task))
    }
}

impl Core {
    fn apply(
        self: &Arc<Self>,
        run: &Arc<Run>,
        input: impl FnOnce(&Execution) -> Result<Input, AwsError>,
    ) -> Result<(), AwsError> {
        let mut live = run.live();
        if *self.halted.borrow() {
            return Err(AwsError::internal("Step Functions is stopping"));
        }
        let input = input(&live.execution)?;
        let now = self.wiring.timer.now();
        let commands = advance(&run.definition, &mut live.execution, input, now, self.wiring.entropy.as_ref());
        if commands.is_some()
            && let Err(error) = live.record(&self.wiring.persist)
        {
            // Memory is now ahead of the disk: only a restart brings them together.
            tracing::error!(%error, execution = live.execution.arn, "a transition cannot be recorded; Step Functions stops");
            self.halted.send_replace(true);
            return Err(error);
        }
        self.arm(run, &mut live);
        drop(live);
        for command in commands.into_iter().flatten() {
            if let Command::Invoke(call) = command {
                tokio::spawn(self.clone().dispatch(run.clone(), call));
            }
        }
        Ok(())
    }

    /// Sees to it that the timers hold a wake no later than the next one that is due.
    fn arm(&self, run: &Arc<Run>, live: &mut Live) {
        let due = live.execution.due().filter(|due| live.armed.is_none_or(|armed| *due < armed));
        if let Some(due) = due {
            live.armed = Some(due);
            self.timers.add(due, run);
        }
    }

    async fn keep_time(self: Arc<Self>) {
        loop {
            let next = self.timers.next();
            tokio::select! {
                biased;
                () = self.until_halted() => return,
                () = self.timers.sooner() => continue,
                () = async { match next {
                    Some(at) => self.wiring.timer.wait_until(at).await,
                    None => std::future::pending().await,
                } } => {}
            }
            while let Some(run) = self.timers.due(self.wiring.timer.now()) {
                run.live().armed = None;
                // Failures are logged where they arise.
                let _ = self.apply(&run, |_| Ok(Input::Tick));
                tokio::task::yield_now().await;
            }
        }
    }

    async fn dispatch(self: Arc<Self>, run: Arc<Run>, call: Invoke) {
        tokio::select! {
            biased;
            () = self.until_halted() => {}
            () = self.perform(&run, call) => {}
        }
    }

    async fn perform(self: &Arc<Self>, run: &Arc<Run>, call: Invoke) {
        let Some(permit) = self.turn(run, call.task).await else { return };
        let execution = {
            let live = run.live();
            // It may have been stopped in the queue.
            if !live.execution.awaits(call.task) {
                return;
            }
            live.execution.arn.clone()
        };
        let effect = |moment| Effect { execution: &execution, state: &call.state, task: call.task, moment };
        if self.crashes(effect(Moment::BeforeDispatch)).await {
            return;
        }
        let result = self.invoke(&call.function, call.payload).await;
        drop(permit);
        if self.crashes(effect(Moment::BeforeRecord)).await {
            return;
        }
        // Failures are logged where they arise.
        let _ = self.apply(run, |_| Ok(Input::Returned { task: call.task, result }));
    }

    /// Waits where others are before. The queue is this process's and not the function's, so its time counts for no timeout.
    async fn turn(&self, run: &Arc<Run>, task: TaskId) -> Option<SemaphorePermit<'_>> {
        if let Ok(permit) = self.functions.try_acquire() {
            return Some(permit);
        }
        let since = self.wiring.timer.now();
        run.live().execution.queue(task);
        let permit = self.functions.acquire().await.ok()?;
        let mut live = run.live();
        live.execution.unqueue(task, self.wiring.timer.now().duration_since(since));
        self.arm(run, &mut live);
        Some(permit)
    }

    async fn invoke(&self, function: &str, payload: Value) -> Result<Value, Failure> {
        let invocation = AssertUnwindSafe(self.wiring.invoker.invoke(function, payload)).catch_unwind();
        match invocation.await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(InvokeError::Failed { error_type, error_message })) => {
                Err(Failure::of_function(&error_type, &error_message))
            }
            Ok(Err(error @ InvokeError::Unknown(_))) => {
                Err(Failure::new("Lambda.ResourceNotFoundException", error.to_string()))
            }
            Err(_) => Err(Failure::of_function("Runtime.ExitError", "the function panicked")),
        }
    }

    async fn crashes(&self, effect: Effect<'_>) -> bool {
        let Some(observer) = &self.wiring.observer else { return false };
        let crash = observer.observe(effect).await == Verdict::Crash;
        if crash {
            self.halted.send_replace(true);
        }
        crash
    }

    async fn until_halted(&self) {
        // An error says that the sender is gone, and it is `self`.
        let _ = self.halted.subscribe().wait_for(|halted| *halted).await;
    }
}
