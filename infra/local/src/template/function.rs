//! `AWS::Serverless::Function`, with `Globals.Function` merged in as SAM does: maps by key, lists joined, scalars replaced.

use super::{
    AsyncSpec, Elsewhere, FunctionSpec, ShiftSpec,
    arn::arn,
    fields::Fields,
    node::{Entry, Kind, Node},
    resources::{Reader, Resolved},
};
use std::collections::BTreeMap;

/// API Gateway gives up on an integration after 30 s.
const INTEGRATION_LIMIT: u32 = 30;

/// Set by Lambda itself; CloudFormation refuses a function that sets them.
const RESERVED: &[&str] = &[
    "_HANDLER",
    "_X_AMZN_TRACE_ID",
    "AWS_DEFAULT_REGION",
    "AWS_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_LAMBDA_RUNTIME_API",
    "LAMBDA_TASK_ROOT",
    "LAMBDA_RUNTIME_DIR",
];

impl Reader<'_> {
    pub(super) fn check_globals(&self) {
        let Some(globals) = &self.globals else { return };
        let mut fields = Fields::of("Globals", globals.line, Some(globals), self.refusals);
        if let Some(mut api) = fields.child("HttpApi") {
            api.refused(&[("CorsConfiguration", "write it in the API")]);
            api.refused(&[("Auth", "a function's door checks its callers")]);
        }
        if let Some(mut function) = fields.child("Function") {
            function.refused(&[("FunctionName", "a name belongs to one function")]);
            function.refused(&[("Policies", "a permission belongs to one function")]);
            function.refused(&[("Events", "an event belongs to one function")]);
        }
        fields.finish();
    }

    pub(super) fn function(&self, resolved: &Resolved<'_>, elsewhere: &mut Vec<Elsewhere>) -> FunctionSpec {
        let globals = self.globals.as_ref().and_then(|g| g.get("Function"));
        let properties = globals.map_or_else(|| resolved.properties.clone(), |g| merged(g, &resolved.properties));
        let resolved = &Resolved { properties, ..*resolved };
        let mut fields = self.fields(resolved);
        known_properties(&mut fields);
        elsewhere.extend(resolved.elsewhere(&mut fields, &["DeadLetterQueue"]));
        let spec = FunctionSpec {
            logical_id: resolved.id.to_owned(),
            name: self.scope.name_of(resolved.resource),
            arn: self.scope.arn_of(resolved.resource).unwrap_or_default(),
            binary: self.binary(&mut fields, resolved),
            env: environment(&mut fields),
            timeout: fields.number("Timeout", 1..=900).unwrap_or(3),
            memory: fields.number("MemorySize", 128..=10_240).unwrap_or(128),
            concurrency: fields.number("ReservedConcurrentExecutions", 0..=1000),
            shift: self.shift(&mut fields, resolved.id),
            policy: self.policy(&mut fields),
            role: self.scope.role_name(resolved.resource),
            routes: Vec::new(),
            schedules: Vec::new(),
            rules: Vec::new(),
            asynchronous: asynchronous(&mut fields),
            line: resolved.line,
        };
        let spec = self.with_events(spec, fields.node("Events"));
        if !spec.routes.is_empty() && spec.timeout > INTEGRATION_LIMIT {
            fields.refuse("Timeout", format!("exceeds the {INTEGRATION_LIMIT} s that API Gateway waits for a route"));
        }
        fields.finish();
        spec
    }

    /// Which traffic goes where, and what its alarms take back, is AWS's; what is asked before it is not.
    fn shift(&self, fields: &mut Fields<'_>, id: &str) -> Option<ShiftSpec> {
        let alias = fields.text("AutoPublishAlias");
        let preference = fields.child("DeploymentPreference");
        if alias.is_none() && preference.is_some() {
            fields.refuse("DeploymentPreference", "needs an AutoPublishAlias");
        }
        let mut preference = preference?;
        preference.without_effect(&["Enabled", "Type", "Alarms", "TriggerConfigurations", "PassthroughCondition"]);
        preference.refused(&[("Role", "SAM makes one that may invoke the hooks and nothing else")]);
        let mut hooks = preference.child("Hooks");
        let pre_traffic = hooks.as_mut().and_then(|hooks| hooks.text("PreTraffic"));
        if let Some(mut hooks) = hooks {
            hooks.refused(&[("PostTraffic", "the alarms watch the traffic")]);
            hooks.finish();
        }
        preference.finish();
        let (application, stack) = (self.scope.deployment_application(), &self.scope.inputs.stack_name);
        let group = format!("deploymentgroup:{application}/{stack}-{id}DeploymentGroup");
        Some(ShiftSpec { group: arn("codedeploy", &self.scope.inputs.region, &group), pre_traffic })
    }

    /// The binary: named by the build metadata, by the artifact's folder, or by the handler.
    fn binary(&self, fields: &mut Fields<'_>, resolved: &Resolved<'_>) -> String {
        let handler = fields.text("Handler").filter(|handler| handler != "bootstrap");
        let code = fields.text("CodeUri").unwrap_or_default();
        let folder = code.trim_end_matches('/').rsplit_once("target/lambda/").map(|(_, name)| name.to_owned());
        let build = resolved.resource.metadata.and_then(|m| m.get("BuildProperties")?.get("Binary"));
        let named = build.and_then(|node| self.scope.resolve(node)?.as_text());
        named.or(folder).or(handler).unwrap_or_else(|| {
            fields.refuse("Handler", "names no binary: set Metadata.BuildProperties.Binary");
            String::new()
        })
    }
}

fn known_properties(fields: &mut Fields<'_>) {
    fields.without_effect(&["FunctionName", "Description", "Architectures", "AutoPublishCodeSha256"]);
    fields.without_effect(&["Tracing", "Tags", "LoggingConfig", "EphemeralStorage", "KmsKeyArn", "PropagateTags"]);
    fields.without_effect(&[
        "ProvisionedConcurrencyConfig",
        "RuntimeManagementConfig",
        "PermissionsBoundary",
        "RolePath",
    ]);
    fields.one_of("PackageType", &["Zip"]);
    fields.one_of("Runtime", &["provided.al2023", "provided.al2"]);
    fields.refused(&[
        ("Role", "the function's own Policies are what the local stack enforces"),
        ("InlineCode", "a handler lives in a function group"),
        ("ImageUri", "a handler lives in a function group"),
        ("Layers", "the handlers are linked in whole"),
        ("VpcConfig", "there is no network to attach to"),
        ("FunctionUrlConfig", "add an HttpApi event, so that the route has a policy"),
        ("SnapStart", "AWS does not offer it for this runtime"),
    ]);
}

fn asynchronous(fields: &mut Fields<'_>) -> AsyncSpec {
    let mut spec = AsyncSpec::default();
    let Some(mut config) = fields.child("EventInvokeConfig") else { return spec };
    spec.retries = config.number("MaximumRetryAttempts", 0..=2).unwrap_or(spec.retries);
    spec.age = config.number("MaximumEventAgeInSeconds", 60..=21_600).unwrap_or(spec.age);
    if let Some(mut destinations) = config.child("DestinationConfig") {
        if let Some(mut failure) = destinations.child("OnFailure") {
            failure.one_of("Type", &["SQS"]);
            spec.on_failure = Some(failure.required("Destination"));
            failure.finish();
        }
        destinations.finish();
    }
    config.finish();
    spec
}

fn environment(fields: &mut Fields<'_>) -> BTreeMap<String, String> {
    let Some(mut environment) = fields.child("Environment") else {
        return BTreeMap::new();
    };
    let variables = environment.table("Variables");
    for name in variables.keys().filter(|name| RESERVED.contains(&name.as_str())) {
        environment.refuse("Variables", format!("sets {name}, which belongs to Lambda"));
    }
    environment.finish();
    variables
}

fn merged(global: &Node, own: &Node) -> Node {
    let kind = match (&global.kind, &own.kind) {
        (Kind::Map(global), Kind::Map(own)) => {
            let inherited = global.iter().filter(|g| !own.iter().any(|o| o.key == g.key)).cloned();
            let merge = |o: &Entry| match global.iter().find(|g| g.key == o.key) {
                Some(g) => Entry { value: merged(&g.value, &o.value), ..o.clone() },
                None => o.clone(),
            };
            Kind::Map(inherited.chain(own.iter().map(merge)).collect())
        }
        (Kind::List(global), Kind::List(own)) => Kind::List(global.iter().chain(own).cloned().collect()),
        (_, own) => own.clone(),
    };
    Node { line: own.line, kind }
}
