//! What each route costs, as its file says: calls, and the units that DynamoDB would bill.

use http::Method;
use local::aws::counters::Usage;
use serde_json::json;

use crate::house::House;

const PHONE: &str = "Lanterns/1.0 (phone)";

fn lines(usage: &Usage) -> Vec<String> {
    usage.to_string().lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn a_refresh_is_one_read_and_one_transaction_a_repeat_one_read_a_forgery_nothing() {
    let house = House::open().await;
    let warm = house.log_in(PHONE).await;
    house.refresh(&warm).await;

    let device = house.log_in(PHONE).await;
    let (_, used) = house.spent(house.refresh(&device)).await;
    assert_eq!(
        lines(&used),
        ["auth-refresh dynamodb:BatchGetItem x1 4r 0w", "auth-refresh dynamodb:TransactWriteItems x1 0r 4w"]
    );
    let (_, repeated) = house.spent(house.refresh(&device)).await;
    assert_eq!(lines(&repeated), ["auth-refresh dynamodb:BatchGetItem x1 4r 0w"]);
    let mut forged = device.refresh.clone();
    forged.replace_range(
        forged.len() - 5..forged.len() - 4,
        if forged.as_bytes()[forged.len() - 5] == b'x' { "y" } else { "x" },
    );
    for token in [forged.as_str(), "", "ink_rt_", "ink_rt_a.0.b.c.d.e"] {
        let (answer, nothing) = house.spent(house.present(PHONE, token)).await;
        answer.problem(401, "invalid_refresh_token");
        assert_eq!(lines(&nothing), Vec::<String>::new(), "{token}");
    }
}

#[tokio::test]
async fn what_ends_sessions_costs_the_doors_read_and_one_transaction() {
    let house = House::open().await;
    let devices = [house.log_in(PHONE).await, house.log_in(PHONE).await, house.log_in(PHONE).await];
    let here = &devices[0];
    let call = async |method, path: &str, body| house.call(here, method, path, body).await;
    call(Method::GET, "/api/v1/auth/sessions", None).await.expect(200);
    let other = house.whoami(&devices[1]).await.expect(200)["session_id"].as_str().unwrap().to_owned();

    let (_, listed) = house.spent(call(Method::GET, "/api/v1/auth/sessions", None)).await;
    assert_eq!(
        lines(&listed),
        ["auth-sessions dynamodb:BatchGetItem x1 4r 0w", "auth-sessions dynamodb:Query x1 1r 0w"]
    );
    let (_, revoked) = house.spent(call(Method::DELETE, &format!("/api/v1/auth/sessions/{other}"), None)).await;
    assert_eq!(
        lines(&revoked),
        ["auth-sessions dynamodb:BatchGetItem x1 4r 0w", "auth-sessions dynamodb:TransactWriteItems x1 0r 4w"]
    );
    let (_, others) = house.spent(call(Method::POST, "/api/v1/auth/sessions/revoke-others", None)).await;
    assert_eq!(
        lines(&others),
        [
            "auth-sessions dynamodb:BatchGetItem x1 4r 0w",
            "auth-sessions dynamodb:Query x1 1r 0w",
            "auth-sessions dynamodb:TransactWriteItems x1 0r 4w"
        ]
    );
    let to = json!({"tenant": house.tenant});
    call(Method::POST, "/api/v1/auth/switch-tenant", Some(to.clone())).await.expect(200);
    let (_, switched) = house.spent(call(Method::POST, "/api/v1/auth/switch-tenant", Some(to))).await;
    assert_eq!(
        lines(&switched),
        [
            "auth-switch-tenant dynamodb:BatchGetItem x2 8r 0w",
            "auth-switch-tenant dynamodb:Query x1 1r 0w",
            "auth-switch-tenant dynamodb:TransactWriteItems x1 0r 6w"
        ]
    );
    let (_, out) = house.spent(call(Method::POST, "/api/v1/auth/logout", None)).await;
    assert_eq!(
        lines(&out),
        ["auth-sessions dynamodb:BatchGetItem x1 4r 0w", "auth-sessions dynamodb:TransactWriteItems x1 0r 4w"]
    );
}
