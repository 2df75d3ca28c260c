//! R19, R31: the operational routes know every schedule and state machine of the template, and tell what they do.

use http::Request;
use jiff::{SignedDuration, Timestamp};
use lambda::Kind;
use local::{aws::faults::Rule, functions::all};
use serde_json::{Value, json};

use crate::{
    api::{Answer, Api, signup},
    routes::template,
};

async fn ask(api: &Api, path: &str) -> Value {
    told(api, path).await.expect(200)
}

async fn told(api: &Api, path: &str) -> Answer {
    let value = api.stack.secrets.run("GetSecretValue", json!({"SecretId": "innkeeper/local/internal-secret"})).await;
    let value: Value = serde_json::from_str(value.unwrap()["SecretString"].as_str().unwrap()).unwrap();
    let request = Request::get(path).header("x-internal-secret", value["current"].as_str().unwrap());
    api.send(request, "").await
}

/// Seconds between two runs of `rate(N unit)`.
fn period(expression: &str) -> u64 {
    let (number, unit) = expression.trim_start_matches("rate(").trim_end_matches(')').split_once(' ').unwrap();
    let unit = match unit.trim_end_matches('s') {
        "minute" => 60,
        "hour" => 60 * 60,
        "day" => 24 * 60 * 60,
        other => panic!("{other} in {expression}"),
    };
    number.parse::<u64>().unwrap() * unit
}

#[test]
fn r19_the_operational_routes_know_every_schedule_and_machine_of_the_template() {
    let stack = template();
    let mut periods: Vec<u64> =
        stack.functions.iter().flat_map(|f| &f.schedules).map(|schedule| period(&schedule.expression)).collect();
    let mut machines: Vec<&str> = stack.machines.iter().map(|machine| machine.arn.as_str()).collect();
    periods.sort_unstable();
    machines.sort_unstable();
    for function in ["platform-jobs", "platform-health-details"] {
        let env = &stack.functions.iter().find(|spec| spec.binary == function).unwrap().env;
        let jobs = env["SCHEDULED_JOBS"].split(',').map(|job| job.split_once('=').unwrap().1.parse::<u64>().unwrap());
        let mut known: Vec<u64> = jobs.collect();
        known.sort_unstable();
        assert_eq!(known, periods, "SCHEDULED_JOBS of {function}");
        let mut known: Vec<&str> = env["STATE_MACHINES"].split(',').collect();
        known.sort_unstable();
        assert_eq!(known, machines, "STATE_MACHINES of {function}");
    }
}

fn states(scheduler: &Value) -> Vec<&str> {
    scheduler["jobs"].as_array().unwrap().iter().map(|job| job["state"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn r19_every_scheduled_job_says_when_it_last_ran_and_a_late_one_is_known() {
    let api = Api::open().await;
    api.stack.clock.freeze();
    let run = async || {
        for job in all().filter(|function| matches!(function.kind, Kind::Job)) {
            api.stack.invoke(job.name, json!({})).await.unwrap();
        }
    };
    run().await;
    let scheduler = ask(&api, "/api/v1/jobs/scheduler").await;
    assert!(states(&scheduler).iter().all(|state| *state == "ok"), "{scheduler}");
    assert!(scheduler["jobs"].as_array().unwrap().iter().all(|job| job["last_run_at"] == scheduler["at"]));
    let health = ask(&api, "/api/v1/jobs/health").await;
    assert_eq!((&health["status"], &health["degraded"], &health["jobs"]), (&json!("ok"), &json!([]), &json!([])));

    // A job that cannot do its work says so, and that it cannot be noted does not fail it.
    api.stack.gateway.faults().add(Rule::error(400, "AccessDeniedException").on("secretsmanager", "ListSecrets"));
    api.stack.invoke("admin-overdue-secrets", json!({})).await.unwrap_err();
    let health = ask(&api, "/api/v1/jobs/health").await;
    assert_eq!((&health["degraded"], &health["jobs"]), (&json!(["jobs"]), &json!(["overdue-secrets"])));
    api.stack.gateway.faults().clear();
    let unnoted = Rule::error(500, "InternalServerError").on("dynamodb", "PutItem").from("admin-overdue-secrets");
    api.stack.gateway.faults().add(unnoted);
    api.stack.invoke("admin-overdue-secrets", json!({})).await.unwrap();
    api.stack.gateway.faults().clear();
    assert_eq!(ask(&api, "/api/v1/jobs/health").await["jobs"], json!(["overdue-secrets"]));

    run().await;
    for job in all().filter(|function| matches!(function.kind, Kind::Job)) {
        let never = Rule::error(500, "InternalServerError").on_service("dynamodb").from(job.name);
        api.stack.gateway.faults().add(never);
    }
    api.stack.clock.advance(SignedDuration::from_hours(24));
    let health = ask(&api, "/health/details").await;
    assert_eq!(health["status"], "degraded");
    assert!(health["degraded"].as_array().unwrap().contains(&json!("jobs")), "{health}");
    assert!(states(&health).iter().all(|state| *state == "late"), "{health}");
}

/// One whose function does not even start notes nothing, and would be unknown for ever.
#[tokio::test]
async fn r19_a_job_that_has_never_run_is_late_some_day() {
    let api = Api::open().await;
    api.stack.clock.freeze();
    for job in all().filter(|function| matches!(function.kind, Kind::Job)) {
        api.stack.gateway.faults().add(Rule::error(500, "InternalServerError").on_service("dynamodb").from(job.name));
    }
    for (hours, state) in [(0, "unknown"), (19, "late")] {
        api.stack.clock.advance(SignedDuration::from_hours(hours));
        let scheduler = ask(&api, "/api/v1/jobs/scheduler").await;
        assert!(states(&scheduler).iter().all(|it| *it == state), "{scheduler}");
        let health = ask(&api, "/api/v1/jobs/health").await;
        assert_eq!(health["degraded"].as_array().unwrap().contains(&json!("jobs")), state == "late", "{health}");
    }
}

/// All machines but one may run for longer than the hour in which a failure is news.
#[tokio::test]
async fn r19_an_execution_is_news_from_when_it_ended() {
    let api = Api::open().await;
    let tenant = api.sign_up("slow").await;
    api.activate(&tenant).await;
    api.stack.clock.freeze();
    let reset = async |state: &str| {
        let stats = ask(&api, "/api/v1/jobs/stats").await;
        let mut machines = stats["executions"].as_array().unwrap().iter();
        let machine = machines.find(|it| it["machine"] == "innkeeper-local-password-reset").unwrap();
        (machine[state] == 1).then_some(())
    };
    // SES puts it off until the ten minutes of the machine are over.
    api.stack.gateway.faults().add(Rule::error(400, "TooManyRequestsException").on("ses", "SendEmail"));
    api.post("/api/v1/auth/password/forgot", &json!({"email": tenant.email})).await.expect(202);
    api.until("the start", async || reset("running").await).await;
    for (minutes, failed) in [(54, 1), (10, 0)] {
        if failed == 1 {
            api.stack.clock.advance(SignedDuration::from_mins(10));
            api.until("the time-out", async || reset("timed_out").await).await;
        }
        api.stack.clock.advance(SignedDuration::from_mins(minutes));
        assert_eq!(ask(&api, "/api/v1/jobs/health").await["failed_executions"], failed);
    }
}

#[tokio::test]
async fn r19_executions_are_counted_by_how_they_ended() {
    let api = Api::open().await;
    let provisioning = async |api: &Api| {
        let stats = ask(api, "/api/v1/jobs/stats").await;
        let machines = stats["executions"].as_array().unwrap().clone();
        assert_eq!(machines.len(), api.stack.template.machines.len());
        machines.into_iter().find(|it| it["machine"] == "innkeeper-local-tenant-provisioning").unwrap()
    };
    let counts = |it: &Value| ["running", "succeeded", "failed", "timed_out"].map(|name| it[name].as_u64().unwrap());
    assert_eq!(counts(&provisioning(&api).await), [0, 0, 0, 0]);
    api.sign_up("good").await;
    api.until("the end", async || (counts(&provisioning(&api).await) == [0, 1, 0, 0]).then_some(())).await;
    assert_eq!(ask(&api, "/api/v1/jobs/health").await["failed_executions"], 0);

    let denied = Rule::error(400, "AccessDeniedException").on("dynamodb", "Query").from("provisioning-health-check");
    api.stack.gateway.faults().add(denied);
    api.post("/api/v1/tenants", &signup("bad")).await.expect(202);
    api.until("the failure", async || (counts(&provisioning(&api).await) == [0, 1, 1, 0]).then_some(())).await;
    let health = ask(&api, "/api/v1/jobs/health").await;
    assert_eq!((&health["failed_executions"], &health["status"]), (&json!(1), &json!("degraded")));
    assert!(health["degraded"].as_array().unwrap().contains(&json!("executions")));
    assert!(ask(&api, "/health/details").await["degraded"].as_array().unwrap().contains(&json!("executions")));
    // An hour later it is no news, and a day later it is not counted.
    api.stack.clock.advance(SignedDuration::from_secs(3_601));
    assert_eq!(ask(&api, "/api/v1/jobs/health").await["failed_executions"], 0);
    api.stack.clock.advance(SignedDuration::from_hours(24));
    assert_eq!(counts(&provisioning(&api).await), [0, 0, 0, 0]);
}

#[tokio::test]
async fn r19_what_the_work_is_set_up_with_is_told() {
    let api = Api::open().await;
    let config = ask(&api, "/api/v1/jobs/worker/config").await;
    assert_eq!((&config["stage"], &config["outbox_shards"]), (&json!("local"), &json!(8)));
    assert_eq!(config["machines"].as_array().unwrap().len(), api.stack.template.machines.len());
    let expected = json!({"outbox_seconds": 300, "removal_seconds": 86_400, "failed_execution_seconds": 3_600, "late_after_periods": 3,
        "counted_seconds": 86_400, "dead_letters": 1});
    assert_eq!(config["thresholds"], expected);
    for path in ["/api/v1/jobs/health", "/api/v1/jobs/stats", "/api/v1/jobs/scheduler", "/api/v1/jobs/worker/config"] {
        api.get(path, "").await.problem(403, "internal_secret_refused");
    }
    let gone = json!({"SecretId": "innkeeper/local/internal-secret", "ForceDeleteWithoutRecovery": true});
    api.stack.secrets.run("DeleteSecret", gone).await.unwrap();
    api.stack.clock.advance(SignedDuration::from_mins(6));
    let sent = Request::get("/api/v1/jobs/health").header("x-internal-secret", "x".repeat(64));
    assert_eq!(api.send(sent, "").await.status, 500);
}

#[tokio::test]
async fn r19_dead_letters_are_counted_and_are_somebodys_work() {
    let api = Api::open().await;
    assert_eq!(ask(&api, "/api/v1/jobs/stats").await["dead_letters"], 0);
    let queue = &api.stack.template.queues[0];
    for _ in 0..2 {
        api.stack.queues.send(&queue.arn, json!({"requestPayload": {}})).unwrap();
    }
    assert_eq!(ask(&api, "/api/v1/jobs/stats").await["dead_letters"], 2);
    for path in ["/api/v1/jobs/health", "/health/details"] {
        let health = ask(&api, path).await;
        assert_eq!(health["dead_letters"], 2, "{path}");
        assert!(health["degraded"].as_array().unwrap().contains(&json!("dead_letters")), "{health}");
    }
    // What cannot be counted is not called well.
    api.stack.gateway.faults().add(Rule::error(400, "AccessDeniedException").on("sqs", "GetQueueAttributes"));
    for path in ["/api/v1/jobs/stats", "/api/v1/jobs/health", "/health/details"] {
        told(&api, path).await.problem(503, "unavailable");
    }
}

/// A tenant that was given up, thirty days before `due`.
fn give_up(api: &Api, id: &str, due: Timestamp) {
    let removal = json!({"M": {
        "by": {"S": "usr_00000000000000000000000000000001"}, "at": {"S": (due - SignedDuration::from_hours(720)).to_string()},
        "due": {"S": due.to_string()}, "was": {"S": "READY"}, "request": {"S": "req_the-order-00001"},
    }});
    let lifecycle = json!({"pk": {"S": format!("T#{id}")}, "sk": {"S": "LIFECYCLE"}, "removal": removal});
    let listed = json!({"pk": {"S": "PLATFORM#REMOVALS"}, "sk": {"S": format!("{:011}#{id}", due.as_second())}});
    for item in [lifecycle, listed] {
        let put = json!({"TableName": "innkeeper-local-core", "Item": item});
        api.stack.dynamodb.run("PutItem", put).unwrap();
    }
}

/// A tenant's data may not outlive its thirty days unseen.
#[tokio::test]
async fn r06_a_removal_that_cannot_be_started_is_counted_and_is_somebodys_work() {
    let api = Api::open().await;
    let tenant = api.sign_up("given-up").await;
    api.stack.clock.freeze();
    let denied = Rule::error(400, "AccessDeniedException").on("states", "StartExecution").from("provisioning-sweep");
    api.stack.gateway.faults().add(denied);
    give_up(&api, &tenant.id, api.stack.clock.now());
    let swept = api.stack.invoke("provisioning-sweep", json!({})).await.unwrap();
    assert_eq!(swept, json!({"started": 0, "failed": 1}));
    for (hours, late) in [(0, 0), (24, 0), (25, 1)] {
        let from = api.stack.clock.now();
        for path in ["/api/v1/jobs/health", "/health/details"] {
            give_up(&api, &tenant.id, from - SignedDuration::from_hours(hours));
            let health = ask(&api, path).await;
            assert_eq!(health["removals"], late, "{path}, after {hours} h");
            assert_eq!(health["degraded"].as_array().unwrap().contains(&json!("removals")), late > 0, "{health}");
        }
    }
}
