//! R10: nothing of a tenant shows to another. Every id in every answer of tenant A is tried on every route by the owner of
//! tenant B, in every place of the path and of the body, and has to be answered as an id that does not exist: status,
//! headers, body, and the AWS calls that it takes.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};

use harvest::Harvest;
use http::{Method, Request};
use lambda::{
    Kind,
    http::{Policy, UNMATCHED},
};
use local::functions::all;
use serde_json::{Value, json};

use crate::{
    api::{Answer, Api, PASSWORD, Tenant, authorized, signup},
    callers::body,
    stored::Stored,
};

mod harvest;

/// Where an id of another tenant is answered otherwise than one that there is not, and why that is no leak.
const PUBLIC: [(&str, &str, &str); 2] = [
    ("/api/v1/subdomains/{name}", "name", "says whether a name is taken, for whoever signs up"),
    ("/api/v1/tenants", "subdomain", "refuses a name that is taken"),
];
/// How often the AWS calls may differ by what happens besides.
const TRIES: usize = 3;

/// Places that are tried in one session, so that no limit of calls is met.
const PLACES: usize = 10;

/// What a request is told, and what that took.
#[derive(Debug, PartialEq)]
struct Heard {
    status: u16,
    headers: BTreeMap<String, String>,
    body: String,
    calls: BTreeMap<String, u64>,
}

/// Where an id is put.
#[derive(Clone, Copy)]
struct Place<'a> {
    policy: &'static Policy,
    function: &'static str,
    /// A parameter of the path, or a field of the body.
    name: &'a str,
    in_body: bool,
}

impl Place<'_> {
    fn is_public(&self) -> bool {
        PUBLIC.iter().any(|(path, name, _)| (self.policy.path, self.name) == (*path, *name))
    }
}

/// One place, while ids are tried there.
struct Trial<'a> {
    place: Place<'a>,
    token: &'a str,
    /// To go back to after every call.
    stored: &'a Stored,
    /// What is heard of ids that there are not, by their form.
    missing: BTreeMap<String, Heard>,
}

struct World {
    api: Api,
    a: Harvest,
    /// Texts of A's answers that are in none of B's.
    secrets: BTreeSet<String>,
    b: Tenant,
    calls: std::cell::Cell<u32>,
}

/// Every route that has a path of its own.
fn routes() -> impl Iterator<Item = &'static Policy> {
    served().map(|(policy, _)| policy)
}

fn served() -> impl Iterator<Item = (&'static Policy, &'static str)> {
    let policies = all().filter_map(|function| match &function.kind {
        Kind::Http(served) => Some(served.policies.iter().map(|policy| (*policy, function.name))),
        _ => None,
    });
    policies.flatten().filter(|(policy, _)| policy.path != UNMATCHED && policy.method != Method::OPTIONS)
}

/// The names of a path's parameters.
fn params(path: &'static str) -> impl Iterator<Item = &'static str> {
    path.split('/').filter_map(|part| Some(part.strip_prefix('{')?.trim_end_matches('}').trim_end_matches('+')))
}

/// A path with a value for a parameter.
fn fill(path: &str, param: &str, value: &str) -> String {
    path.replace(&format!("{{{param}}}"), &value.replace('/', "%2F")).replace(&format!("{{{param}+}}"), value)
}

/// Another id of the same form: its last part, with other digits and letters.
fn twin(id: &str) -> String {
    let start = id.rfind(['_', '-', '/']).map_or(0, |at| at + 1);
    let turned = id[start..].chars().map(|c| match c {
        '9' => '0',
        'f' => 'a',
        'z' => 'g',
        '0'..='8' | 'a'..='e' | 'g'..='y' => char::from(c as u8 + 1),
        other => other,
    });
    format!("{}{}", &id[..start], turned.collect::<String>())
}

/// What an id looks like: what stands before its last part, and its length. Of a tenant's, the name is such a part.
fn form(id: &str) -> String {
    let kind = id.split(['_', '-', '/']).next().unwrap_or_default();
    format!("{kind} {}", id.len())
}

/// Without what differs from call to call: times, random ids, and the id itself.
fn plain(text: &str, id: &str) -> String {
    let mut plain = String::new();
    for word in text.replace(id, "[id]").split_inclusive(|c: char| !(c.is_alphanumeric() || ":-_.".contains(c))) {
        let (bare, rest) = word.split_at(word.trim_end_matches(|c: char| !(c.is_alphanumeric() || c == '_')).len());
        let random = bare.len() >= 16 && bare.bytes().filter(u8::is_ascii_digit).count() >= 3;
        let time = bare.parse::<jiff::Timestamp>().is_ok();
        plain += if time || random { "[…]" } else { bare };
        plain += rest;
    }
    plain
}

impl World {
    async fn open() -> Self {
        let api = Api::open().await;
        let mut quiet = signup("quiet-harbour");
        quiet["company_name"] = json!("Quiet Harbour Ltd");
        quiet["plan"] = json!("professional");
        // By B's name, no signup of `body` is accepted.
        let (a, b) = tokio::join!(api.sign_up_as("quiet-harbour", &quiet), api.sign_up("own"));
        api.activate(&a).await;
        api.activate(&b).await;
        let (owner, other) = (api.log_in(&a).await, api.log_in(&b).await);
        let made = furnish(&api, &a, &owner).await;
        let mut harvest = Harvest::of(&api, &a, &owner).await;
        made.iter().for_each(|answer| harvest.add(answer));
        let theirs = Harvest::of(&api, &b, &other).await.texts;
        // Not the words that the API itself has.
        let own = |text: &str| text.contains(|c: char| c.is_ascii_digit() || "@ -/".contains(c));
        let told = |text: &&String| text.len() >= 8 && own(text) && text.parse::<jiff::Timestamp>().is_err();
        let secrets = harvest.texts.difference(&theirs).filter(told).cloned().collect();
        Self { api, a: harvest, secrets, b, calls: Default::default() }
    }

    /// The answer; and all that was said to get it.
    async fn call(&self, place: Place<'_>, token: &str, id: &str) -> (Answer, String) {
        let Place { policy, name, in_body, .. } = place;
        let mut path = policy.path.to_owned();
        for param in params(policy.path) {
            // Beside A's tenant stand A's other ids, beside those B's own tenant.
            let beside = match param {
                "tenant_id" => self.b.id.as_str(),
                param => self.a.called(param).next().unwrap_or("00000000"),
            };
            path = fill(&path, param, if param == name && !in_body { id } else { beside });
        }
        let mut body = body(policy.method.as_str(), policy.path);
        if in_body {
            body[name] = json!(id);
        }
        let said = format!("{path} {body} {id}");
        let request = authorized(Request::builder().method(policy.method.clone()).uri(path), token);
        self.calls.set(self.calls.get() + 1);
        let from = IpAddr::V4(Ipv4Addr::from_bits(0x0A00_0000 + self.calls.get()));
        let answer = match body {
            Value::Null => self.api.send_from(from, request, "").await,
            body => {
                let request = request.header("content-type", "application/json");
                self.api.send_from(from, request, body.to_string()).await
            }
        };
        (answer, said)
    }

    async fn heard(&self, trial: &Trial<'_>, id: &str) -> Heard {
        let Trial { place, token, stored, .. } = trial;
        let before = self.api.stack.gateway.counters().snapshot();
        let (answer, said) = self.call(*place, token, id).await;
        let calls = self.api.stack.gateway.counters().snapshot().since(&before);
        if answer.status < 400 && place.policy.method != Method::GET {
            stored.set_back(&self.api);
        }
        let text = String::from_utf8_lossy(&answer.body);
        let leaked =
            self.secrets.iter().find(|secret| text.contains(secret.as_str()) && !said.contains(secret.as_str()));
        assert_eq!(leaked, None, "{} with {id} as {}: {text}", answer.call, place.name);
        let mut body: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
        if body.get("request_id").is_some() {
            body["request_id"] = Value::Null;
        }
        let varies = ["x-request-id", "apigw-requestid", "date", "content-length", "ratelimit"];
        let headers = answer.headers.iter().filter(|(name, _)| !varies.contains(&name.as_str()));
        let headers = headers.map(|(name, value)| (name.to_string(), plain(value.to_str().unwrap(), id))).collect();
        let calls = calls.lines().filter(|line| line.0 == place.function);
        let calls = calls.map(|(_, service, action, count)| (format!("{service} {action}"), count.calls)).collect();
        Heard { status: answer.status, headers, body: plain(&body.to_string(), id), calls }
    }

    /// What tells this id from one that there is not, if anything does.
    async fn told_apart(&self, trial: &mut Trial<'_>, id: &str) -> Option<String> {
        let twin = twin(id);
        let missing = match trial.missing.remove(&form(id)) {
            Some(missing) => missing,
            None => self.heard(trial, &twin).await,
        };
        let mut pair = (missing, self.heard(trial, id).await);
        for _ in 1..TRIES {
            if pair.0 == pair.1 {
                trial.missing.insert(form(id), pair.0);
                return None;
            }
            // By something that happened besides, perhaps.
            pair = (self.heard(trial, &twin).await, self.heard(trial, id).await);
        }
        let Policy { method, path, .. } = trial.place.policy;
        Some(format!("{method} {path} with {id} as {}:\n    {:?}\n    {:?}", trial.place.name, pair.0, pair.1))
    }

    /// Every place for an id, with the ids that are tried there.
    fn places(&self) -> Vec<(Place<'_>, Vec<&str>)> {
        let mut places = Vec::new();
        for (policy, function) in served() {
            for name in params(policy.path) {
                places.push((Place { policy, function, name, in_body: false }, self.a.ids().collect()));
            }
            if let Value::Object(fields) = body(policy.method.as_str(), policy.path) {
                for name in fields.into_iter().filter(|(_, value)| value.is_string()).map(|(name, _)| name) {
                    let place = Place { policy, function, name: name.leak(), in_body: true };
                    places.push((place, self.a.one_of_each().into_values().collect()));
                }
            }
        }
        places
    }
}

/// One of everything that has an id.
async fn furnish(api: &Api, tenant: &Tenant, owner: &str) -> Vec<Answer> {
    let path = |rest: &str| format!("/api/v1/tenants/{}/{rest}", tenant.id);
    let calls = [
        (Method::PUT, "/api/v1/vault/harbour/pilot-3".to_owned(), json!({"value": "a value"})),
        (Method::POST, path("api-keys"), json!({"name": "pilots", "scopes": ["member.read"]})),
        (
            Method::POST,
            path("webhooks"),
            json!({"url": "https://hooks.harbour.example/", "events": ["secret.rotated"]}),
        ),
        (Method::POST, path("invitations"), json!({"email": "mary@harbour.example", "role": "agent"})),
        (Method::POST, path("invitations"), json!({"email": "grace@harbour.example", "role": "manager"})),
    ];
    let mut answers = Vec::new();
    for (method, path, body) in calls {
        let request = Request::builder().method(method).uri(path).header("content-type", "application/json");
        let answer = api.send(authorized(request, owner), body.to_string()).await;
        assert!(answer.status < 300, "{}: {}", answer.call, String::from_utf8_lossy(&answer.body));
        answers.push(answer);
    }
    let mails = api.stack.mailbox.mails();
    let mail = mails.iter().find(|mail| mail.to == "grace@harbour.example").unwrap();
    let token = mail.text.split("token=").nth(1).unwrap().split_whitespace().next().unwrap();
    let body = json!({"token": token, "password": PASSWORD, "name": "Grace Hopper"});
    answers.push(api.post("/api/v1/auth/accept-invitation", &body).await);
    answers
}

#[tokio::test]
async fn r10_no_id_of_another_tenant_is_told_from_one_that_there_is_not() {
    let world = World::open().await;
    for prefix in ["tenant-", "usr_", "ses_", "inv_", "key_", "whk_", "harbour/pilot-3"] {
        assert!(
            world.a.ids().any(|id| id.starts_with(prefix)),
            "no {prefix} among {:?}",
            world.a.ids().collect::<Vec<_>>()
        );
    }
    let mut apart = Vec::new();
    let (public, places): (Vec<_>, Vec<_>) = world.places().into_iter().partition(|(place, _)| place.is_public());
    for some in places.chunks(PLACES) {
        let token = world.api.log_in(&world.b).await;
        let stored = Stored::of(&world.api);
        for (place, ids) in some {
            let mut trial = Trial { place: *place, token: &token, stored: &stored, missing: BTreeMap::new() };
            for id in ids {
                apart.extend(world.told_apart(&mut trial, id).await);
            }
        }
    }
    // And what can be told apart is.
    let stored = Stored::of(&world.api);
    for (place, _) in public {
        let mut trial = Trial { place, token: "", stored: &stored, missing: BTreeMap::new() };
        assert!(world.told_apart(&mut trial, "quiet-harbour").await.is_some(), "{} is not public", place.policy.path);
    }
    assert!(apart.is_empty(), "{} calls; told apart:\n  {}", world.calls.get(), apart.join("\n  "));
}

#[test]
fn a_twin_has_the_same_form_and_is_another() {
    for (id, other) in [
        ("tenant-demo-0f9e1d2c", "tenant-demo-1a0f2e3d"),
        ("usr_0a9f", "usr_1b0a"),
        ("harbour/pilot-3", "harbour/pilot-4"),
        ("quiz", "rvjg"),
    ] {
        assert_eq!(twin(id), other);
    }
}
