//! Task tokens: they name their task, so that a callback needs no table and finds it again after a restart, and hold 128
//! random bits, so that nobody answers for a task that was not given to them.

use domain::Entropy;

use super::execution::TaskId;

pub(super) fn mint(execution: &str, task: TaskId, entropy: &dyn Entropy) -> String {
    let mut secret = [0; 16];
    entropy.fill(&mut secret);
    let plain = format!("{execution}|{}|{}|{}", task.branch, task.number, hex(&secret));
    hex(plain.as_bytes())
}

/// The execution's ARN and the task, or `None` for what was never a token.
pub(super) fn read(token: &str) -> Option<(String, TaskId)> {
    let plain = String::from_utf8(unhex(token)?).ok()?;
    let mut parts = plain.split('|');
    let execution = parts.next()?.to_owned();
    let task = TaskId { branch: parts.next()?.parse().ok()?, number: parts.next()?.parse().ok()? };
    let secret = parts.next()?;
    (secret.len() == 32 && parts.next().is_none()).then_some((execution, task))
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|nibble| char::from_digit(nibble.into(), 16))
        .collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text.chars().map(|c| c.to_digit(16).map(|digit| digit as u8)).collect::<Option<_>>()?;
    digits.chunks(2).map(|pair| Some(pair.first()? << 4 | pair.get(1)?)).collect()
}
