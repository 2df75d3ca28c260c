//! What the template grants too widely.

use awsim_iam_policy::{ActionList, ResourceList};
use serde_json::{Value, json};

use super::{DEPLOY_ONLY, is_among};
use crate::template::Stack;

/// Actions that AWS decides on `*` alone, whatever a statement names (Service Authorization Reference, Secrets Manager).
const WITHOUT_RESOURCE: [&str; 1] = ["secretsmanager:ListSecrets"];

/// What the template grants too widely, as `file:line: what`. A wildcard is for what does not exist yet when the template is
/// deployed, so it may only stand after a literal beginning of the resource's name (`table/tenant-*`), and never in an action.
/// Which of an account's SES identities a mail is sent by is SES's choice, so those may be all where one sender is named.
pub fn overbroad(stack: &Stack) -> Vec<String> {
    let functions = stack.functions.iter().map(|f| (&f.logical_id, &f.policy, &WITHOUT_RESOURCE[..]));
    let machines = stack.machines.iter().map(|m| (&m.logical_id, &m.policy, &DEPLOY_ONLY[..]));
    let mut found = Vec::new();
    for (logical_id, policy, without_resource) in functions.chain(machines) {
        let Ok(document) = awsim_iam_policy::parse_value(&policy.document) else {
            continue;
        };
        for (index, (statement, line)) in document.statements.iter().zip(&policy.lines).enumerate() {
            let actions = statement.action.iter().flat_map(ActionList::iter).filter(|a| a.contains(['*', '?']));
            let mut all = statement.action.iter().flat_map(ActionList::iter);
            let only_wide = all.all(|action| is_among(without_resource, action));
            let one_sender = names_one_sender(&policy.document["Statement"][index]);
            let narrowed = |r: &str| only_wide && r == "*" || one_sender && r.ends_with(":identity/*");
            let resources = statement.resource.iter().flat_map(ResourceList::iter).filter(|r| wide(r) && !narrowed(r));
            let names = actions.map(|a| format!("action {a}")).chain(resources.map(|r| format!("resource {r}")));
            found.extend(names.map(|name| format!("{}:{line}: {logical_id} is granted {name}", stack.file)));
        }
    }
    found
}

/// Whether the statement lets mail be sent from one address alone.
fn names_one_sender(statement: &Value) -> bool {
    let (actions, from) = (&statement["Action"], &statement["Condition"]["StringEquals"]["ses:FromAddress"]);
    (*actions == json!(["ses:SendEmail"]) || *actions == json!("ses:SendEmail")) && from.as_str().is_some()
}

/// Whether a wildcard stands anywhere but after the beginning of the resource's own name.
fn wide(resource: &str) -> bool {
    let wildcard = |text: &str| text.contains(['*', '?']);
    let Some((index, _)) = resource.match_indices(':').nth(4) else {
        return true;
    };
    let (scope, name) = resource.split_at(index);
    let literal = name[1..].split(['*', '?']).next().unwrap_or_default();
    let own = literal.split_once(['/', ':']).map_or("", |(_, own)| own);
    wildcard(scope) || wildcard(name) && own.is_empty()
}
