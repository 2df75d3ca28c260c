//! R21: missing configuration stops a function at start; nothing has a fallback value.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use aws_credential_types::Credentials;
use lambda::Env;
use local::{aws::connector::sdk_config, functions::all, template::FunctionSpec};

use crate::api::Api;

/// What may be missing, and what that means.
const OPTIONAL: [(&str, &str); 6] = [
    ("ALLOWED_ORIGINS", "no origin is allowed"),
    ("REQUIRE_HTTPS", "it is required"),
    ("HSTS_PRELOAD", "the domain is not meant for the preload list"),
    ("DEPLOYER_URL", "the application plane needs no deployment"),
    ("REQUIRE_PLATFORM_MFA", "it is required"),
    ("DEPLOYER_SECRET", "no deployer's signature holds"),
];
/// In `Globals`: set for every function, needed by some.
const FOR_ALL: [&str; 6] = ["AUDIT_TABLE", "CORE_TABLE", "EVENT_BUS", "STAGE", "TOKEN_AUDIENCE", "TOKEN_ISSUER"];

/// Whether a function of the stack starts with these variables, under its own rights.
async fn starts(api: &Api, spec: &FunctionSpec, vars: BTreeMap<String, String>) -> bool {
    let principal = api.stack.principals.by_logical_id(&spec.logical_id).unwrap();
    let credentials = Credentials::new(principal.access_key_id.clone(), "of the test", None, None, "test");
    api.stack.gateway.admit(&spec.binary, credentials.clone());
    let env = Env {
        vars: Arc::new(vars),
        sdk: sdk_config(api.stack.gateway.clone(), &api.stack.template.region, credentials),
        http: None,
        clock: Arc::new(api.stack.clock.clone()),
        entropy: Arc::new(domain::SystemEntropy),
    };
    let function = all().find(|function| function.name == spec.binary).unwrap();
    function.start(env).await.is_ok()
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

#[tokio::test]
async fn r21_a_secret_that_is_too_short_stops_the_function() {
    let api = configured().await;
    let cases = [
        ("auth-login", "SIGNING_KEYS_SECRET", r#"{"initial":"short"}"#),
        ("auth-login", "SIGNING_KEYS_SECRET", r#"{"initial":""}"#),
        ("auth-login", "SIGNING_KEYS_SECRET", "{}"),
        ("platform-health-details", "INTERNAL_SECRET", r#"{"current":"short"}"#),
        ("platform-health-details", "INTERNAL_SECRET", "{}"),
        ("reseal-tenant", "DATA_KEYS_SECRET", r#"{"initial":"short"}"#),
        ("provisioning-generate-secrets", "DATA_KEYS_SECRET", r#"{"initial":"short"}"#),
        ("provisioning-deployment-callback", "DEPLOYER_SECRET", "short"),
        ("provisioning-deploy-stack", "DEPLOYER_SECRET", "short"),
    ];
    for (binary, variable, value) in cases {
        let spec = api.stack.template.functions.iter().find(|f| f.binary == binary).unwrap();
        let put = serde_json::json!({"SecretId": spec.env[variable], "SecretString": value, "ClientRequestToken": format!("{:032}", value.len())});
        api.stack.secrets.run("PutSecretValue", put).await.unwrap();
        assert!(!starts(&api, spec, spec.env.clone()).await, "{binary} starts with {variable} = {value}");
    }
}
