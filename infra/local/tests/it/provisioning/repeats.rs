//! Every event delivered again, at once and out of turn.

use super::{deployed, pool, silo};
use crate::{
    deployer::Manner,
    harness::{Deliver, prove},
};

#[test]
fn r04_a_tenant_in_the_pool_is_provisioned_and_late_events_change_nothing() {
    prove::success(pool).conclude("pool");
}

#[test]
fn r04_a_silo_tenant_is_provisioned_and_late_events_change_nothing() {
    prove::success(silo).conclude("silo");
}

#[test]
fn r04_a_deployed_tenant_is_provisioned_and_late_events_change_nothing() {
    prove::success(|| deployed(Manner::AtOnce)).conclude("deployed");
}

#[test]
fn r05_a_step_delivered_twice_works_once() {
    prove::deliveries(pool, Deliver::Twice).conclude("pool");
    prove::deliveries(silo, Deliver::Twice).conclude("silo");
    prove::deliveries(|| deployed(Manner::AtOnce), Deliver::Twice).conclude("deployed");
}

#[test]
fn r05_a_step_delivered_twice_at_once_works_once() {
    prove::deliveries(pool, Deliver::AtOnce).conclude("pool");
    prove::deliveries(silo, Deliver::AtOnce).conclude("silo");
    prove::deliveries(|| deployed(Manner::AtOnce), Deliver::AtOnce).conclude("deployed");
}

#[test]
fn r05_a_step_before_its_turn_is_refused() {
    prove::deliveries(pool, Deliver::OutOfTurn).conclude("pool");
    prove::deliveries(silo, Deliver::OutOfTurn).conclude("silo");
    prove::deliveries(|| deployed(Manner::AtOnce), Deliver::OutOfTurn).conclude("deployed");
}
