//! `Policies` of a function or state machine: inline statements only, so that the template says all that a role may do.

use super::{
    PolicySpec,
    fields::Fields,
    node::{Kind, Node},
    resources::Reader,
};
use serde_json::{Value, json};

/// Condition keys whose value is the same for every local call. A key that depends on the request needs its service to supply
/// it ([`OF_REQUEST`]); without that, the statement would silently never match.
pub(crate) const CONTEXT: &[(&str, &str)] =
    &[("aws:SecureTransport", "true"), ("aws:PrincipalAccount", super::arn::ACCOUNT)];
pub(crate) const REGION_KEY: &str = "aws:RequestedRegion";
/// Condition keys of the request, and the one action whose service supplies each.
const OF_REQUEST: &[(&str, &str)] = &[("ses:FromAddress", "ses:SendEmail")];

impl Reader<'_> {
    pub(super) fn policy(&self, fields: &mut Fields<'_>) -> PolicySpec {
        let mut statements = Vec::new();
        let policies = fields.node("Policies");
        let documents = match policies {
            Some(Node { kind: Kind::List(items), .. }) => items.as_slice(),
            Some(single) => std::slice::from_ref(single),
            None => &[],
        };
        for document in documents {
            self.collect(document, &mut statements);
        }
        let (lines, statements): (Vec<_>, Vec<_>) = statements.into_iter().unzip();
        PolicySpec { document: json!({ "Version": "2012-10-17", "Statement": statements }), lines }
    }

    fn collect(&self, document: &Node, statements: &mut Vec<(usize, Value)>) {
        let line = document.line;
        if let Some(managed) = document.as_text() {
            let advice = "write an inline {Statement: […]} that names the actions and resources";
            return self.refusals.at(line, format!("managed policy {managed} grants more than it shows: {advice}"));
        }
        if let [only] = document.entries()
            && only.key != "Statement"
        {
            let advice = "write the same actions as an inline {Statement: […]}";
            return self
                .refusals
                .at(line, format!("SAM policy template {} is not expanded locally: {advice}", only.key));
        }
        let mut fields = Fields::of("policy", line, Some(document), self.refusals);
        fields.one_of("Version", &["2012-10-17"]);
        match fields.node("Statement") {
            Some(Node { kind: Kind::List(items), .. }) => statements.extend(items.iter().map(|s| self.statement(s))),
            Some(single) => statements.push(self.statement(single)),
            None if matches!(document.kind, Kind::Refused) => {}
            None => fields.refuse("Statement", "is missing"),
        }
        fields.finish();
    }

    fn statement(&self, node: &Node) -> (usize, Value) {
        let mut fields = Fields::of("statement", node.line, Some(node), self.refusals);
        fields.refused(&[
            ("NotAction", "list the actions"),
            ("NotResource", "list the resources"),
            ("Principal", "a role's policy has no principal"),
        ]);
        fields.text("Sid");
        fields.required("Effect");
        for key in ["Action", "Resource"] {
            if fields.node(key).is_none() {
                fields.refuse(key, "is missing");
            }
        }
        let operators = fields.node("Condition").map_or(&[][..], Node::entries).iter();
        for key in operators.flat_map(|operator| operator.value.entries()) {
            let fixed = CONTEXT.iter().map(|(name, _)| *name).chain([REGION_KEY]);
            let of_request = OF_REQUEST.iter().filter(|(_, action)| only(node, action)).map(|(name, _)| *name);
            let known = fixed.chain(of_request).any(|name| name.eq_ignore_ascii_case(&key.key));
            if !known {
                let message = format!("condition key {} is not evaluated locally: narrow Resource instead", key.key);
                self.refusals.at(key.line, message);
            }
        }
        fields.finish();
        let value = node.to_json();
        if let Err(e) = awsim_iam_policy::parse_value(&json!({ "Statement": [value] }))
            && !matches!(node.kind, Kind::Refused)
        {
            self.refusals.at(node.line, format!("statement: {e}"));
        }
        (node.line, value)
    }
}

/// Whether the statement is about this action and no other.
fn only(statement: &Node, action: &str) -> bool {
    match statement.get("Action").map(|node| (node.as_list(), node.as_text())) {
        Some((Some(all), _)) => !all.is_empty() && all.iter().all(|one| one.as_text().as_deref() == Some(action)),
        Some((None, one)) => one.as_deref() == Some(action),
        None => false,
    }
}
