//! What only shows when all resources are read: names used twice, routes that collide, rotations that AWS would not start.

use super::{Stack, refusal::Refusals};
use std::collections::BTreeMap;

pub(super) fn across(stack: &Stack, refusals: &Refusals) {
    routes(stack, refusals);
    names(stack, refusals);
    rotations(stack, refusals);
}

/// Two routes are one to API Gateway when they differ in the names of parameters only.
fn routes(stack: &Stack, refusals: &Refusals) {
    let mut seen = BTreeMap::new();
    for function in &stack.functions {
        for route in &function.routes {
            if let Some(first) = seen.insert((route.method.as_str(), shape(&route.path)), route.line) {
                let message = format!("{} {} is already a route, on line {first}", route.method, route.path);
                refusals.at(route.line, message);
            }
            if stack.api.is_none() {
                refusals.at(route.line, format!("{} {} has no AWS::Serverless::HttpApi", route.method, route.path));
            }
        }
    }
}

fn shape(path: &str) -> String {
    let segments = path.split('/').map(|segment| match segment {
        greedy if greedy.ends_with("+}") => "{+}",
        parameter if parameter.starts_with('{') => "{}",
        fixed => fixed,
    });
    segments.collect::<Vec<_>>().join("/")
}

fn names(stack: &Stack, refusals: &Refusals) {
    let functions = stack.functions.iter().map(|f| (&f.arn, f.line));
    let tables = stack.tables.iter().map(|t| (&t.arn, t.line));
    let secrets = stack.secrets.iter().map(|s| (&s.arn, s.line));
    let machines = stack.machines.iter().map(|m| (&m.arn, m.line));
    let mut seen = BTreeMap::new();
    for (arn, line) in functions.chain(tables).chain(secrets).chain(machines) {
        if let Some(first) = seen.insert(arn, line) {
            refusals.at(line.max(first), format!("{arn} is declared twice, first on line {}", line.min(first)));
        }
    }
}

fn rotations(stack: &Stack, refusals: &Refusals) {
    for rotation in &stack.rotations {
        let line = rotation.line;
        if !stack.secrets.iter().any(|secret| secret.arn == rotation.secret_arn) {
            refusals.at(line, format!("{}: SecretId is no secret of this template", rotation.logical_id));
        }
        let Some(function) = stack.functions.iter().find(|f| f.arn == rotation.function_arn) else {
            refusals.at(line, format!("{}: RotationLambdaARN is no function of this template", rotation.logical_id));
            continue;
        };
        let may_invoke = stack.invocations.iter().any(|permission| {
            permission.principal == "secretsmanager.amazonaws.com"
                && (permission.function == function.arn || permission.function == function.name)
        });
        if !may_invoke {
            let advice = "add an AWS::Lambda::Permission for secretsmanager.amazonaws.com";
            refusals
                .at(line, format!("{}: AWS could not invoke {}: {advice}", rotation.logical_id, function.logical_id));
        }
    }
}
