//! `AWS::Serverless::HttpApi`.

use super::{
    ApiSpec, CorsSpec, Stack,
    fields::Fields,
    node::Kind,
    resources::{Reader, Resolved},
};

impl Reader<'_> {
    pub(super) fn api(&self, resolved: &Resolved<'_>, stack: &mut Stack) {
        let mut fields = self.fields(resolved);
        fields.without_effect(&[
            "Name",
            "Description",
            "Tags",
            "AccessLogSettings",
            "DefaultRouteSettings",
            "RouteSettings",
        ]);
        fields.without_effect(&["FailOnWarnings", "DisableExecuteApiEndpoint", "Domain", "PropagateTags"]);
        fields.one_of("StageName", &["$default"]);
        fields.refused(&[
            ("Auth", "a function's door checks its callers"),
            ("DefinitionBody", "list the routes as events of their functions"),
            ("DefinitionUri", "list the routes as events of their functions"),
            ("StageVariables", "use the function's environment"),
        ]);
        if let Some(first) = &stack.api {
            self.refusals
                .at(resolved.line, format!("{}: there is one API, and {} is it", resolved.id, first.logical_id));
        }
        let id = self.scope.generated_id(resolved.resource);
        let endpoint = self.scope.api_endpoint(&id);
        let cors = cors(&mut fields);
        stack.api = Some(ApiSpec { logical_id: resolved.id.to_owned(), id, endpoint, cors, line: resolved.line });
        fields.finish();
    }
}

fn cors(fields: &mut Fields<'_>) -> Option<CorsSpec> {
    match &fields.node("CorsConfiguration")?.kind {
        Kind::Scalar(serde_json::Value::Bool(false)) => return None,
        // SAM's shorthand: every origin.
        Kind::Scalar(serde_json::Value::Bool(true)) => {
            return Some(CorsSpec { allow_origins: vec!["*".to_owned()], ..CorsSpec::default() });
        }
        _ => {}
    }
    let mut cors = fields.child("CorsConfiguration")?;
    let spec = CorsSpec {
        allow_origins: cors.texts("AllowOrigins").unwrap_or_default(),
        allow_methods: cors.texts("AllowMethods").unwrap_or_default(),
        allow_headers: cors.texts("AllowHeaders").unwrap_or_default(),
        expose_headers: cors.texts("ExposeHeaders").unwrap_or_default(),
        allow_credentials: cors.flag("AllowCredentials").unwrap_or(false),
        max_age: cors.number("MaxAge", 0..=86_400),
    };
    if spec.allow_credentials && spec.allow_origins.iter().any(|origin| origin == "*") {
        cors.refuse("AllowOrigins", "may not be * with AllowCredentials");
    }
    cors.finish();
    Some(spec)
}
