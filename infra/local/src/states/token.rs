//! Task tokens: they name their task, so that a callback needs no table and finds it again after a restart, and hold 128
//! random bits, so that nobody answers for a task that was not given to them.

use data_encoding::HEXLOWER;
use domain::Entropy;

use super::execution::TaskId;

pub(super) fn mint(execution: &str, task: TaskId, entropy: &dyn Entropy) -> String {
    let mut secret = [0; 16];
    entropy.fill(&mut secret);
    let plain = format!("{execution}|{}|{}|{}", task.branch, task.number, HEXLOWER.encode(&secret));
    HEXLOWER.encode(plain.as_bytes())
}

/// The execution's ARN and the task, or `None` for what was never a token.
pub(super) fn read(token: &str) -> Option<(String, TaskId)> {
    let plain = String::from_utf8(HEXLOWER.decode(token.as_bytes()).ok()?).ok()?;
    let mut parts = plain.split('|');
    let execution = parts.next()?.to_owned();
    let task = TaskId { branch: parts.next()?.parse().ok()?, number: parts.next()?.parse().ok()? };
    let secret = parts.next()?;
    (secret.len() == 32 && parts.next().is_none()).then_some((execution, task))
}
