//! The table that every bench prints: what, the ratio with its spread, the goal, whether it is met.

use crate::spread::Rounds;

/// The most that a ratio may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Goal(pub(crate) f64);

pub(crate) fn title(text: &str) {
    println!("\n{text}");
    println!("  {:<58} {:>26}   goal", "min / median / max of the rounds", "");
}

/// One line with a goal, judged by the median.
pub(crate) fn line(what: &str, unit: &str, rounds: &Rounds, Goal(goal): Goal) {
    let verdict = if rounds.median() <= goal { "met" } else { "MISSED" };
    println!("  {what:<58} {:>26}   <= {goal:.4} {unit} {verdict}", rounds.to_string());
}

/// One line without.
pub(crate) fn note(what: &str, unit: &str, rounds: &Rounds) {
    println!("  {what:<58} {:>26}   {unit}", rounds.to_string());
}

pub(crate) fn say(text: &str) {
    println!("  {text}");
}

/// One line whose figure is to be that or more, judged by the median.
pub(crate) fn at_least(what: &str, rounds: &Rounds, Goal(goal): Goal) {
    let verdict = if rounds.median() >= goal { "met" } else { "MISSED" };
    println!("  {what:<58} {:>26}   >= {goal:.4} x {verdict}", rounds.to_string());
}

/// One line whose figure is to be no further from zero.
pub(crate) fn within(what: &str, rounds: &Rounds, Goal(goal): Goal) {
    let verdict = if rounds.median().abs() <= goal { "met" } else { "MISSED" };
    println!("  {what:<58} {:>26}   +-{goal:.4} {verdict}", rounds.to_string());
}
