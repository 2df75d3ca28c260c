//! Least privilege, tested by every call: each function and state machine may do what its statements in the template allow
//! and nothing else.

mod wide;

pub use wide::overbroad;

use crate::{
    aws::Authorizer,
    template::{PolicySpec, Stack, arn},
};
use awsim_iam_policy::{
    ActionList, AuthzRequest, ContextValue, Decision, EvalContext, PolicyAttributions, PolicyDocument,
    evaluate_detailed,
};
use std::{
    collections::{BTreeSet, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Who calls: a function or a state machine, with the credentials that the local stack gave it.
#[derive(Debug)]
pub struct Principal {
    /// The logical id of the function or state machine.
    pub logical_id: String,
    /// What its SDK signs with; tells the endpoint who is calling.
    pub access_key_id: String,
    /// `arn:aws:sts::…:assumed-role/{role}/{session}`.
    pub arn: String,
    policy: PolicyDocument,
    lines: Vec<usize>,
    /// By action, then resource: a policy's answer never changes, and parsing globs at every call would cost more than the call.
    decisions: Mutex<HashMap<String, HashMap<String, Decision>>>,
    exercised: Mutex<BTreeSet<Exercised>>,
}

/// A permission that a call needed: statement (its index in the role's policy) and action.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Exercised {
    /// The logical id of the function or state machine.
    pub principal: String,
    /// Index among the role's statements, in the order of the template.
    pub statement: usize,
    /// As the call named it, e.g. `dynamodb:PutItem`.
    pub action: String,
}

/// A call that the template does not allow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Denied {
    /// In AWS's words.
    pub message: String,
    /// The first action that was refused.
    pub action: String,
    /// What it was to act on.
    pub resource: String,
}

/// Everybody who may call, by access key id.
#[derive(Debug, Default)]
pub struct Principals {
    by_key: HashMap<String, Principal>,
    context: HashMap<String, ContextValue>,
    file: String,
}

impl Principals {
    /// One principal for each function and state machine. A policy that does not parse allows nothing; the template reader
    /// has refused it before.
    pub fn new(stack: &Stack) -> Self {
        let functions = stack.functions.iter().map(|f| principal(&f.logical_id, &f.role, &f.name, &f.policy));
        let machines = stack.machines.iter().map(|m| principal(&m.logical_id, &m.role, &m.name, &m.policy));
        let fixed =
            crate::template::CONTEXT.iter().copied().chain([(crate::template::REGION_KEY, stack.region.as_str())]);
        Self {
            by_key: functions.chain(machines).map(|p| (p.access_key_id.clone(), p)).collect(),
            context: fixed.map(|(key, value)| (key.to_owned(), ContextValue::String(value.to_owned()))).collect(),
            file: stack.file.clone(),
        }
    }

    /// Who signs with `access_key_id`.
    pub fn by_access_key(&self, access_key_id: &str) -> Option<&Principal> {
        self.by_key.get(access_key_id)
    }

    /// The principal of a function or state machine of the template.
    pub fn by_logical_id(&self, logical_id: &str) -> Option<&Principal> {
        self.by_key.get(&access_key_id(logical_id))
    }

    /// Whether `principal` may do all of `requests`, pairs of action and resource ARN. Fails with the first that it may not.
    pub fn decide<A: AsRef<str>, R: AsRef<str>>(
        &self,
        principal: &Principal,
        requests: &[(A, R)],
    ) -> Result<(), Denied> {
        self.decide_in(principal, requests, &[])
    }

    /// The same, of a request with condition keys of its own. What depends on those is not remembered.
    pub fn decide_in<A: AsRef<str>, R: AsRef<str>>(
        &self,
        principal: &Principal,
        requests: &[(A, R)],
        context: &[(&'static str, String)],
    ) -> Result<(), Denied> {
        for (action, resource) in requests {
            let (action, resource) = (action.as_ref(), resource.as_ref());
            let known = context.is_empty().then(|| principal.known(action, resource)).flatten();
            let decision = known.unwrap_or_else(|| self.evaluate(principal, action, resource, context));
            if decision != Decision::Allow {
                return Err(denied(principal, action, resource, decision));
            }
        }
        Ok(())
    }

    fn evaluate(
        &self,
        principal: &Principal,
        action: &str,
        resource: &str,
        context: &[(&'static str, String)],
    ) -> Decision {
        let own = context.iter().map(|(key, value)| ((*key).to_owned(), ContextValue::String(value.clone())));
        let request = AuthzRequest {
            principal_arn: &principal.arn,
            principal_account: arn::ACCOUNT,
            action,
            resource_arn: resource,
            context: &self.context.clone().into_iter().chain(own).collect(),
        };
        let policies =
            EvalContext { identity_policies: std::slice::from_ref(&principal.policy), ..EvalContext::default() };
        let details = evaluate_detailed(&request, &policies, &PolicyAttributions::default());
        let statements = details.matched_statements.iter().map(|matched| Exercised {
            principal: principal.logical_id.clone(),
            statement: matched.statement_index,
            action: action.to_owned(),
        });
        locked(&principal.exercised).extend(statements);
        if context.is_empty() {
            let mut decisions = locked(&principal.decisions);
            decisions.entry(action.to_owned()).or_default().insert(resource.to_owned(), details.decision);
        }
        details.decision
    }

    /// Every permission that calls have needed so far.
    pub fn exercised(&self) -> BTreeSet<Exercised> {
        self.by_key.values().flat_map(|p| locked(&p.exercised).clone()).collect()
    }

    /// Every action that the template grants, as `file:line: who may action`, and whether a call has needed it so far.
    pub fn permissions(&self) -> impl Iterator<Item = (String, bool)> {
        let mut all: Vec<_> = self.by_key.values().flat_map(Principal::permissions).collect();
        all.sort();
        all.into_iter().map(|(line, text, used)| (format!("{}:{line}: {text}", self.file), used))
    }

    /// Those that no call has needed so far.
    pub fn unused(&self) -> Vec<String> {
        self.permissions().filter(|(_, used)| !used).map(|(permission, _)| permission).collect()
    }
}

impl Authorizer for Principals {
    /// An access key that nobody of the template has may do nothing.
    fn decide(
        &self,
        access_key: &str,
        needs: &[(String, String)],
        context: &[(&'static str, String)],
    ) -> Result<(), String> {
        let principal = self
            .by_access_key(access_key)
            .ok_or_else(|| format!("{access_key} belongs to no function of the template"))?;
        self.decide_in(principal, needs, context).map_err(|denied| denied.message)
    }
}

impl Principal {
    fn known(&self, action: &str, resource: &str) -> Option<Decision> {
        locked(&self.decisions).get(action)?.get(resource).copied()
    }

    fn permissions(&self) -> Vec<(usize, String, bool)> {
        let exercised = locked(&self.exercised);
        let used = |index: usize, action: &str| {
            exercised.iter().any(|e| e.statement == index && e.action.eq_ignore_ascii_case(action))
        };
        let statements = self.policy.statements.iter().zip(&self.lines).enumerate();
        let permissions = statements.flat_map(|(index, (statement, line))| {
            let actions =
                statement.action.iter().flat_map(ActionList::iter).filter(|action| !is_among(&DEPLOY_ONLY, action));
            actions.map(move |action| (index, *line, action))
        });
        permissions
            .map(|(index, line, action)| (line, format!("{} may {action}", self.logical_id), used(index, action)))
            .collect()
    }
}

/// What Step Functions asks a machine's role for when it sets up the machine's log, on `*` alone: no call of ours, so no
/// test can need it. <https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html#cloudwatch-iam-policy>
pub const DEPLOY_ONLY: [&str; 10] = [
    "logs:CreateLogDelivery",
    "logs:CreateLogStream",
    "logs:GetLogDelivery",
    "logs:UpdateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutLogEvents",
    "logs:PutResourcePolicy",
    "logs:DescribeResourcePolicies",
    "logs:DescribeLogGroups",
];

fn is_among(actions: &[&str], action: &str) -> bool {
    actions.iter().any(|known| known.eq_ignore_ascii_case(action))
}

fn principal(logical_id: &str, role: &str, session: &str, policy: &PolicySpec) -> Principal {
    let nothing = PolicyDocument { version: None, id: None, statements: Vec::new() };
    Principal {
        logical_id: logical_id.to_owned(),
        access_key_id: access_key_id(logical_id),
        arn: format!("arn:aws:sts::{}:assumed-role/{role}/{session}", arn::ACCOUNT),
        policy: awsim_iam_policy::parse_value(&policy.document).unwrap_or(nothing),
        lines: policy.lines.clone(),
        decisions: Mutex::default(),
        exercised: Mutex::default(),
    }
}

/// `ASIA` marks temporary credentials, as Lambda's are.
fn access_key_id(logical_id: &str) -> String {
    format!("ASIA{}", arn::tail(logical_id, 16).to_ascii_uppercase())
}

fn denied(principal: &Principal, action: &str, resource: &str, decision: Decision) -> Denied {
    let why = match decision {
        Decision::ExplicitDeny => "with an explicit deny in an identity-based policy".to_owned(),
        _ => format!("because no identity-based policy allows the {action} action"),
    };
    let message =
        format!("User: {} is not authorized to perform: {action} on resource: {resource} {why}", principal.arn);
    Denied { message, action: action.to_owned(), resource: resource.to_owned() }
}

/// A poisoned cache is still a correct one: every entry is written whole.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
