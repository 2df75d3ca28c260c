//! The rate limits of a stage (REQUIREMENTS.md R15), as the template's parameters set them.

use std::{collections::BTreeMap, str::FromStr};

use jiff::SignedDuration;

use crate::{
    Plan,
    throttle::{Block, ROW, Rule},
    window::Window,
};

/// The most that a parameter may say.
const MOST: u32 = 1_000_000;

/// Every limit. An exact one is a [`Rule`], one that environments keep on credit a [`Window`].
///
/// Batches: a call that two windows count is settled in both, so 1/25 + 1/100 = 1/20 of a write for each call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rates {
    /// Sign-ups of a client. Exact.
    pub signup: Rule,
    /// Looks at one tenant's status by one caller.
    pub status: Window,
    /// Calls of somebody who has shown who they are.
    pub caller: Window,
    /// Calls of a client that nobody knows.
    pub client: Window,
    auth: u32,
    reset: u32,
}

/// What is wrong with the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRates {
    /// Not the words there should be.
    #[error("it has to name each of signup, status, caller, client, auth and reset once, as `name=number`")]
    Names,
    /// Not a number that this limit can have.
    #[error("{name} is {rule}")]
    Number {
        /// The limit.
        name: &'static str,
        /// What it may be.
        rule: &'static str,
    },
}

const NAMES: [&str; 6] = ["signup", "status", "caller", "client", "auth", "reset"];

impl FromStr for Rates {
    type Err = InvalidRates;

    /// `signup=3 status=20 caller=1000 client=100 auth=5 reset=3`, in any order.
    fn from_str(text: &str) -> Result<Self, InvalidRates> {
        let words: Vec<(&str, &str)> = text.split_whitespace().filter_map(|word| word.split_once('=')).collect();
        let named: BTreeMap<&str, &str> = words.iter().copied().collect();
        let complete = NAMES.iter().all(|name| named.contains_key(name));
        if !complete || words.len() != NAMES.len() || text.split_whitespace().count() != NAMES.len() {
            return Err(InvalidRates::Names);
        }
        let number = |name: &'static str| {
            let rule = "a whole number from 1 to 1000000";
            let number = named.get(name).and_then(|number| number.parse().ok());
            number.filter(|number| (1..=MOST).contains(number)).ok_or(InvalidRates::Number { name, rule })
        };
        let short = |name: &'static str| {
            let rule = "a whole number from 1 to 20, for each of its tries is kept";
            number(name).ok().filter(|number| as_row(*number)).ok_or(InvalidRates::Number { name, rule })
        };
        let signup = number("signup")?;
        if !as_row(signup) && !(signup as usize).is_multiple_of(ROW) {
            return Err(InvalidRates::Number { name: "signup", rule: "at most 20, or a multiple of 20" });
        }
        Ok(Self {
            signup: Rule { name: "signup", most: signup as usize, within: SignedDuration::from_mins(1), block: None },
            status: window("status", number("status")?, SignedDuration::from_mins(1), 20),
            caller: window("caller", number("caller")?, SignedDuration::from_mins(15), 25),
            client: window("client", number("client")?, SignedDuration::from_mins(15), 20),
            auth: short("auth")?,
            reset: short("reset")?,
        })
    }
}

impl Rates {
    /// The rule, with the number that the stage sets for it.
    #[must_use]
    pub fn of(&self, rule: &Rule) -> Rule {
        let most = match rule.name {
            "auth" | "refresh" => self.auth,
            "reset" => self.reset,
            _ => return *rule,
        } as usize;
        let block = rule.block.map(|block| Block { after: block.after.max(2 * most), ..block });
        Rule { most, block, ..*rule }
    }

    /// Calls of all people and keys of a tenant (R39).
    #[must_use]
    pub const fn plan(plan: Plan) -> Window {
        window("plan", plan.limits().api_calls_per_hour, SignedDuration::from_hours(1), 100)
    }

    /// Calls of an API key that has a limit of its own.
    #[must_use]
    pub const fn api_key(most: u32) -> Window {
        window("key", most, SignedDuration::from_hours(1), 25)
    }
}

fn as_row(number: u32) -> bool {
    number as usize <= ROW
}

/// Where the limit is below the batch, an environment settles when it has let as many pass.
const fn window(name: &'static str, most: u32, within: SignedDuration, batch: u32) -> Window {
    Window { name, most, within, batch: if batch < most { batch } else { most } }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AS_SHIPPED: &str = "signup=3 status=20 caller=1000 client=100 auth=5 reset=3";

    #[test]
    fn r15_the_figures_are_the_requirements() {
        let rates: Rates = AS_SHIPPED.parse().unwrap();
        assert_eq!((rates.signup.most, rates.signup.within.as_secs()), (3, 60));
        let windows = [rates.status, rates.caller, rates.client];
        assert_eq!(windows.map(|it| (it.most, it.within.as_secs())), [(20, 60), (1_000, 900), (100, 900)]);
        assert_eq!(rates.of(&Rule::PROOF), Rule::PROOF);
        assert_eq!(rates.of(&Rule::RESET), Rule::RESET);
    }

    #[test]
    fn r15_a_call_costs_at_most_a_twentieth_of_a_write() {
        let rates: Rates = AS_SHIPPED.parse().unwrap();
        for plan in Plan::ALL {
            let plan = Rates::plan(*plan);
            let counted: [&[Window]; 5] = [
                &[rates.status],
                &[rates.client],
                &[rates.caller],
                &[rates.caller, plan],
                &[Rates::api_key(500), plan],
            ];
            for windows in counted {
                let cost: f64 = windows.iter().map(|window| 1.0 / f64::from(window.batch)).sum();
                assert!(cost <= 0.05 + f64::EPSILON, "{windows:?}");
            }
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for text in [
            "",
            "signup=3",
            "signup=3 status=20 caller=1000 client=100 auth=5 reset=3 more=1",
            "signup=3 signup=3 status=20 caller=1000 client=100 auth=5 reset=3",
            "signup=3 status=20 caller=1000 client=100 auth=5 rest=3",
            "signup=0 status=20 caller=1000 client=100 auth=5 reset=3",
            "signup=-3 status=20 caller=1000 client=100 auth=5 reset=3",
            "signup=3 status=20 caller=1000001 client=100 auth=5 reset=3",
            "signup=3 status=twenty caller=1000 client=100 auth=5 reset=3",
            "signup=3 status= caller=1000 client=100 auth=5 reset=3",
            "signup=30 status=20 caller=1000 client=100 auth=5 reset=3",
            "signup=3 status=20 caller=1000 client=100 auth=21 reset=3",
            "signup=3 status=20 caller=1000 client=100 auth=5 reset=0",
        ] {
            assert!(text.parse::<Rates>().is_err(), "{text}");
        }
        let other: Rates = "signup=1000 status=1 caller=1 client=1 auth=20 reset=20".parse().unwrap();
        assert_eq!(other.status.batch, 1);
        let proof = other.of(&Rule::PROOF);
        assert_eq!((proof.most, proof.block.unwrap().after), (20, 40));
    }
}
