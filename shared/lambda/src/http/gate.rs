//! Which limits count a call, and whether it may go on: after the caller is known, before the body is read (R15, R39).
//!
//! | rate | caller | counted as | how |
//! |---|---|---|---|
//! | sign-up | anybody | the client | exact: one write a call |
//! | status | bearer of a status token | this tenant by this client | on credit |
//! | status | member, platform role | this tenant by this person | on credit |
//! | general | member, platform role | the person, and the plan of their tenant | on credit |
//! | general | API key | the key, if it has a limit of its own, and the plan of its tenant | on credit |
//! | general | internal, deployer | the client, by a caller's limit | on credit |
//! | general | anybody else | the client, with all its anonymous calls | on credit |
//! | auth, reset, refresh | anybody | as the handler knows better | there |
//!
//! Who is signed in is counted as a person, never by their address: an office of two hundred behind one address is two
//! hundred callers. A service calls at the pace that its tenant pays for, not at a person's. A status is not an API call of the plan: following one tenant as often as is allowed would use up the
//! smallest.

use domain::{
    Rates,
    throttle::ClientNetwork,
    window::{Standing, Window},
};
use http::HeaderName;
use jiff::Timestamp;

use super::{
    caller::{Admitted, Caller},
    meter::Meter,
    policy::{Access, Policy, Rate},
    problem::{Kind, Problem, kinds},
    standing::{refused, tell},
    throttle::Throttle,
};
use crate::{Env, StartError};

/// Counts the calls that come through the door.
pub(super) struct Gate {
    rates: Rates,
    meter: Meter,
    throttle: Throttle,
}

/// A call to count.
pub(super) struct Call<'a> {
    pub(super) policy: &'a Policy,
    pub(super) admitted: &'a Admitted,
    /// As the path says.
    pub(super) tenant: Option<&'a str>,
    pub(super) source_ip: &'a str,
    pub(super) now: Timestamp,
}

/// A call that was counted and goes on.
#[derive(Default)]
pub(super) struct Counted {
    standings: Vec<Standing>,
    /// What it counts as, if its token turns out to be none: window and caller that it was counted for, and the client.
    unproven: Option<(Window, String, String)>,
}

/// One limit of a call: its window, who is counted, and what to say of one too many.
type Limit = (Window, String, &'static Kind);

impl Gate {
    /// Only where a route is counted here, and not where the stage has no limits.
    pub(super) fn from_env(env: &Env, policies: &[&Policy]) -> Result<Option<Self>, StartError> {
        if !policies.iter().any(|policy| matches!(policy.rate, Rate::Signup | Rate::Status | Rate::General)) {
            return Ok(None);
        }
        let Some(rates) = env.rates()? else { return Ok(None) };
        Ok(Some(Self { rates, meter: Meter::from_env(env)?, throttle: Throttle::from_env(env)? }))
    }

    /// Counts the call by each limit; what was counted before one that refuses it is taken back.
    ///
    /// # Errors
    /// 429 where it is one too many; on exact routes 503 where it cannot be counted.
    pub(super) async fn count(&self, call: &Call<'_>) -> Result<Counted, Problem> {
        let client = ClientNetwork::of(call.source_ip).to_string();
        if call.policy.rate == Rate::Signup {
            let pass = self.throttle.count(&self.rates.signup, &client, call.now).await?;
            return Ok(Counted { standings: vec![pass.standing()], unproven: None });
        }
        let limits = limits(&self.rates, call, &client);
        let unproven = matches!(call.admitted.caller, Caller::StatusToken(_)) && call.policy.rate == Rate::Status;
        if unproven && let Some(standing) = self.meter.full(&self.rates.client, &client, call.now).await {
            return Err(refused(&kinds::TOO_MANY_REQUESTS, &standing, standing.more_at, call.now));
        }
        let mut standings = Vec::with_capacity(limits.len());
        for (place, (window, who, kind)) in limits.iter().enumerate() {
            match self.meter.count(window, who, call.now).await {
                Ok(standing) => standings.push(standing),
                Err(standing) => {
                    for (window, who, _) in &limits[..place] {
                        self.meter.take_back(window, who, call.now).await;
                    }
                    return Err(refused(kind, &standing, standing.more_at, call.now));
                }
            }
        }
        let counted = limits.into_iter().next().filter(|_| unproven);
        Ok(Counted { standings, unproven: counted.map(|(window, who, _)| (window, who, client)) })
    }

    /// Anybody can make a text up that costs a read to refuse, so keys that open nothing are limited: as many of a client as it
    /// has anonymous calls, and apart from those, so that its good keys need not wait for its other calls. Costs no call.
    ///
    /// # Errors
    /// 429 after too many of them.
    pub(super) async fn may_show_key(&self, source_ip: &str, now: Timestamp) -> Result<(), Problem> {
        match self.meter.full(&self.rates.client, &bad_keys(source_ip), now).await {
            Some(standing) => Err(refused(&kinds::TOO_MANY_REQUESTS, &standing, standing.more_at, now)),
            None => Ok(()),
        }
    }

    /// The key that the client showed opened nothing.
    pub(super) async fn refused_key(&self, source_ip: &str, now: Timestamp) {
        // The call has been answered; the next one will hear of it.
        let _one_too_many = self.meter.count(&self.rates.client, &bad_keys(source_ip), now).await;
    }

    /// A token that opens nothing was no caller's: the call is one of the client's anonymous calls. So guessing at tokens is
    /// limited, whatever they are.
    pub(super) async fn opened_nothing(&self, counted: &Counted, now: Timestamp) {
        if let Some((window, who, client)) = &counted.unproven {
            self.meter.take_back(window, who, now).await;
            // The call has been answered; the next one will hear of it.
            let _one_too_many = self.meter.count(&self.rates.client, client, now).await;
        }
    }
}

fn bad_keys(source_ip: &str) -> String {
    format!("keys {}", ClientNetwork::of(source_ip))
}

/// What counts the call, in the order in which it is asked.
fn limits(rates: &Rates, call: &Call<'_>, client: &str) -> Vec<Limit> {
    let limit = |window, who: String| (window, who, &kinds::TOO_MANY_REQUESTS);
    let tenant = call.tenant.unwrap_or_default();
    match (call.policy.rate, &call.admitted.caller) {
        (Rate::Status, Caller::Member(member)) => vec![limit(rates.status, format!("{tenant} {}", member.identity))],
        (Rate::Status, _) => vec![limit(rates.status, format!("{tenant} {client}"))],
        (Rate::General, Caller::Member(member)) => {
            let person = limit(rates.caller, member.identity.to_string());
            [person].into_iter().chain(plan(call.admitted)).collect()
        }
        (Rate::General, Caller::Service(service)) => {
            let own = service.calls_per_hour.map(|most| limit(Rates::api_key(most), service.key.to_string()));
            own.into_iter().chain(plan(call.admitted)).collect()
        }
        (Rate::General, Caller::Internal) => vec![limit(rates.caller, format!("internal {client}"))],
        (Rate::General, _) if call.policy.access == Access::Signature => {
            vec![limit(rates.caller, format!("deployer {client}"))]
        }
        (Rate::General, _) => vec![limit(rates.client, client.to_owned())],
        (Rate::Signup | Rate::Auth | Rate::Reset | Rate::Refresh | Rate::Unlimited(_), _) => Vec::new(),
    }
}

/// The calls of all people and keys of the tenant.
fn plan(admitted: &Admitted) -> Option<Limit> {
    let (tenant, plan) = admitted.caller.tenant().zip(admitted.plan)?;
    Some((Rates::plan(plan), tenant.to_string(), &kinds::PLAN_LIMIT_REACHED))
}

impl Counted {
    /// Adds how the caller stands to the headers of its answer.
    pub(super) fn tell(&self, headers: &mut Vec<(HeaderName, http::HeaderValue)>, now: Timestamp) {
        self.standings.iter().for_each(|standing| tell(headers, standing, now));
    }
}

#[cfg(test)]
mod tests;
