//! The refresh protocol (`docs/refresh-protocol.md`): what a presented generation means to a session's family of tokens.
//! OAuth 2.0 Security BCP (RFC 9700) section 4.14.2, with a grace period for repeats.

use data_encoding::HEXLOWER;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::Rule;
use crate::ids::is_hex;
use crate::text::text;

/// How long a used token may be repeated by its client. As long as a function may run, and no longer than a thief needs.
pub const GRACE: SignedDuration = SignedDuration::from_secs(10);
/// Uses that are kept: more than tabs can make in [`GRACE`], and with them the session stays below 1 KB.
const MOST_USES: usize = 8;
/// 64 bits tell clients apart; a thief copies the user agent sooner than find another of the same digest.
const CLIENT_DIGITS: usize = 16;

/// How a token is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Channel {
    /// In the body.
    Body,
    /// In a cookie, which tabs share and cannot lock.
    Cookie,
}

/// Who sent a token: how, and with which user agent.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Client {
    channel: Channel,
    digest: ClientDigest,
}

impl Client {
    /// The client that sends by this channel under this name.
    pub fn new(channel: Channel, user_agent: &str) -> Self {
        let digest = Sha256::new().chain_update([channel as u8]).chain_update(user_agent).finalize();
        Self { channel, digest: ClientDigest(HEXLOWER.encode(&digest[..CLIENT_DIGITS / 2])) }
    }
}

/// What is kept of a client: enough to know it again for ten seconds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ClientDigest(String);

text!(ClientDigest, client_digest);

impl ClientDigest {
    /// Fails with `invalid`.
    pub fn parse(text: &str) -> Result<Self, Rule> {
        client_digest(text)?;
        Ok(Self(text.to_owned()))
    }
}

fn client_digest(text: &str) -> Result<(), Rule> {
    if is_hex(text, CLIENT_DIGITS) { Ok(()) } else { Err(Rule::new("invalid", "is not the digest of a client")) }
}

/// What made a generation: the sign-in, or the use of the generation before.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Use {
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: ClientDigest,
}

/// How long a session may last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Without a refresh.
    pub idle: SignedDuration,
    /// At all.
    pub expires_at: Timestamp,
}

impl Limits {
    fn end(self, now: Timestamp) -> Timestamp {
        now.checked_add(self.idle).map_or(self.expires_at, |idle_at| idle_at.min(self.expires_at))
    }
}

/// The tokens of one session. Only the newest generation is unused.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Family {
    /// The newest generation.
    pub generation: u32,
    /// What made the last generations, the newest one's last. Never empty.
    uses: Vec<Use>,
    /// When the session ends unless it is refreshed before.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub ends_at: Timestamp,
}

/// What the protocol makes of a presented token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Its first use: this is the family with one more generation, to be stored if nobody was faster.
    Rotate(Family),
    /// A repeat by its client: the newest generation again, and nothing to store.
    Repeat,
    /// Two clients have it, or one keeps old tokens: the session must end.
    Reused,
    /// The session has ended.
    Over,
}

impl Family {
    /// Generation 0, for the client that signs in.
    pub fn start(client: &Client, now: Timestamp, limits: Limits) -> Self {
        let uses = vec![Use { at: now, by: client.digest.clone() }];
        Self { generation: 0, uses, ends_at: limits.end(now) }
    }

    /// When the newest generation was made.
    pub fn issued_at(&self) -> Timestamp {
        self.uses.last().map_or(self.ends_at, |made| made.at)
    }

    /// Judges a token of this family whose tag holds.
    pub fn present(&self, generation: u32, client: &Client, now: Timestamp, limits: Limits) -> Verdict {
        if now >= self.ends_at || now >= limits.expires_at {
            Verdict::Over
        } else if generation == self.generation {
            Verdict::Rotate(self.rotated(client, now, limits))
        } else if self.is_repeat(generation, client, now) {
            Verdict::Repeat
        } else {
            Verdict::Reused
        }
    }

    fn rotated(&self, client: &Client, now: Timestamp, limits: Limits) -> Self {
        let recent = self.uses.iter().filter(|earlier| is_within_grace(earlier, now)).cloned();
        let mut uses: Vec<Use> = recent.chain([Use { at: now, by: client.digest.clone() }]).collect();
        uses.drain(..uses.len().saturating_sub(MOST_USES));
        Self { generation: self.generation.saturating_add(1), uses, ends_at: limits.end(now) }
    }

    /// Whether this client used that generation just now, and nobody else any since.
    fn is_repeat(&self, generation: u32, client: &Client, now: Timestamp) -> bool {
        let age = self.generation.checked_sub(generation).map_or(usize::MAX, |age| age as usize);
        let may_be_repeated = match client.channel {
            Channel::Body => 1,
            Channel::Cookie => MOST_USES,
        };
        let since = self.uses.len().checked_sub(age).and_then(|from| self.uses.get(from..));
        age <= may_be_repeated
            && since.is_some_and(|since| {
                since.iter().all(|made| made.by == client.digest)
                    && since.first().is_some_and(|u| is_within_grace(u, now))
            })
    }
}

fn is_within_grace(made: &Use, now: Timestamp) -> bool {
    now.duration_since(made.at) <= GRACE
}
