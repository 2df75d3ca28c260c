//! The largest tenant there can be still costs half a read unit.

use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity};
use domain::{
    Action, CompanyName, CorrelationId, EmailAddress, Failure, PersonName, Provisioning, Region, Signup, Step,
};
use store::{NewTenant, Proof, Retried};

use crate::stand_in::{Item, NOW, StandIn, named};

/// As AWS counts: names and text in UTF-8, numbers two digits to a byte and one more, a byte per element and three per
/// list or map.
fn size(item: &Item) -> usize {
    item.iter().map(|(name, value)| name.len() + value_size(value)).sum()
}

fn value_size(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::N(digits) => digits.len().div_ceil(2) + 1,
        AttributeValue::B(bytes) => bytes.as_ref().len(),
        AttributeValue::Bool(_) | AttributeValue::Null(_) => 1,
        AttributeValue::L(list) => 3 + list.iter().map(|value| 1 + value_size(value)).sum::<usize>(),
        AttributeValue::M(map) => 3 + map.iter().map(|(name, value)| 1 + name.len() + value_size(value)).sum::<usize>(),
        other => panic!("not stored: {other:?}"),
    }
}

fn long() -> CorrelationId {
    CorrelationId::parse(&"c".repeat(64)).unwrap()
}

/// Three attempts that fail as late and as wordily as they can, each by a request of its own.
fn wordy() -> Provisioning {
    let words = "\u{1F3E8}".repeat(80);
    let mut record = Provisioning::requested(long(), NOW);
    for letter in ["a", "b", "d"] {
        let attempt = record.attempt();
        for step in Step::ALL.iter().copied().take_while(|step| *step != Step::Activate) {
            for _ in 0..3 {
                record = record.begin(step, attempt, NOW).unwrap();
            }
            record = record.succeed(step, attempt, NOW).unwrap();
        }
        record = record.begin(Step::Activate, attempt, NOW).unwrap();
        for step in Step::ALL.iter().copied().filter(|step| step.has_undo()) {
            record = record.orphaned(step, attempt, &words, NOW).unwrap();
        }
        record = record.fail(attempt, Failure::new(&"x".repeat(64), Step::Activate, &words, true), NOW).unwrap();
        if letter != "d" {
            record = record.retry(CorrelationId::parse(&letter.repeat(64)).unwrap(), NOW).unwrap();
        }
    }
    record
}

#[tokio::test(flavor = "multi_thread")]
async fn the_largest_tenant_costs_half_a_read_unit() {
    let world = StandIn::start().await;
    let signup = Signup {
        company_name: CompanyName::parse(&"\u{1F3E8}".repeat(100)).unwrap(),
        admin_name: PersonName::parse(&"\u{1F3E8}".repeat(80)).unwrap(),
        admin_email: EmailAddress::parse(&format!(
            "{}@{}.{}.{}.example",
            "a".repeat(64),
            "b".repeat(60),
            "c".repeat(60),
            "d".repeat(59)
        ))
        .unwrap(),
        region: Region::parse(&format!("{}-east-1", "r".repeat(25))).unwrap(),
        ..named(&"n".repeat(30))
    };
    let new = NewTenant { provisioning: wordy(), ..world.new_tenant(signup) };
    let (id, token) = (new.tenant_id.clone(), new.status_token.clone());
    world.store.signup(new, None, world.audit(Action::TenantRequested)).await.unwrap();
    let stored = world.dump("core").await.into_iter().find(|item| item["sk"].as_s().unwrap() == "TENANT").unwrap();
    println!("largest tenant: {} bytes", size(&stored));
    assert!(size(&stored) < 4_096, "{} bytes", size(&stored));

    let get = world.client.get_item().table_name("core").return_consumed_capacity(ReturnConsumedCapacity::Total);
    let get = get.key("pk", stored["pk"].clone()).key("sk", stored["sk"].clone()).send().await.unwrap();
    assert_eq!(get.consumed_capacity.unwrap().capacity_units, Some(0.5));
    assert!(world.store.status_view(&id, &Proof::StatusToken(token)).await.unwrap().is_some());
    let retried = world.store.retry(&id, &world.request(), world.audit(Action::TenantRetried)).await.unwrap();
    assert!(matches!(retried, Retried::Requested { attempt: 4 }));
}
