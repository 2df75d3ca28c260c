//! `ClientRequestToken`: a transaction that is sent again within ten minutes is not done again.
//!
//! dynoxide has this too, by the clock on the wall, and looks through every token that it holds at each transaction, so that
//! the work of many tenants grew with the square of their number.
//!
//! <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html>

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::aws::AwsError;

const REMEMBERED: SignedDuration = SignedDuration::from_mins(10);
/// What is longer goes on to dynoxide, which refuses it in DynamoDB's words.
const LONGEST: usize = 36;

/// The transactions of the last ten minutes by their tokens.
#[derive(Default)]
pub(super) struct Tokens {
    /// What was sent, as a hash.
    sent: HashMap<String, u64>,
    /// When each was, oldest first.
    order: VecDeque<(Timestamp, String)>,
}

impl Tokens {
    /// Runs the transaction unless it was run before. A repeat's answer says nothing of capacity, where AWS counts reads.
    pub(super) fn once(
        &mut self,
        now: Timestamp,
        mut body: Value,
        run: impl FnOnce(Value) -> Result<Value, AwsError>,
    ) -> Result<Value, AwsError> {
        let token = match body["ClientRequestToken"].as_str() {
            Some(token) if token.len() <= LONGEST => token.to_owned(),
            _ => return run(body),
        };
        self.forget(now);
        let items = hash(&body["TransactItems"]);
        match self.sent.get(&token) {
            Some(sent) if *sent == items => return Ok(json!({})),
            Some(_) => {
                let code = "IdempotentParameterMismatchException";
                return Err(AwsError::refused(code, format!("An error occurred ({code})")));
            }
            None => {}
        }
        if let Some(body) = body.as_object_mut() {
            body.remove("ClientRequestToken");
        }
        let answer = run(body)?;
        self.sent.insert(token.clone(), items);
        self.order.push_back((now, token));
        Ok(answer)
    }

    fn forget(&mut self, now: Timestamp) {
        while let Some((_, token)) = self.order.pop_front_if(|(at, _)| now.duration_since(*at) >= REMEMBERED) {
            self.sent.remove(&token);
        }
    }
}

/// Whatever the order of the members.
fn hash(items: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    items.hash(&mut hasher);
    hasher.finish()
}
