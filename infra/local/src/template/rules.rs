//! `Rules`: what CloudFormation refuses to deploy. Nothing here obeys them, as what runs here is not deployed; tests ask them.

use super::{Inputs, Refusal, node::Node, refusal::Refusals, scope::Scope};

/// What CloudFormation would say of a deployment with these parameters: the descriptions of all assertions that do not hold.
///
/// # Errors
/// What in the template is not understood.
pub fn broken_rules(text: &str, inputs: &Inputs) -> Result<Vec<String>, Vec<Refusal>> {
    let refusals = Refusals::new("template");
    let broken = Node::parse(text, &refusals).map(|root| {
        let scope = Scope::new(&root, inputs, &refusals);
        let rules = root.get("Rules").map_or(&[][..], Node::entries).iter().map(|rule| &rule.value);
        let in_force = rules.filter(|rule| rule.get("RuleCondition").is_none_or(|node| scope.truth(node)));
        let assertions = in_force.flat_map(|rule| rule.get("Assertions").and_then(Node::as_list).unwrap_or_default());
        let broken = assertions.filter(|it| !it.get("Assert").is_some_and(|node| scope.truth(node)));
        broken.map(|it| it.get("AssertDescription").and_then(Node::as_text).unwrap_or_default()).collect::<Vec<_>>()
    });
    let found = refusals.take();
    if found.is_empty() { Ok(broken.unwrap_or_default()) } else { Err(found) }
}
