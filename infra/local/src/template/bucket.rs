//! `AWS::S3::Bucket`: its name, and what goes away by itself. A bucket here is always private, encrypted or not as the disk is.

use super::{
    BucketSpec, Elsewhere, Expiration,
    fields::Fields,
    node::Node,
    resources::{Reader, Resolved},
};

/// What AWS does for a bucket and a laptop has no use for.
const ELSEWHERE: &[&str] =
    &["BucketEncryption", "PublicAccessBlockConfiguration", "OwnershipControls", "LoggingConfiguration", "Tags"];

impl Reader<'_> {
    pub(super) fn bucket(&self, resolved: &Resolved<'_>, elsewhere: &mut Vec<Elsewhere>) -> BucketSpec {
        let mut fields = self.fields(resolved);
        fields.without_effect(&["BucketName"]);
        fields.refused(&[
            ("VersioningConfiguration", "a bucket keeps one version of an object"),
            ("NotificationConfiguration", "nobody is told of objects"),
            ("ReplicationConfiguration", "there is one region"),
            ("WebsiteConfiguration", "a bucket is private"),
        ]);
        elsewhere.extend(resolved.elsewhere(&mut fields, ELSEWHERE));
        let rules = fields.child("LifecycleConfiguration").map(|mut lifecycle| {
            let rules = lifecycle.node("Rules").and_then(Node::as_list).unwrap_or_default();
            lifecycle.finish();
            rules
        });
        let spec = BucketSpec {
            logical_id: resolved.id.to_owned(),
            name: self.scope.name_of(resolved.resource),
            expirations: rules.unwrap_or_default().iter().filter_map(|rule| self.expiration(rule)).collect(),
            line: resolved.line,
        };
        fields.finish();
        spec
    }

    fn expiration(&self, rule: &Node) -> Option<Expiration> {
        let mut fields = Fields::of("a rule of LifecycleConfiguration", rule.line, Some(rule), self.refusals);
        fields.without_effect(&["Id"]);
        // Nothing is put in parts.
        fields.without_effect(&["AbortIncompleteMultipartUpload"]);
        let enabled = fields.one_of("Status", &["Enabled", "Disabled"]).as_deref() == Some("Enabled");
        let prefix = fields.text("Prefix").unwrap_or_default();
        let days = fields.number("ExpirationInDays", 1..=36_500);
        fields.finish();
        days.filter(|_| enabled).map(|days| Expiration { prefix, days })
    }
}
