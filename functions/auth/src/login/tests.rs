//! Who gets in, what everybody else hears, and what each costs.

use domain::{ContextWords, Password, PersonName, Role, Subdomain};
use http::{HeaderMap, Response, StatusCode};
use lambda_http::Body;
use serde_json::{Value, json};
use store::{Identity, LoginView, MembershipPointer, PasswordHash};
use testkit::SeededEntropy;

use std::sync::{Arc, Mutex};

use super::*;
use crate::{
    LOGIN,
    credentials::choose,
    stand_in::{MADE_UP, StandIn, call, json_of},
};

const PASSWORD: &str = "correct horse battery";
const AT: &str = "2026-01-01T00:00:00Z";

fn hasher() -> Hasher {
    Hasher::new(&SeededEntropy::new(1))
}

async fn hash() -> PasswordHash {
    let password = Password::parse(PASSWORD, &ContextWords::new()).unwrap();
    hasher().hash(password, &SeededEntropy::new(2)).await.unwrap()
}

fn tenant(subdomain: &str) -> TenantId {
    TenantId::new(&Subdomain::parse(subdomain).unwrap(), &SeededEntropy::new(3))
}

fn pointer(subdomain: &str) -> MembershipPointer {
    MembershipPointer { tenant_id: tenant(subdomain), role: Role::Owner, attempt: 1 }
}

fn person(password_phc: Option<PasswordHash>) -> LoginView {
    let identity = Identity {
        identity_id: IdentityId::new(&SeededEntropy::new(4)),
        email: EmailAddress::parse("admin@demo.com").unwrap(),
        name: PersonName::parse("Demo Admin").unwrap(),
        email_verified: password_phc.is_some(),
        password_phc,
        memberships: 1,
        made_by: None,
        created_at: AT.parse().unwrap(),
    };
    LoginView { identity, memberships: vec![pointer("demo")], platform: None, second_factor: false, temporary: None }
}

#[tokio::test]
async fn one_hash_is_computed_whoever_signs_in() {
    let hasher = hasher();
    let known = || async { Some(person(Some(hash().await))) };
    let cases = [
        (None, PASSWORD, Some(Refusal::UnknownAccount)),
        (Some(person(None)), PASSWORD, Some(Refusal::NotActivated)),
        (known().await, "wrong horse battery", Some(Refusal::WrongPassword)),
        (known().await, PASSWORD, None),
    ];
    for (found, typed, refused) in cases {
        let before = hasher.computed();
        let outcome =
            authenticate(&hasher, found, PasswordAttempt::parse(typed).unwrap(), &SeededEntropy::new(5)).await;
        assert_eq!(hasher.computed() - before, 1, "{refused:?}");
        match outcome {
            Ok(_) => assert_eq!(refused, None),
            Err(Error::Refused(why)) => assert_eq!(refused, Some(why)),
            Err(other) => panic!("{other}"),
        }
    }
}

#[test]
fn a_tenant_is_chosen_by_id_or_name_or_because_it_is_the_only_one() {
    let (one, two) = ([pointer("demo")], [pointer("demo"), pointer("other")]);
    let chosen = |memberships: &[MembershipPointer], named: Option<&str>| match choose(memberships, named) {
        Ok(chosen) => Ok(chosen.tenant_id.clone()),
        Err(error) => Err(Problem::from(error).code()),
    };
    let (demo, other) = (tenant("demo"), tenant("other"));
    assert_eq!(chosen(&one, None), Ok(demo.clone()));
    assert_eq!(chosen(&two, Some("other")), Ok(other.clone()));
    assert_eq!(chosen(&two, Some(other.as_str())), Ok(other));
    assert_eq!(chosen(&two, None), Err("invalid_fields"));
    for (memberships, named) in
        [(&one[..], Some("other")), (&one, Some("")), (&one, Some("DEMO")), (&[], None), (&[], Some("demo"))]
    {
        assert_eq!(chosen(memberships, named), Err("invalid_credentials"), "{named:?}");
    }
}

/// What the store holds about one person.
#[derive(Clone)]
struct World {
    phc: Option<PasswordHash>,
    tenants: Vec<&'static str>,
    membership: &'static str,
    tenant_status: &'static str,
    /// Signing keys that the function has published.
    published: Arc<Mutex<Vec<Value>>>,
}

fn text(value: impl ToString) -> Value {
    json!({"S": value.to_string()})
}

impl World {
    async fn usual() -> Self {
        Self {
            phc: Some(hash().await),
            tenants: vec!["demo"],
            membership: "active",
            tenant_status: "READY",
            published: Arc::default(),
        }
    }

    fn identity(&self) -> Value {
        let person = person(None).identity;
        let mut item = json!({
            "pk": text(format!("ID#{}", person.identity_id)), "sk": text("IDENTITY"), "identity_id": text(&person.identity_id),
            "email": text(&person.email), "name": text(&person.name), "email_verified": {"BOOL": true},
            "memberships": {"N": "1"}, "created_at": text(AT),
        });
        if let Some(phc) = &self.phc {
            item["password_phc"] = text(phc.expose());
        }
        item
    }

    fn pointers(&self) -> impl Iterator<Item = Value> {
        self.tenants.iter().map(|name| {
            let id = tenant(name);
            json!({"pk": text("ID#…"), "sk": text(format!("TENANT#{id}")), "tenant_id": text(&id), "role": text("owner"), "attempt": {"N": "1"}})
        })
    }

    fn admission(&self, request: &Value) -> Value {
        let keys = request["RequestItems"]["core"]["Keys"].as_array().unwrap();
        let sk = |prefix: &str| {
            keys.iter().map(|key| &key["sk"]).find(|sk| sk["S"].as_str().unwrap().starts_with(prefix)).unwrap()
        };
        json!({"Responses": {"core": [
            {"sk": sk("MEMBER#"), "role": text("owner"), "status": text(self.membership)},
            {"sk": sk("TENANT"), "plan": text("starter"), "provisioning": {"M": {"status": text(self.tenant_status)}}},
        ]}, "UnprocessedKeys": {}})
    }

    fn answer(&self, action: &str, request: &Value) -> Value {
        let asks_for = |needle: &str| request.to_string().contains(needle);
        match action {
            "GetSecretValue" if asks_for("bootstrap-admin") => {
                let admin = json!({"email": "root@demo.com", "password": MADE_UP}).to_string();
                json!({"ARN": "arn:b", "Name": "bootstrap-admin", "VersionId": "v1", "SecretString": admin})
            }
            "GetSecretValue" => {
                let ring = json!({"initial": format!("V{MADE_UP}")}).to_string();
                json!({"ARN": "arn:s", "Name": "signing-keys", "VersionId": "v1", "SecretString": ring})
            }
            "GetItem" if asks_for("EMAIL#admin@demo.com") => {
                json!({"Item": {"pk": text("EMAIL#…"), "sk": text("CLAIM"), "identity_id": text(person(None).identity.identity_id)}})
            }
            "Query" if asks_for(&format!("ID#{}", person(None).identity.identity_id)) => {
                let items: Vec<Value> = std::iter::once(self.identity()).chain(self.pointers()).collect();
                json!({"Items": items})
            }
            "TransactWriteItems" if asks_for("PLATFORM#SIGNING") => {
                let writes = request["TransactItems"].as_array().unwrap().iter();
                let keys =
                    writes.map(|write| &write["Put"]["Item"]).filter(|item| item["pk"] == text("PLATFORM#SIGNING"));
                self.published.lock().unwrap().extend(keys.cloned());
                json!({})
            }
            "Query" if asks_for("ID#usr_") => json!({"Items": []}),
            "Query" => json!({"Items": *self.published.lock().unwrap()}),
            "BatchGetItem" => self.admission(request),
            _ => json!({}),
        }
    }

    fn aws(self) -> StandIn {
        StandIn::new(move |action, request| self.answer(action, request))
    }
}

async fn login(aws: &StandIn, body: Value) -> (Response<Body>, Vec<(String, Value)>) {
    let mut service = aws.start(&LOGIN).await;
    aws.calls();
    let answer =
        call(&mut service, Method::POST, "/api/v1/auth/login", json!({"user-agent": "curl/8"}), Some(body)).await;
    (answer, aws.calls())
}

fn names(calls: &[(String, Value)]) -> Vec<&str> {
    calls.iter().map(|(action, _)| action.as_str()).collect()
}

#[tokio::test]
async fn the_first_key_is_published_before_the_function_serves() {
    let aws = World::usual().await.aws();
    aws.start(&LOGIN).await;
    let calls = aws.calls();
    assert_eq!(names(&calls)[..3], ["GetSecretValue", "Query", "TransactWriteItems"]);
    assert!(calls[2].1.to_string().contains("PLATFORM#SIGNING"));
}

#[tokio::test]
async fn the_password_opens_the_door_for_three_reads_one_transaction_and_two_counts() {
    let (answer, calls) =
        login(&World::usual().await.aws(), json!({"email": "Admin@Demo.com", "password": PASSWORD})).await;
    assert_eq!(answer.status(), StatusCode::OK, "{}", json_of(&answer));
    assert_eq!(answer.headers()["cache-control"], "no-store");
    let body = json_of(&answer);
    assert_eq!(
        (&body["token_type"], &body["expires_in"], &body["tenant_id"]),
        (&json!("Bearer"), &json!(900), &json!(tenant("demo")))
    );
    assert_eq!(body["access_token"].as_str().unwrap().split('.').count(), 3);
    assert_eq!(names(&calls), ["UpdateItem", "GetItem", "Query", "BatchGetItem", "TransactWriteItems", "UpdateItem"]);
    let writes = calls[4].1["TransactItems"].as_array().unwrap();
    let condition = writes[0]["Update"]["ConditionExpression"].as_str().unwrap();
    assert!(condition.starts_with("password_phc = :matched AND "), "{condition}");
    assert_eq!((&writes[1]["Put"]["TableName"], &writes[3]["Put"]["TableName"]), (&json!("core"), &json!("audit")));
    let membership = &writes[2]["Update"];
    assert_eq!((writes.len(), &membership["ConditionExpression"]), (4, &json!("#status = :active")));
    assert!(membership["Key"]["sk"]["S"].as_str().unwrap().starts_with("MEMBER#"));
    let session = &writes[1]["Put"]["Item"];
    // 2026-01-08T00:00:00Z.
    assert_eq!(
        (&session["expires_at"], &session["client"], &session["source_ip"]),
        (&json!({"N": "1767830400"}), &text("curl/8"), &text("192.0.2.1"))
    );
    assert!(!calls[4].1.to_string().contains(body["access_token"].as_str().unwrap()));
}

#[tokio::test]
async fn whoever_may_not_come_in_hears_the_same() {
    let usual = World::usual().await;
    let right = json!({"email": "admin@demo.com", "password": PASSWORD});
    let wrong = json!({"email": "admin@demo.com", "password": "wrong horse battery"});
    let cases = [
        ("unknown account", usual.clone(), json!({"email": "nobody@demo.com", "password": PASSWORD}), 2),
        ("wrong password", usual.clone(), wrong.clone(), 2),
        ("not activated", World { phc: None, ..usual.clone() }, right.clone(), 2),
        ("no membership", World { tenants: vec![], ..usual.clone() }, right.clone(), 2),
        (
            "another tenant",
            usual.clone(),
            json!({"email": "admin@demo.com", "password": PASSWORD, "tenant": "other"}),
            2,
        ),
        (
            "wrong password, several tenants",
            World { tenants: vec!["demo", "other"], ..usual.clone() },
            wrong.clone(),
            2,
        ),
        ("wrong password, suspended tenant", World { tenant_status: "SUSPENDED", ..usual.clone() }, wrong, 2),
        ("suspended tenant", World { tenant_status: "SUSPENDED", ..usual.clone() }, right.clone(), 3),
        ("disabled membership", World { membership: "disabled", ..usual }, right, 3),
    ];
    let mut first: Option<(HeaderMap, Value)> = None;
    for (case, world, body, reads) in cases {
        let (answer, calls) = login(&world.aws(), body).await;
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{case}");
        assert_eq!(names(&calls)[..3], ["UpdateItem", "GetItem", "Query"], "{case}");
        assert_eq!(calls.len(), 1 + reads, "{case}: {:?}", names(&calls));
        assert!(names(&calls).iter().all(|action| *action != "TransactWriteItems"), "{case}");
        let heard = (answer.headers().clone(), json_of(&answer));
        assert_eq!(first.get_or_insert_with(|| heard.clone()), &heard, "{case}");
    }
}

#[tokio::test]
async fn only_the_one_with_the_password_is_asked_which_tenant() {
    let world = World { tenants: vec!["demo", "other"], ..World::usual().await };
    let (answer, _) = login(&world.clone().aws(), json!({"email": "admin@demo.com", "password": PASSWORD})).await;
    assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let error = &json_of(&answer)["errors"][0];
    assert_eq!((&error["pointer"], &error["code"]), (&json!("/tenant"), &json!("required")));
    assert!(error["detail"].as_str().unwrap().contains(tenant("other").as_str()));
    let (answer, _) =
        login(&world.aws(), json!({"email": "admin@demo.com", "password": PASSWORD, "tenant": "other"})).await;
    assert_eq!(json_of(&answer)["tenant_id"], json!(tenant("other")));
}

#[tokio::test]
async fn what_cannot_be_typed_is_refused_for_anybody_without_a_read() {
    let aws = World::usual().await.aws();
    let long = "x".repeat(129);
    for body in [
        json!({}),
        json!({"email": "admin@demo.com"}),
        json!({"email": "admin", "password": PASSWORD}),
        json!({"email": "admin@demo.com", "password": long}),
        json!({"email": "admin@demo.com", "password": 1}),
        json!({"email": "admin@demo.com", "password": PASSWORD, "role": "super_admin"}),
    ] {
        let (answer, calls) = login(&aws, body.clone()).await;
        assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY, "{body}");
        assert!(calls.is_empty(), "{body}");
    }
}
