//! A limit that many execution environments keep together without asking each other about every call (REQUIREMENTS.md R15).
//!
//! **The window.** Time is cut into parts of a tenth of the window. A call may go on while the calls of this part and of the
//! ten parts before it are fewer than [`Window::most`]. Those eleven parts always cover the whole span of one window that ends
//! now, so in no span of that length, wherever it begins, are there more than the limit. (A window that starts over lets twice
//! the limit through around its border, and so does a bucket that refills; Cloudflare's weighted pair of windows does where
//! calls are not spread evenly.) The price: who calls evenly all the time gets ten elevenths of the limit.
//!
//! **The credit.** The counts of all environments are one item of the store, a number for each part. An environment lets
//! calls pass on credit: it counts them itself ([`Tally`]), and asks nobody. Before a call goes beyond [`Window::batch`] calls
//! on credit, it settles: one write adds them to the item, and answers with what all have counted. So there is at most one
//! write for `batch` calls that went on, none for whoever calls less often than that (almost everybody), and none for what is
//! refused.
//!
//! **Why credit and not a lease taken before.** A lease is a write for everybody's first call, and most callers of an
//! environment call a few times in a window. And what one environment has leased the others must refuse, although nobody uses
//! it: of a limit of 20, two environments would starve the rest. Credit refuses nobody below the limit, ever.
//!
//! **The bound.** At most `most - 1 + environments * batch` calls go on in a window, and never more than `most` by any one
//! environment: with one it is exact. For let *S* be what is settled of a window's parts. As long as *S* < `most`, what went on
//! is *S* and at most `batch` on credit in each environment. The settlement after which *S* ≥ `most` adds nothing to what went
//! on, it only moves; and from then on each environment's next settlement tells it, before which it has used up no more than
//! the credit that was counted already. *S* of these parts never falls, so it is refused until a part leaves the window. An
//! environment that ends takes its credit with it, so *environments* are those that served this caller in the window. Who
//! makes at most one write per `batch` calls cannot know of the others' last `batch` calls, so with any algorithm either as
//! many go beyond the limit, or as many below it are refused.
//!
//! **Clocks.** Parts come from each environment's own clock. One that is behind counts the parts that lie ahead of it too; so
//! clocks that differ by *d* keep the bound in every span that is shorter than the window by *d*. A tenth of the shortest
//! window is six seconds; Lambda's clocks differ by less than a millisecond.

use jiff::{SignedDuration, Timestamp};

/// A window is cut into so many parts.
const PARTS: i64 = 10;

/// At most so many in any span of that length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Its name in the `RateLimit` headers.
    pub name: &'static str,
    /// How many.
    pub most: u32,
    /// Within how long.
    pub within: SignedDuration,
    /// How many an environment lets pass before it settles.
    pub batch: u32,
}

/// Calls in each part of a window, by the part's number; oldest first, none of them zero.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Parts(Vec<(i64, u32)>);

/// What one environment knows of one caller.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Tally {
    /// What all environments had settled when this one last did.
    shared: Parts,
    /// Calls that this one let pass since.
    credit: Parts,
    /// Parts of the shared item that nobody needs any more.
    past: Vec<i64>,
}

/// What an environment tells the others.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Settlement {
    /// To be added.
    pub calls: Parts,
    /// To be taken away.
    pub past: Vec<i64>,
}

/// How a caller stands with one limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The limit's name.
    pub name: &'static str,
    /// The limit.
    pub most: u32,
    /// Its window.
    pub within: SignedDuration,
    /// How many more may follow at once.
    pub left: u32,
    /// When there is room for one more.
    pub more_at: Timestamp,
}

/// What is to be done with a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// It was counted, and goes on.
    Pass(Standing),
    /// The credit is used up: settle, and ask again.
    Settle(Settlement),
    /// It is one too many. It was not counted.
    Refuse(Standing),
}

impl Window {
    /// The number of the part that a moment lies in.
    fn part(&self, at: Timestamp) -> i64 {
        at.as_millisecond().div_euclid(self.part_length())
    }

    /// Milliseconds.
    fn part_length(&self) -> i64 {
        (i64::try_from(self.within.as_millis()).unwrap_or(i64::MAX) / PARTS).max(1)
    }

    /// When nothing of a part counts any more.
    fn over(&self, part: i64) -> Timestamp {
        let millisecond = part.saturating_add(PARTS + 1).saturating_mul(self.part_length());
        Timestamp::from_millisecond(millisecond).unwrap_or(Timestamp::MAX)
    }
}

impl Parts {
    /// Counts more calls in a part.
    pub fn add(&mut self, part: i64, calls: u32) {
        match self.0.binary_search_by_key(&part, |(number, _)| *number) {
            Ok(at) => self.0[at].1 = self.0[at].1.saturating_add(calls),
            Err(_) if calls == 0 => {}
            Err(at) => self.0.insert(at, (part, calls)),
        }
    }

    /// All calls.
    #[must_use]
    pub fn total(&self) -> u32 {
        self.0.iter().fold(0, |sum, (_, calls)| sum.saturating_add(*calls))
    }

    /// Each part and its calls, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = (i64, u32)> {
        self.0.iter().copied()
    }

    fn take(&mut self, part: i64, calls: u32) {
        if let Ok(at) = self.0.binary_search_by_key(&part, |(number, _)| *number) {
            self.0[at].1 = self.0[at].1.saturating_sub(calls);
            if self.0[at].1 == 0 {
                self.0.remove(at);
            }
        }
    }

    fn forget_before(&mut self, part: i64) {
        self.0.retain(|(number, _)| *number >= part);
    }
}

impl FromIterator<(i64, u32)> for Parts {
    fn from_iter<I: IntoIterator<Item = (i64, u32)>>(parts: I) -> Self {
        let mut all = Self::default();
        parts.into_iter().for_each(|(part, calls)| all.add(part, calls));
        all
    }
}

impl Tally {
    /// Whether one more call may go on. Says [`Asked::Settle`] at most once for every `batch` calls that went on.
    pub fn ask(&mut self, window: &Window, now: Timestamp) -> Asked {
        self.forget(window, now);
        if self.credit.total() >= window.batch {
            return Asked::Settle(Settlement { calls: self.credit.clone(), past: self.past.clone() });
        }
        self.ask_nobody(window, now)
    }

    /// As [`Tally::ask`], where there is nobody to settle with: by what is known, and what this environment let pass.
    pub fn ask_nobody(&mut self, window: &Window, now: Timestamp) -> Asked {
        self.forget(window, now);
        let refused = self.used() >= window.most;
        if !refused {
            self.credit.add(window.part(now), 1);
        }
        let standing = self.standing(window, now);
        if refused { Asked::Refuse(standing) } else { Asked::Pass(standing) }
    }

    /// Notes that a settlement was made, and what the item held after it.
    pub fn settled(&mut self, made: &Settlement, held: Parts) {
        made.calls.iter().for_each(|(part, calls)| self.credit.take(part, calls));
        self.past.clear();
        self.shared = held;
    }

    /// Takes a call back that was counted here a moment ago. One that was settled meanwhile stays counted.
    pub fn take_back(&mut self) {
        if let Some((part, _)) = self.credit.0.last().copied() {
            self.credit.take(part, 1);
        }
    }

    /// Whether there is anything left to know.
    pub fn is_over(&mut self, window: &Window, now: Timestamp) -> bool {
        self.forget(window, now);
        self.used() == 0
    }

    fn used(&self) -> u32 {
        self.shared.total().saturating_add(self.credit.total())
    }

    fn forget(&mut self, window: &Window, now: Timestamp) {
        let oldest = window.part(now) - PARTS;
        self.past.extend(self.shared.iter().map(|(part, _)| part).filter(|part| *part < oldest));
        self.shared.forget_before(oldest);
        self.credit.forget_before(oldest);
    }

    /// How the caller stands; nothing is counted.
    pub fn standing(&mut self, window: &Window, now: Timestamp) -> Standing {
        self.forget(window, now);
        let Window { name, most, within, .. } = *window;
        let left = most.saturating_sub(self.used());
        Standing { name, most, within, left, more_at: self.more_at(window, now) }
    }

    /// When the first parts have left whose calls stand in the way of one more than now.
    fn more_at(&self, window: &Window, now: Timestamp) -> Timestamp {
        let mut all = self.shared.clone();
        self.credit.iter().for_each(|(part, calls)| all.add(part, calls));
        let mut used = self.used();
        for (part, calls) in all.iter() {
            used = used.saturating_sub(calls);
            if used < window.most {
                return window.over(part);
            }
        }
        now
    }
}

#[cfg(test)]
mod tests;
