//! R21: missing configuration stops a function at start; nothing has a fallback value.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use aws_credential_types::Credentials;
use lambda::Env;
use local::{
    aws::connector::{connector, sdk_config},
    functions::all,
    template::FunctionSpec,
};
use serde_json::{Value, json};

use crate::api::Api;

/// What may be missing, and what that means.
const OPTIONAL: [(&str, &str); 8] = [
    ("ALLOWED_ORIGINS", "no origin is allowed"),
    ("TRUSTED_PROXIES", "no proxy is trusted"),
    ("REQUIRE_HTTPS", "it is required"),
    ("HSTS_PRELOAD", "the domain is not meant for the preload list"),
    ("DEPLOYER_URL", "the application plane needs no deployment"),
    ("WEBHOOKS_INSIDE", "webhooks are outside, behind TLS"),
    ("REQUIRE_PLATFORM_MFA", "it is required"),
    ("DEPLOYER_SECRET", "no deployer's signature holds"),
];
/// In `Globals`: set for every function, needed by some.
const FOR_ALL: [&str; 8] = [
    "AUDIT_TABLE",
    "CORE_TABLE",
    "EVENT_BUS",
    "LIMITS_TABLE",
    "RATE_LIMITS",
    "STAGE",
    "TOKEN_AUDIENCE",
    "TOKEN_ISSUER",
];

/// Whether a function of the stack starts with these variables, under its own rights.
async fn starts(api: &Api, spec: &FunctionSpec, vars: BTreeMap<String, String>) -> bool {
    start(api, spec, vars).await.is_ok()
}

/// The same, with what it says where it does not.
async fn start(api: &Api, spec: &FunctionSpec, vars: BTreeMap<String, String>) -> Result<(), String> {
    let principal = api.stack.principals.by_logical_id(&spec.logical_id).unwrap();
    let credentials = Credentials::new(principal.access_key_id.clone(), "of the test", None, None, "test");
    api.stack.gateway.admit(&spec.binary, credentials.clone());
    let env = Env {
        vars: Arc::new(vars),
        sdk: sdk_config(api.stack.gateway.clone(), &api.stack.template.region, credentials),
        http: Some(connector(api.stack.gateway.clone())),
        clock: Arc::new(api.stack.clock.clone()),
        entropy: Arc::new(domain::SystemEntropy),
    };
    let function = all().find(|function| function.name == spec.binary).unwrap();
    function.start(env).await.map(drop).map_err(|error| error.to_string())
}

/// For each function, the variables without which it does not start.
async fn needs(api: &Api) -> BTreeMap<String, BTreeSet<String>> {
    let mut needs = BTreeMap::new();
    for spec in &api.stack.template.functions {
        assert!(starts(api, spec, spec.env.clone()).await, "{} starts as the template sets it up", spec.binary);
        let mut needed = BTreeSet::new();
        for name in spec.env.keys() {
            let mut without = spec.env.clone();
            without.remove(name);
            let mut empty = spec.env.clone();
            empty.insert(name.clone(), String::new());
            let (starts_without, starts_empty) = (starts(api, spec, without).await, starts(api, spec, empty).await);
            assert_eq!(starts_without, starts_empty, "{}: {name} unset and empty are the same", spec.binary);
            if !starts_without {
                needed.insert(name.clone());
            }
        }
        needs.insert(spec.binary.clone(), needed);
    }
    needs
}

/// With a deployer, so that everything is configured.
async fn configured() -> Api {
    Api::with(&[("DeployerUrl", "https://deployer.example/hook"), ("AllowedOrigins", "https://app.example.com")]).await
}

#[tokio::test]
async fn r21_a_function_without_its_configuration_does_not_start() {
    let api = configured().await;
    let needs = needs(&api).await;
    let optional: Vec<_> = OPTIONAL.iter().map(|(name, _)| *name).collect();
    for spec in &api.stack.template.functions {
        let own =
            spec.env.keys().filter(|name| !optional.contains(&name.as_str()) && !FOR_ALL.contains(&name.as_str()));
        let ignored: Vec<_> = own.filter(|name| !needs[&spec.binary].contains(*name)).collect();
        assert!(ignored.is_empty(), "{} starts without {ignored:?}, which the template sets for it", spec.binary);
    }
    for name in FOR_ALL {
        assert!(needs.values().any(|needed| needed.contains(name)), "nothing needs {name}: take it out of Globals");
    }
    insta::assert_debug_snapshot!(needs);
}

#[tokio::test]
async fn r21_a_deployer_without_its_secret_stops_the_step_that_calls_it() {
    let api = configured().await;
    let spec = api.stack.template.functions.iter().find(|f| f.binary == "provisioning-deploy-stack").unwrap();
    let mut vars = spec.env.clone();
    vars.remove("DEPLOYER_SECRET");
    assert!(!starts(&api, spec, vars).await);
}

/// The template's `Rules` refuse such a stage too; this is for whoever deploys otherwise.
#[tokio::test]
async fn r21_no_stage_but_the_local_one_does_without_its_guards() {
    let api = configured().await;
    let sound =
        [("REQUIRE_HTTPS", "true"), ("REQUIRE_PLATFORM_MFA", "true"), ("TOKEN_ISSUER", "https://api.example.com")];
    let weak = [
        ("REQUIRE_HTTPS", "false"),
        ("REQUIRE_PLATFORM_MFA", "false"),
        ("REQUIRE_PLATFORM_MFA", "no"),
        ("TOKEN_ISSUER", "http://api.example.com"),
        ("TOKEN_ISSUER", "http://localhost.example.com:8080"),
    ];
    for spec in api.stack.template.functions.iter().filter(|spec| !spec.routes.is_empty()) {
        let with = |stage: &str, (name, value): (&str, &str)| {
            let mut vars = spec.env.clone();
            let set = sound.into_iter().chain([("STAGE", stage), (name, value)]);
            vars.extend(set.map(|(name, value)| (name.to_owned(), value.to_owned())));
            start(&api, spec, vars)
        };
        for stage in ["dev", "production"] {
            with(stage, ("TOKEN_ISSUER", "http://127.0.0.1:4571")).await.unwrap();
            for weak in weak {
                let said = with(stage, weak).await.unwrap_err();
                assert!(said.contains(weak.0), "{} in {stage} with {weak:?}: {said}", spec.binary);
            }
        }
        for weak in [weak[0], weak[1], weak[3]] {
            with("local", weak).await.unwrap();
        }
    }
}

/// What may be missing: it is removed one day, and then nobody signs in with it.
const REMOVABLE: [&str; 1] = ["BOOTSTRAP_SECRET"];

/// The variables of a function that name a secret whose value it may read.
fn secrets_of(api: &Api, spec: &FunctionSpec) -> Vec<(String, String)> {
    let says = |statement: &Value, key: &str, text: &str| match &statement[key] {
        Value::Array(all) => all.iter().any(|one| one == text),
        one => one == text,
    };
    let may_read = |arn: &str| {
        let mut statements = spec.policy.document["Statement"].as_array().unwrap().iter();
        statements.any(|it| says(it, "Action", "secretsmanager:GetSecretValue") && says(it, "Resource", arn))
    };
    let is_secret = |arn: &str| api.stack.template.secrets.iter().any(|secret| secret.arn == arn);
    let named = spec.env.iter().filter(|(_, value)| is_secret(value) && may_read(value));
    named.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// The value with its secret part replaced by ones that are empty, short, or of the looks of a default; and no part at all.
fn bad_values(good: &str) -> Vec<String> {
    let bad = [
        "",
        "short",
        "changeme-changeme-changeme-changeme-changeme-changeme",
        &"a".repeat(64),
        &"0123456789".repeat(6),
    ];
    let Ok(Value::Object(object)) = serde_json::from_str(good) else {
        return bad.map(str::to_owned).into();
    };
    let longest = object.iter().max_by_key(|(_, value)| value.as_str().map_or(0, str::len)).unwrap().0.clone();
    let with = |part: &str| {
        let mut object = object.clone();
        object.insert(longest.clone(), part.into());
        Value::Object(object).to_string()
    };
    bad.iter().map(|part| with(part)).chain(["{}".to_owned(), String::new()]).collect()
}

#[tokio::test]
async fn r21_a_secret_that_is_missing_or_weak_stops_every_function_that_reads_it() {
    let api = configured().await;
    let run = async |action: &str, body: Value| api.stack.secrets.run(action, body).await.unwrap();
    let (mut tokens, mut held) = (0_u32.., Vec::new());
    let mut put = async |arn: &str, value: &str| {
        let token = format!("{:032}", tokens.next().unwrap());
        run("PutSecretValue", json!({"SecretId": arn, "SecretString": value, "ClientRequestToken": token})).await;
    };
    for spec in &api.stack.template.functions {
        // What changes a secret reads it afresh with each call: see the next test.
        if ["rotate-", "reseal-"].iter().any(|group| spec.binary.starts_with(group)) {
            continue;
        }
        for (variable, arn) in secrets_of(&api, spec) {
            let read = run("GetSecretValue", json!({"SecretId": arn})).await;
            let (name, good) = (read["Name"].as_str().unwrap(), read["SecretString"].as_str().unwrap());
            for bad in bad_values(good) {
                put(&arn, &bad).await;
                let said = start(&api, spec, spec.env.clone()).await.unwrap_err();
                assert!(said.contains(&arn), "{} with {variable} = {bad}: {said}", spec.binary);
                let remedy = ["replace it by at least 32 bytes", "restore its previous version", "restore it in"];
                assert!(remedy.iter().any(|remedy| said.contains(remedy)), "{}: {said}", spec.binary);
                assert!(bad.len() < 10 || !said.contains(&bad), "{}: {said}", spec.binary);
            }
            run("DeleteSecret", json!({"SecretId": arn, "ForceDeleteWithoutRecovery": true})).await;
            let without = start(&api, spec, spec.env.clone()).await;
            let removable = REMOVABLE.contains(&variable.as_str());
            assert_eq!(without.is_ok(), removable, "{} without {name}: {without:?}", spec.binary);
            if let Err(said) = without {
                assert!(said.contains(&arn) && said.contains("is missing: restore it in Secrets Manager"), "{said}");
            }
            run("CreateSecret", json!({"Name": name, "SecretString": good})).await;
            assert!(starts(&api, spec, spec.env.clone()).await, "{} starts again", spec.binary);
            held.push(format!("{} {variable}", spec.binary));
        }
    }
    println!("{} pairs of function and secret: {held:?}", held.len());
    assert!(held.len() > 8);
}

#[tokio::test]
async fn r21_a_secret_that_is_weak_is_not_rotated_into_use() {
    let api = configured().await;
    for rotation in &api.stack.template.rotations {
        let arn = &rotation.secret_arn;
        let read = api.stack.secrets.run("GetSecretValue", json!({"SecretId": arn})).await.unwrap();
        for (n, bad) in bad_values(read["SecretString"].as_str().unwrap()).into_iter().enumerate() {
            let put = json!({"SecretId": arn, "SecretString": bad, "ClientRequestToken": format!("{n:032}")});
            api.stack.secrets.run("PutSecretValue", put).await.unwrap();
            let error = api.stack.secrets.rotate(arn).await.unwrap_err();
            let said = std::error::Error::source(&error).unwrap().to_string();
            assert!(said.contains("createSecret") || said.contains(arn), "{arn} = {bad}: {said}");
        }
    }
}
