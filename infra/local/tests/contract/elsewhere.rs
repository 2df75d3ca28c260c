//! What the template asks of AWS alone, so that no run of the local stack can show whether it is right.

use std::{collections::BTreeSet, path::Path};

use local::{
    iam::DEPLOY_ONLY,
    stack::{Options, TEMPLATE},
    template::{FunctionSpec, Stack, written},
};
use serde_json::{Map, Value, json};

use crate::api::Api;

/// A file of infra/.
fn read(name: &str) -> String {
    std::fs::read_to_string(Path::new(TEMPLATE).with_file_name(name)).unwrap()
}

/// The template as the local stack reads it, with everything configured.
fn configured() -> Stack {
    let mut options = Options::memory("http://127.0.0.1:0");
    options.parameters.insert("DeployerUrl".to_owned(), "https://deployer.example/hook".to_owned());
    options.read().unwrap()
}

/// The template's resources, as they are written.
fn resources() -> Map<String, Value> {
    let template = written(&read("template.yaml")).unwrap();
    template["Resources"].as_object().unwrap().clone()
}

/// Those of one type.
fn of_type(kind: &str) -> Vec<(String, Value)> {
    let found: Vec<_> = resources().into_iter().filter(|(_, resource)| resource["Type"] == kind).collect();
    assert!(!found.is_empty(), "no {kind}");
    found
}

/// CreateStateMachine is refused otherwise, and with it the stack.
#[test]
fn r36_a_machine_that_logs_may() {
    for (name, machine) in of_type("AWS::Serverless::StateMachine") {
        let properties = &machine["Properties"];
        assert!(properties["Logging"].is_object(), "{name} logs nothing");
        let policies = properties["Policies"].as_array().unwrap().iter();
        let statements: Vec<_> = policies.flat_map(|policy| policy["Statement"].as_array().unwrap()).collect();
        for action in DEPLOY_ONLY {
            let grants =
                |it: &&Value| it["Resource"] == "*" && it["Action"].as_array().unwrap().contains(&action.into());
            assert!(statements.iter().any(grants), "{name} may not {action}, which its Logging needs");
        }
    }
}

/// The stages that a text tells one to deploy: what follows `--config-env` and `deploy.sh`.
fn deploys(text: &str) -> impl Iterator<Item = &str> {
    let commands = ["--config-env ", "deploy.sh "].into_iter().flat_map(|command| text.split(command).skip(1));
    let named = commands.filter_map(|rest| rest.split([' ', '`', '\n', ')']).next());
    named.flat_map(|stages| stages.split('|'))
}

/// SAM CLI takes an environment by its very name and goes on with nothing where it is not there (`samconfig.py`, `get_all`).
#[test]
fn r36_every_stage_that_a_document_deploys_is_configured() {
    let (readme, samconfig) = (read("README.md"), read("samconfig.toml"));
    let stages: BTreeSet<_> = deploys(&readme).chain(deploys(&samconfig)).collect();
    assert_eq!(stages, ["dev", "production", "staging"].into());
    for stage in stages {
        let table = |kind: &str| {
            let (_, rest) = samconfig.split_once(&format!("[{stage}.{kind}.parameters]\n")).unwrap_or_default();
            rest.split("\n[").next().unwrap_or_default().to_owned()
        };
        assert!(table("global").contains(&format!("stack_name = \"innkeeper-{stage}\"")), "{stage} has no name");
        let deploy = table("deploy");
        for needed in
            ["template_file", "resolve_s3", "CAPABILITY_IAM", &format!("Stage={stage}"), &format!("stage={stage}\"")]
        {
            assert!(deploy.contains(needed), "{stage} is deployed without {needed}");
        }
    }
}

/// CloudWatch needs the topic's leave, as its own policy takes the place of the one that a topic has by itself.
#[test]
fn r36_what_is_kept_or_told_is_reached_over_tls_alone() {
    let resources = resources();
    let statements = |name: &str| {
        let document = &resources[name]["Properties"]["PolicyDocument"]["Statement"];
        document.as_array().cloned().unwrap_or_else(|| panic!("no {name}"))
    };
    let kept = [("ExportsPolicy", "s3:*"), ("DeadLettersPolicy", "sqs:*"), ("AlarmsPolicy", "sns:Publish")];
    for (policy, actions) in kept {
        let refuses = |it: &Value| {
            it["Effect"] == "Deny"
                && it["Principal"] == "*"
                && it["Action"] == actions
                && it["Condition"] == json!({"Bool": {"aws:SecureTransport": "false"}})
        };
        assert!(statements(policy).iter().any(refuses), "{policy} lets plain HTTP in");
    }
    let cloudwatch = json!({"Service": "cloudwatch.amazonaws.com"});
    let tells = |it: &Value| it["Effect"] == "Allow" && it["Principal"] == cloudwatch && it["Action"] == "sns:Publish";
    assert!(statements("AlarmsPolicy").iter().any(tells), "no alarm is told");
}

/// `RetainExceptOnCreate` lets a first deployment that fails be tried again. A table that is protected cannot be deleted by
/// CloudFormation either, and infra/README.md says how it is.
#[test]
fn r36_what_a_deletion_keeps_can_be_opened_afterwards() {
    let resources = resources();
    let kept = ["AuditTable", "CoreTable", "DataKeys", "Exports", "Key"];
    let policy = |name: &str, policy: &str| resources[name].get(policy).and_then(Value::as_str).unwrap_or("Delete");
    let retained = resources.keys().map(String::as_str).filter(|name| policy(name, "DeletionPolicy") != "Delete");
    assert_eq!(retained.collect::<BTreeSet<_>>(), kept.into());
    for name in kept {
        assert_eq!(policy(name, "UpdateReplacePolicy"), "Retain", "{name}");
        let protected = resources[name]["Properties"]["DeletionProtectionEnabled"] == true;
        let expected = if protected { "Retain" } else { "RetainExceptOnCreate" };
        assert_eq!(policy(name, "DeletionPolicy"), expected, "{name}");
    }
}

/// Nobody waits for these, so nobody else would hear of what failed.
#[test]
fn r36_what_a_schedule_or_a_rule_calls_leaves_a_dead_letter() {
    let template = configured();
    let unheard = template.functions.iter().filter(|spec| !(spec.schedules.is_empty() && spec.rules.is_empty()));
    let unheard: Vec<_> = unheard.map(|spec| (&spec.logical_id, &spec.asynchronous.on_failure)).collect();
    assert!(unheard.len() > 4, "{unheard:?}");
    for (name, queue) in unheard {
        assert!(queue.is_some(), "{name}: what fails is forgotten after six hours");
    }
}

/// Lambda waits a minute before the first further try and two before the second, each after a try that may take its whole time.
#[test]
fn r36_an_event_is_young_enough_for_its_last_try() {
    let template = configured();
    let unheard = template.functions.iter().filter(|spec| !(spec.schedules.is_empty() && spec.rules.is_empty()));
    for spec in unheard {
        let retries = spec.asynchronous.retries;
        let needed = 60 * retries * (retries + 1) / 2 + retries * spec.timeout;
        let age = spec.asynchronous.age;
        assert!(age > needed, "{}: too old after {age} s for a try that comes after {needed}", spec.logical_id);
    }
}

/// What Lambda does not take, EventBridge drops after a day where the rule names no queue, or may not write to it.
#[test]
fn r36_an_event_that_reaches_no_function_leaves_a_dead_letter() {
    let (queue, mut rules) = (json!({"Fn::GetAtt": "DeadLetters.Arn"}), 0);
    for (name, function) in of_type("AWS::Serverless::Function") {
        for (event, it) in function["Properties"]["Events"].as_object().into_iter().flatten() {
            if it["Type"] == "Schedule" || it["Type"] == "EventBridgeRule" {
                rules += 1;
                assert_eq!(it["Properties"]["DeadLetterConfig"]["Arn"], queue, "{name}.{event}");
            }
        }
    }
    assert!(rules > 4, "{rules}");
    let policy = &resources()["DeadLettersPolicy"]["Properties"];
    assert_eq!(policy["Queues"], json!([{"Ref": "DeadLetters"}]));
    let lets = |it: &Value| {
        it["Effect"] == "Allow"
            && it["Principal"] == json!({"Service": "events.amazonaws.com"})
            && it["Action"] == "sqs:SendMessage"
            && it["Resource"] == queue
    };
    assert!(policy["PolicyDocument"]["Statement"].as_array().unwrap().iter().any(lets), "{policy}");
}

/// An execution that ends by its time-out or by a hand runs no Catch, so it records nothing and leaves no other trace.
/// <https://docs.aws.amazon.com/step-functions/latest/dg/procedure-cw-metrics.html>
#[test]
fn r05_an_alarm_rings_however_a_machine_did_not_succeed() {
    let alarms = of_type("AWS::CloudWatch::Alarm");
    for (name, _) in of_type("AWS::Serverless::StateMachine") {
        for metric in ["ExecutionsFailed", "ExecutionsTimedOut", "ExecutionsAborted"] {
            let of_it = json!([{"Name": "StateMachineArn", "Value": {"Ref": name}}]);
            let rings = alarms.iter().map(|(_, alarm)| &alarm["Properties"]).any(|alarm| {
                alarm["MetricName"] == metric
                    && alarm["Dimensions"] == of_it
                    && alarm["AlarmActions"] == json!([{"Ref": "Alarms"}])
            });
            assert!(rings, "{name}: nobody hears of {metric}");
        }
    }
}

/// What is not called writes no line, and what API Gateway answers by itself no door does.
#[test]
fn r36_silence_rings_too() {
    let resources = resources();
    let silent = &resources["SweeperSilentAlarm"]["Properties"];
    let of_it = json!([{"Name": "FunctionName", "Value": {"Ref": "SweepFunction"}}]);
    assert_eq!((&silent["Namespace"], &silent["MetricName"]), (&json!("AWS/Lambda"), &json!("Invocations")));
    assert_eq!((&silent["Dimensions"], &silent["TreatMissingData"]), (&of_it, &json!("breaching")));
    assert_eq!(silent["ComparisonOperator"], "LessThanThreshold");
    let gateway = &resources["GatewayErrorsAlarm"]["Properties"];
    assert_eq!((&gateway["Namespace"], &gateway["MetricName"]), (&json!("AWS/ApiGateway"), &json!("5xx")));
    assert_eq!(gateway["Dimensions"], json!([{"Name": "ApiId", "Value": {"Ref": "Api"}}]));
    for alarm in [silent, gateway] {
        assert_eq!(alarm["AlarmActions"], json!([{"Ref": "Alarms"}]));
    }
}

/// What has a bound of its own is what ThrottlesAlarm watches.
#[test]
fn r36_every_bound_has_its_alarm() {
    let template = configured();
    let bound = template.functions.iter().filter(|spec| spec.concurrency.is_some());
    let bound: BTreeSet<_> = bound.map(|spec| spec.logical_id.as_str()).collect();
    let alarm = &resources()["ThrottlesAlarm"]["Properties"]["Metrics"];
    let metrics = alarm.as_array().unwrap().iter().filter_map(|metric| metric.get("MetricStat"));
    let watched = metrics.map(|stat| stat["Metric"]["Dimensions"][0]["Value"]["Ref"].as_str().unwrap().to_owned());
    assert_eq!(watched.collect::<BTreeSet<_>>(), bound.into_iter().map(str::to_owned).collect());
}

/// What is refused at the door is counted by no limit of ours: without a bound one address may call as often as the account may.
#[test]
fn r36_the_api_is_throttled_before_the_functions_are() {
    let (api, parameters) =
        (&resources()["Api"]["Properties"], &written(&read("template.yaml")).unwrap()["Parameters"]);
    let bounds = [("ThrottlingRateLimit", "ApiCallsPerSecond"), ("ThrottlingBurstLimit", "ApiBurst")];
    for (setting, parameter) in bounds {
        assert_eq!(api["DefaultRouteSettings"][setting], json!({"Ref": parameter}));
        assert!(parameters[parameter]["Default"].as_u64().is_some_and(|most| most > 0), "{parameter}");
        assert!(read("README.md").contains(&format!("`{parameter}`")), "{parameter} is in no table");
    }
}

/// Whoever is woken by an alarm finds it, and it is in the bill.
#[test]
fn r36_every_alarm_says_what_is_to_be_done() {
    let (readme, secrets) = (read("README.md"), read("../docs/secrets.md"));
    let rows: String = readme.lines().chain(secrets.lines()).filter(|line| line.starts_with("| ")).collect();
    let mut metrics = 0;
    for (name, alarm) in of_type("AWS::CloudWatch::Alarm") {
        assert!(rows.contains(&name), "no document says what to do about {name}");
        let several = alarm["Properties"]["Metrics"].as_array();
        metrics += several.map_or(1, |all| all.iter().filter(|one| one.get("MetricStat").is_some()).count());
    }
    let alarms = format!("| fixed: alarms | {metrics} × $0.10");
    let filters = format!("| fixed: metrics | {} × $0.30", of_type("AWS::Logs::MetricFilter").len());
    for row in [alarms, filters] {
        assert!(readme.contains(&row), "{row}");
    }
}

/// What costs all month though nobody calls.
#[tokio::test]
async fn r36_the_bill_has_what_the_sweeper_reads_and_writes() {
    let api = Api::open().await;
    let before = api.stack.gateway.counters().snapshot();
    api.stack.invoke("provisioning-sweep", json!({})).await.unwrap();
    let used = api.stack.gateway.counters().snapshot().since(&before);
    let run = used.total(Some("provisioning-sweep"), Some("dynamodb"), None);
    let row = format!("| 43 800 × ({} × $0.25/M + {} × $1.25/M) |", run.read_units, run.write_units);
    assert!(read("README.md").contains(&row), "{row}");
}

/// The table of docs/secrets.md names the functions that may read a value.
#[test]
fn r21_the_readers_of_a_secret_are_those_that_may() {
    let template = configured();
    let document = read("../docs/secrets.md");
    for secret in &template.secrets {
        let may = |spec: &&FunctionSpec| {
            let mut statements = spec.policy.document["Statement"].as_array().unwrap().iter();
            statements.any(|it| {
                let actions = it["Action"].as_array();
                let reads = actions.is_some_and(|all| all.iter().any(|one| one == "secretsmanager:GetSecretValue"));
                reads && it["Resource"].to_string().contains(&format!("\"{}\"", secret.arn))
            })
        };
        let readers = template.functions.iter().filter(may).map(|spec| spec.binary.as_str());
        let name = secret.name.rsplit('/').next().unwrap();
        let rotates = format!("rotate-{name}");
        let readers: BTreeSet<_> = readers.filter(|reader| *reader != rotates).collect();
        let row = document.lines().find(|line| line.starts_with(&format!("| `{name}`"))).unwrap_or_default();
        let named = row.rsplit(" | ").next().unwrap().trim_end_matches(" |").split(", ");
        assert_eq!(named.collect::<BTreeSet<_>>(), readers, "{name}");
    }
}

/// The pages are the customer's, so the guide lists all of them, each with a route that there is.
#[test]
fn r36_the_guide_lists_the_pages_that_mails_lead_to() {
    let (guide, links) = (read("README.md"), read("../shared/mail/src/links.rs"));
    let pages: Vec<_> = links.split("\"{}/").skip(1).filter_map(|rest| rest.split(['"', '?']).next()).collect();
    assert!(pages.len() > 4, "{pages:?}");
    let routes: Vec<_> = configured().functions.into_iter().flat_map(|spec| spec.routes).collect();
    for page in pages {
        let of_it =
            |line: &&str| [format!("| `/{page}`"), format!("| `/{page}?")].iter().any(|it| line.starts_with(it));
        let row = guide.lines().find(of_it).unwrap_or_else(|| panic!("/{page} is not in the guide"));
        let called = |path: &str| row.contains(&format!("`POST {path}`"));
        assert!(routes.iter().any(|route| route.method == "POST" && called(&route.path)), "{row}");
    }
}

#[tokio::test]
async fn r36_mails_lead_to_the_pages_and_tokens_name_the_api() {
    let api = Api::with(&[("LinksUrl", "https://app.example.com/account")]).await;
    let tenant = api.sign_up("lanterns").await;
    api.activate(&tenant).await;
    let mails = api.stack.mailbox.mails();
    assert!(mails[0].text.contains("https://app.example.com/account/activate?token="), "{}", mails[0].text);
    for spec in &api.stack.template.functions {
        assert_eq!(spec.env["TOKEN_ISSUER"], "http://127.0.0.1:0", "{}", spec.logical_id);
        let links = spec.env.get("PUBLIC_URL").filter(|_| spec.env.contains_key("MAIL_FROM"));
        assert!(links.is_none_or(|url| url == "https://app.example.com/account"), "{}", spec.logical_id);
    }
}
