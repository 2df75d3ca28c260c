//! Faults at any AWS call, set by tests while the stack runs.
//!
//! A crash is the death of the process at that call: the call and every later one never return, so that no code of the
//! "dead" process runs on, and the hook tells the test to drop the stack and start another on the same data.

use std::borrow::Cow;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::SignedDuration;

/// What happens to a matching call.
#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    /// The service refuses without doing anything.
    Error {
        /// HTTP status, e.g. 400 for throttling by DynamoDB, 500 for an internal error.
        status: u16,
        /// Shape name, e.g. `ProvisionedThroughputExceededException`.
        code: Cow<'static, str>,
    },
    /// The call happens after this long, by the stack's time.
    Delay(SignedDuration),
    /// The effect happens, the answer is lost: the SDK sees a timeout.
    Timeout,
    /// The process dies before the effect.
    CrashBefore,
    /// The process dies after the effect.
    CrashAfter,
}

/// Which calls a fault strikes; a part that is not set matches everything.
#[derive(Debug, Clone)]
pub struct Rule {
    function: Option<String>,
    service: Option<String>,
    action: Option<String>,
    nth: Option<u64>,
    fault: Fault,
    matched: u64,
    fired: u64,
}

impl Rule {
    /// A rule that strikes every call.
    pub fn new(fault: Fault) -> Self {
        Self { function: None, service: None, action: None, nth: None, fault, matched: 0, fired: 0 }
    }

    /// An error with its status and code on every call.
    pub fn error(status: u16, code: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Fault::Error { status, code: code.into() })
    }

    /// Only calls of this action, e.g. `("dynamodb", "PutItem")`.
    #[must_use]
    pub fn on(mut self, service: &str, action: &str) -> Self {
        self.service = Some(service.to_owned());
        self.action = Some(action.to_owned());
        self
    }

    /// Only calls to this service.
    #[must_use]
    pub fn on_service(mut self, service: &str) -> Self {
        self.service = Some(service.to_owned());
        self
    }

    /// Only calls by this function.
    #[must_use]
    pub fn from(mut self, function: &str) -> Self {
        self.function = Some(function.to_owned());
        self
    }

    /// Only the nth call that matches the rest, counted from 1 and from now.
    #[must_use]
    pub fn nth(mut self, nth: u64) -> Self {
        self.nth = Some(nth);
        self
    }

    fn strikes(&mut self, function: &str, service: &str, action: &str) -> bool {
        let is = |want: &Option<String>, is: &str| want.as_deref().is_none_or(|want| want == is);
        if !(is(&self.function, function) && is(&self.service, service) && is(&self.action, action)) {
            return false;
        }
        self.matched += 1;
        let strikes = self.nth.is_none_or(|nth| nth == self.matched);
        self.fired += u64::from(strikes);
        strikes
    }
}

type Hook = Arc<dyn Fn() + Send + Sync>;

/// The faults in force, and whether the process has "died".
#[derive(Default)]
pub struct Faults {
    rules: Mutex<Vec<Rule>>,
    hook: Mutex<Option<Hook>>,
    dead: AtomicBool,
}

impl Faults {
    /// Adds a rule; the first rule that strikes decides.
    pub fn add(&self, rule: Rule) {
        self.rules().push(rule);
    }

    /// Forgets every rule.
    pub fn clear(&self) {
        self.rules().clear();
    }

    /// How often the rules in force have struck.
    pub fn fired(&self) -> u64 {
        self.rules().iter().map(|rule| rule.fired).sum()
    }

    /// Called once at a crash, from the task whose call crashed.
    pub fn on_crash(&self, hook: impl Fn() + Send + Sync + 'static) {
        *self.hook.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(hook));
    }

    /// Whether a crash has happened: no call returns any more.
    pub fn is_dead(&self) -> bool {
        self.dead.load(Ordering::SeqCst)
    }

    /// The process dies here.
    pub fn crash(&self) {
        if !self.dead.swap(true, Ordering::SeqCst) {
            let hook = self.hook.lock().unwrap_or_else(PoisonError::into_inner).clone();
            if let Some(hook) = hook {
                hook();
            }
        }
    }

    /// The fault for this call, if any. Rules after the one that strikes do not count the call.
    pub(super) fn strike(&self, function: &str, service: &str, action: &str) -> Option<Fault> {
        let mut chosen = None;
        for rule in self.rules().iter_mut() {
            if chosen.is_none() && rule.strikes(function, service, action) {
                chosen = Some(rule.fault.clone());
            }
        }
        chosen
    }

    fn rules(&self) -> MutexGuard<'_, Vec<Rule>> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Faults").field("rules", &*self.rules()).field("dead", &self.is_dead()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nth_matching_call_is_struck_and_no_other() {
        let faults = Faults::default();
        faults.add(Rule::new(Fault::Timeout).on("dynamodb", "PutItem").from("a").nth(2));
        assert_eq!(faults.strike("b", "dynamodb", "PutItem"), None);
        assert_eq!(faults.strike("a", "dynamodb", "GetItem"), None);
        assert_eq!(faults.strike("a", "dynamodb", "PutItem"), None);
        assert_eq!(faults.strike("a", "dynamodb", "PutItem"), Some(Fault::Timeout));
        assert_eq!(faults.strike("a", "dynamodb", "PutItem"), None);
        assert_eq!(faults.fired(), 1);
    }

    #[test]
    fn a_crash_calls_its_hook_once() {
        let faults = Faults::default();
        let deaths = Arc::new(Mutex::new(0));
        let seen = deaths.clone();
        faults.on_crash(move || *seen.lock().unwrap() += 1);
        faults.crash();
        faults.crash();
        assert!(faults.is_dead());
        assert_eq!(*deaths.lock().unwrap(), 1);
    }
}
