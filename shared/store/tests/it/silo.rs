//! A silo's table: made once, gone once, and the way to the data.

use domain::TenantId;
use store::{DataPath, TableState, silo_table_name};

use crate::stand_in::StandIn;

const KEY: &str = "arn:aws:kms:us-east-1:123456789012:key/0b7e4e0c-0000-4000-8000-000000000000";

#[tokio::test(flavor = "multi_thread")]
async fn a_table_is_made_once_and_deleted_once() {
    let world = StandIn::start().await;
    let tenant = TenantId::parse("tenant-demo-0123abcd").unwrap();
    let name = silo_table_name("innkeeper-dev", &tenant, 1);
    assert_eq!(name, "innkeeper-dev-tenant-demo-0123abcd-1");
    assert_eq!(world.store.silo_table(&name).await.unwrap(), TableState::Absent);
    for _ in 0..2 {
        world.store.create_silo_table(&name, &tenant, KEY).await.unwrap();
    }
    assert_eq!(world.store.silo_table(&name).await.unwrap(), TableState::Active);
    for _ in 0..2 {
        assert_eq!(world.store.delete_silo_table(&name).await.unwrap(), TableState::Absent);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_probe_goes_the_tenants_own_way_and_leaves_nothing() {
    let world = StandIn::start().await;
    let tenant = TenantId::parse("tenant-demo-0123abcd").unwrap();
    world.store.create_silo_table("own", &tenant, KEY).await.unwrap();
    world.store.probe(&tenant, DataPath::Pool, "n1").await.unwrap();
    world.store.probe(&tenant, DataPath::Silo("own"), "n2").await.unwrap();
    assert!(world.store.probe(&tenant, DataPath::Silo("missing"), "n3").await.is_err());
    assert!(world.dump("core").await.is_empty() && world.dump("own").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_cannot_do_it_is_an_error_that_no_retry_helps() {
    // The stand-in has no continuous backups.
    let world = StandIn::start().await;
    let refused = world.store.enable_recovery("core").await.unwrap_err();
    assert!(!refused.is_retryable(), "{refused:?}");
}
