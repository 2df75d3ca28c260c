//! `AWS::DynamoDB::Table`, as the body of `CreateTable`.

use super::{
    Elsewhere, TableSpec,
    fields::Fields,
    refs::stream_arn,
    resources::{Reader, Resolved},
};
use serde_json::{Map, Value, json};

/// What AWS keeps and a laptop has no use for.
const ELSEWHERE: &[&str] = &[
    "PointInTimeRecoverySpecification",
    "SSESpecification",
    "DeletionProtectionEnabled",
    "ContributorInsightsSpecification",
    "Tags",
];

impl Reader<'_> {
    pub(super) fn table(&self, resolved: &Resolved<'_>, elsewhere: &mut Vec<Elsewhere>) -> TableSpec {
        let mut fields = self.fields(resolved);
        fields.without_effect(&["TableClass", "OnDemandThroughput", "WarmThroughput"]);
        fields.refused(&[
            ("ImportSourceSpecification", "a table starts empty"),
            ("KinesisStreamSpecification", "use a DynamoDB stream"),
            ("ResourcePolicy", "the functions' own policies are what the local stack enforces"),
        ]);
        elsewhere.extend(resolved.elsewhere(&mut fields, ELSEWHERE));
        let name = fields.text("TableName").unwrap_or_else(|| self.scope.name_of(resolved.resource));
        let arn = self.scope.arn_of(resolved.resource).unwrap_or_default();
        let streams = streams(&mut fields);
        let spec = TableSpec {
            logical_id: resolved.id.to_owned(),
            stream_arn: streams.then(|| stream_arn(&arn)),
            create: create(&mut fields, &name),
            name,
            arn,
            ttl: ttl(&mut fields),
            line: resolved.line,
        };
        fields.finish();
        spec
    }
}

fn create(fields: &mut Fields<'_>, name: &str) -> Value {
    let mut body = Map::from_iter([("TableName".to_owned(), json!(name))]);
    for key in ["AttributeDefinitions", "KeySchema"] {
        match fields.json(key) {
            Some(value) => drop(body.insert(key.to_owned(), value)),
            None => fields.refuse(key, "is missing"),
        }
    }
    let on_demand =
        fields.one_of("BillingMode", &["PAY_PER_REQUEST", "PROVISIONED"]).as_deref() == Some("PAY_PER_REQUEST");
    let billing = if on_demand { "PAY_PER_REQUEST" } else { "PROVISIONED" };
    body.insert("BillingMode".to_owned(), json!(billing));
    if fields.node("ProvisionedThroughput").is_none() != on_demand {
        fields.refuse(
            "ProvisionedThroughput",
            "goes with BillingMode PROVISIONED, which is the default, and only with it",
        );
    }
    for key in ["ProvisionedThroughput", "GlobalSecondaryIndexes", "LocalSecondaryIndexes"] {
        body.extend(fields.json(key).map(|value| (key.to_owned(), value)));
    }
    Value::Object(body)
}

/// Whether there is a stream. The local table has none: nothing here reads it, and dynoxide looks through all of a stream's
/// records at each write.
fn streams(fields: &mut Fields<'_>) -> bool {
    let Some(mut stream) = fields.child("StreamSpecification") else { return false };
    stream.required("StreamViewType");
    stream.finish();
    true
}

fn ttl(fields: &mut Fields<'_>) -> Option<String> {
    let mut ttl = fields.child("TimeToLiveSpecification")?;
    let enabled = ttl.flag("Enabled").unwrap_or(false);
    let attribute = ttl.required("AttributeName");
    ttl.finish();
    enabled.then_some(attribute)
}
