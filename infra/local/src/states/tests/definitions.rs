//! What is refused, where, and with which words.

use std::collections::BTreeMap;

use super::*;

fn refused(text: &str) -> String {
    Definition::parse("statemachines/x.asl.json", text, &BTreeMap::new()).unwrap_err().to_string()
}

/// The state stands from line 4 on.
fn refused_state(state: &str) -> String {
    refused(&format!("{{\n\"StartAt\": \"Foo\",\n\"States\": {{\n\"Foo\": {state}\n}}\n}}"))
}

#[test]
fn a_refusal_names_file_line_state_field_and_what_instead() {
    let text = refused_state(
        "{\n\"Type\": \"Map\", \"End\": true,\n\"ItemReader\": {},\n\"ItemProcessor\": {\"StartAt\": \"B\", \"States\": {\"B\": {\"Type\": \"Succeed\"}}}}",
    );
    assert_eq!(
        text,
        "statemachines/x.asl.json:6: state \"Foo\": field \"ItemReader\" is not supported by the local stack; use an INLINE Map over an array"
    );
}

#[test]
fn every_mistake_is_found_on_its_line() {
    let cases = [
        ("{\"Type\": \"Pass\",\n\"End\": true,\n\"Assign\": {}}", 6, "field \"Assign\" is not supported"),
        ("{\"Type\": \"Pass\",\n\"Next\": \"Bar\"}", 5, "there is no state \"Bar\" beside it"),
        ("{\"Type\": \"Pass\"}", 4, "needs either Next or \"End\": true"),
        ("{\"Type\": \"Nap\", \"End\": true}", 4, "\"Nap\" is not a type of state"),
        ("{\"End\": true}", 4, "field \"Type\" is missing"),
        (
            "{\"Type\": \"Task\", \"End\": true,\n\"Resource\": \"arn:aws:states:::sqs:sendMessage\"}",
            5,
            "arn:aws:states:::sqs:sendMessage",
        ),
        (
            "{\"Type\": \"Task\", \"End\": true, \"Resource\": \"arn:aws:states:::lambda:invoke\",\n\"Parameters\": {\n\"FunctionName\": \"f\",\n\"InvocationType\": \"Event\"}}",
            7,
            "field \"InvocationType\" is not supported",
        ),
        (
            "{\"Type\": \"Task\", \"End\": true, \"Resource\": \"arn:aws:states:::lambda:invoke.waitForTaskToken\",\n\"Parameters\": {\"FunctionName\": \"f\"}}",
            5,
            "$$.Task.Token is nowhere handed out",
        ),
        (
            "{\"Type\": \"Task\", \"End\": true, \"Resource\": \"arn:aws:lambda:us-east-1:123456789012:function:f\",\n\"HeartbeatSeconds\": 5}",
            4,
            "cannot send a heartbeat",
        ),
        ("{\"Type\": \"Pass\", \"End\": true,\n\"InputPath\": \"$..a\"}", 5, "only reference paths"),
        ("{\"Type\": \"Pass\", \"End\": true,\n\"ResultPath\": \"$$.a\"}", 5, "not in the context object"),
        (
            "{\"Type\": \"Pass\", \"End\": true,\n\"Parameters\": {\n\"x.$\": \"States.UUID()\"}}",
            6,
            "States.UUID is not supported",
        ),
        (
            "{\"Type\": \"Pass\", \"End\": true,\n\"Parameters\": {\n\"x.$\": \"States.Format('{} {}', $.a)\"}}",
            6,
            "needs 3 arguments here, not 2",
        ),
        (
            "{\"Type\": \"Pass\", \"End\": true,\n\"Parameters\": {\"x.$\": \"plain\"}}",
            5,
            "neither a reference path nor",
        ),
        ("{\"Type\": \"Pass\", \"End\": true,\n\"Parameters\": {\"x.$\": 5}}", 5, "must be a string"),
        (
            "{\"Type\": \"Choice\",\n\"Choices\": [{\"Variable\": \"$.a\",\n\"StringMatches\": \"a*\", \"Next\": \"Foo\"}]}",
            5,
            "needs one supported operator",
        ),
        (
            "{\"Type\": \"Choice\",\n\"Choices\": [{\"Variable\": \"$.a\",\n\"NumericEquals\": \"1\", \"Next\": \"Foo\"}]}",
            6,
            "needs a value of that type",
        ),
        ("{\"Type\": \"Choice\",\n\"Choices\": []}", 5, "Choices is empty"),
        ("{\"Type\": \"Wait\", \"End\": true, \"Seconds\": 1, \"SecondsPath\": \"$.a\"}", 4, "exclude each other"),
        ("{\"Type\": \"Wait\", \"End\": true}", 4, "exactly one of"),
        (
            "{\"Type\": \"Parallel\", \"End\": true, \"Branches\": [],\n\"Retry\": [{\"ErrorEquals\": [\"States.ALL\", \"X\"]}]}",
            5,
            "States.ALL must stand alone",
        ),
        (
            "{\"Type\": \"Parallel\", \"End\": true, \"Branches\": [],\n\"Retry\": [{\"ErrorEquals\": [\"X\"],\n\"BackoffRate\": 0.5}]}",
            6,
            "BackoffRate must be at least 1",
        ),
        (
            "{\"Type\": \"Parallel\", \"End\": true, \"Branches\": [],\n\"Retry\": [{\"ErrorEquals\": [\"X\"],\n\"JitterStrategy\": \"HALF\"}]}",
            6,
            "FULL or NONE",
        ),
        ("{\"Type\": \"Map\", \"End\": true,\n\"Iterator\": {}}", 5, "use ItemProcessor"),
        (
            "{\"Type\": \"Map\", \"End\": true, \"ItemProcessor\": {\n\"ProcessorConfig\": {\"Mode\": \"DISTRIBUTED\"}}}",
            5,
            "INLINE",
        ),
        ("{\"Type\": \"Succeed\",\n\"Retry\": []}", 5, "field \"Retry\" is not supported"),
        ("{\"Type\": \"Succeed\"},\n\"Lost\": {\"Type\": \"Succeed\"}", 5, "state \"Lost\": no state leads to it"),
        ("{\"Type\": \"Succeed\"", 6, "not JSON"),
    ];
    for (state, line, what) in cases {
        let text = refused_state(state);
        assert!(
            text.starts_with(&format!("statemachines/x.asl.json:{line}: ")) && text.contains(what),
            "{state}\n{text}"
        );
    }
}

#[test]
fn another_query_language_is_refused() {
    let text = refused("{\"StartAt\": \"A\",\n\"QueryLanguage\": \"JSONata\",\n\"States\": {}}");
    assert_eq!(text, "statemachines/x.asl.json:2: the state machine: the local stack speaks JSONPath only");
}

#[test]
fn names_are_unique_in_the_whole_machine() {
    let text = refused_state(
        "{\"Type\": \"Parallel\", \"End\": true, \"Branches\": [\n{\"StartAt\": \"Foo\", \"States\": {\"Foo\": {\"Type\": \"Succeed\"}}}]}",
    );
    assert!(text.contains("its name stands twice"), "{text}");
}

#[test]
fn substitutions_replace_placeholders_and_keep_lines() {
    let text =
        "{\"StartAt\": \"A\", \"States\": {\"A\": {\n\"Type\": \"Task\", \"End\": true,\n\"Resource\": \"${Arn}\"}}}";
    let values = [("Arn".to_owned(), "arn:aws:lambda:us-east-1:123456789012:function:f".to_owned())].into();
    let definition = Definition::parse("x", text, &values).unwrap();
    assert_eq!(definition.functions(), ["arn:aws:lambda:us-east-1:123456789012:function:f"]);
    assert_eq!(definition.state_names(), ["A"]);
    assert_eq!(refused(text), "statemachines/x.asl.json:3: DefinitionSubstitutions has no \"Arn\"");
}
