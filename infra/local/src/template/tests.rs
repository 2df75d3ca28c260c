//! The whole sample, and every kind of refusal as a developer would read it.

use super::*;
use serde_json::json;

const SAMPLE: &str = include_str!("sample.yaml");

fn inputs(parameters: &[(&str, &str)]) -> Inputs {
    Inputs {
        region: "us-east-1".to_owned(),
        stack_name: "innkeeper".to_owned(),
        parameters: parameters.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect(),
        api_endpoint: Some("http://127.0.0.1:8080".to_owned()),
    }
}

fn sample(parameters: &[(&str, &str)]) -> Stack {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src/template/sample.yaml"));
    Stack::parse(path, SAMPLE, &inputs(parameters)).unwrap_or_else(|refusals| panic!("{}", lines(&refusals)))
}

fn lines(refusals: &[Refusal]) -> String {
    refusals.iter().map(|r| format!("{r}\n")).collect()
}

/// The refusals of a template made of `resources` (and whatever sections follow them).
fn refusals(resources: &str) -> String {
    let text = format!("Transform: AWS::Serverless-2016-10-31\nResources:\n{resources}");
    match Stack::parse(Path::new("template.yaml"), &text, &inputs(&[])) {
        Ok(stack) => format!("accepted: {stack:?}"),
        Err(refusals) => lines(&refusals),
    }
}

#[test]
fn a_function_is_read_with_its_globals() {
    let stack = sample(&[]);
    let create = &stack.functions[0];
    assert_eq!((create.name.as_str(), create.binary.as_str()), ("innkeeper-dev-create", "signup-create"));
    assert_eq!(create.arn, "arn:aws:lambda:us-east-1:123456789012:function:innkeeper-dev-create");
    assert_eq!((create.timeout, create.memory, create.concurrency), (10, 256, Some(50)));
    insta::assert_json_snapshot!(create.env, @r#"
    {
      "CORE_TABLE": "innkeeper-core",
      "FIRST_ORIGIN": "https://a.test",
      "HOURLY": "1000",
      "KEYS": "arn:aws:secretsmanager:us-east-1:123456789012:secret:innkeeper/dev/signing-keys-726mr3",
      "MACHINE": "arn:aws:states:us-east-1:123456789012:stateMachine:innkeeper-provisioning",
      "PUBLIC_URL": "http://127.0.0.1:8080",
      "STAGE": "dev",
      "STATUS_URL": "https://app.example.test/${tenant}"
    }
    "#);
    let rotate = &stack.functions[1];
    assert_eq!((rotate.name.as_str(), rotate.binary.as_str()), ("innkeeper-Rotate", "rotate-signing-key"));
    assert_eq!((rotate.timeout, rotate.memory), (10, 128));
}

#[test]
fn parameters_and_conditions_choose() {
    let stack = sample(&[("Stage", "prod")]);
    assert_eq!(stack.functions[0].env["EXTRA"], "yes");
    assert_eq!(stack.functions[0].memory, 512);
    assert!(stack.outputs.contains_key("Secret"));
    assert!(stack.not_run_locally().iter().any(|e| e.logical_id == "Alarm"));
    assert!(!sample(&[]).outputs.contains_key("Secret"));
}

#[test]
fn events_become_routes_and_schedules() {
    let create = &sample(&[]).functions[0];
    let routes: Vec<_> = create.routes.iter().map(|r| format!("{} {}", r.method, r.path)).collect();
    assert_eq!(routes, ["POST /api/v1/tenants", "GET /api/v1/tenants/{id}/status"]);
    let [sweep, nightly] = &create.schedules[..] else { panic!("two schedules") };
    assert_eq!(
        (sweep.name.as_str(), sweep.enabled, sweep.input.clone()),
        ("CreateSweep", true, Some(json!({ "job": "sweep" })))
    );
    assert_eq!((nightly.name.as_str(), nightly.enabled), ("nightly", false));
}

#[test]
fn a_policy_is_one_document_with_lines() {
    let policy = &sample(&[]).functions[0].policy;
    assert_eq!(policy.document["Statement"].as_array().unwrap().len(), 3);
    let text = SAMPLE.lines().nth(policy.lines[0] - 1).unwrap();
    assert_eq!(text.trim(), "- Sid: Write");
    assert_eq!(
        policy.document["Statement"][0]["Resource"],
        json!([
            "arn:aws:dynamodb:us-east-1:123456789012:table/innkeeper-core",
            "arn:aws:dynamodb:us-east-1:123456789012:table/innkeeper-core/index/*"
        ])
    );
}

#[test]
fn a_table_is_the_body_of_create_table() {
    let stack = sample(&[]);
    let core = &stack.tables[0];
    assert_eq!(core.ttl.as_deref(), Some("ttl"));
    assert!(core.stream_arn.as_ref().unwrap().starts_with(&format!("{}/stream/", core.arn)));
    assert_eq!(
        core.create,
        json!({
            "TableName": "innkeeper-core",
            "AttributeDefinitions": [{ "AttributeName": "pk", "AttributeType": "S" }, { "AttributeName": "sk", "AttributeType": "S" }],
            "KeySchema": [{ "AttributeName": "pk", "KeyType": "HASH" }, { "AttributeName": "sk", "KeyType": "RANGE" }],
            "BillingMode": "PAY_PER_REQUEST"
        })
    );
}

#[test]
fn secrets_machines_and_the_api_are_read() {
    let stack = sample(&[]);
    let secret = stack.secrets[0].generate.as_ref().unwrap();
    assert_eq!((secret.length, secret.exclude_punctuation, secret.require_each_included_type), (64, true, true));
    assert_eq!(secret.template, Some((json!({ "kid": "first" }), "seed".to_owned())));
    assert_eq!(stack.rotations[0].expression, "rate(30 days)");
    assert_eq!(stack.rotations[0].function_arn, stack.functions[1].arn);
    assert_eq!(stack.machines[0].substitutions["CreateArn"], stack.functions[0].arn);
    assert!(stack.machines[0].definition.is_file());
    let cors = stack.api.as_ref().unwrap().cors.as_ref().unwrap();
    assert_eq!((cors.allow_origins[1].as_str(), cors.max_age), ("https://b.test", Some(600)));
    assert_eq!(stack.outputs["Url"], "http://127.0.0.1:8080");
}

#[test]
fn what_only_aws_does_is_listed() {
    let listed: Vec<_> =
        sample(&[]).not_run_locally().iter().map(|e| format!("{}: {}", e.logical_id, e.kind)).collect();
    assert_eq!(
        listed,
        [
            "Core: AWS::DynamoDB::Table.PointInTimeRecoverySpecification",
            "Core: AWS::DynamoDB::Table.SSESpecification",
            "Core: AWS::DynamoDB::Table.DeletionProtectionEnabled",
            "Create: AWS::Serverless::Function.DeadLetterQueue",
        ]
    );
}

#[test]
fn unknown_types_and_properties_are_refused() {
    insta::assert_snapshot!(refusals("  A: { Type: AWS::IAM::Role }
  B: { Type: AWS::EC2::Instance }
  C:
    Type: AWS::DynamoDB::Table
    UpdatePolicy: {}
    Properties:
      BilingMode: PAY_PER_REQUEST
      KeySchema: []
      AttributeDefinitions: []
Hooks: {}
"), @r#"
    template.yaml:3: A: the local stack does not run AWS::IAM::Role: give the function its own Policies
    template.yaml:4: B: the local stack does not run AWS::EC2::Instance: teach infra/local to run it, or keep it in a stack of its own
    template.yaml:5: C (AWS::DynamoDB::Table): ProvisionedThroughput goes with BillingMode PROVISIONED, which is the default, and only with it
    template.yaml:7: resource C: unknown property UpdatePolicy
    template.yaml:9: C (AWS::DynamoDB::Table): unknown property BilingMode
    template.yaml:12: template: unknown property Hooks
    "#);
}

#[test]
fn a_function_that_would_differ_on_aws_is_refused() {
    insta::assert_snapshot!(refusals("  F:
    Type: AWS::Serverless::Function
    Properties:
      Handler: bootstrap
      Role: arn:aws:iam::1:role/x
      Timeout: 60
      MemorySize: 64
      Environment: { Variables: { AWS_REGION: x, LIST: [1] } }
      Policies:
        - AmazonDynamoDBFullAccess
        - DynamoDBCrudPolicy: { TableName: t }
        - Statement:
            - Effect: Alow
              Action: s3:GetObject
              Resource: x
            - Effect: Allow
              NotAction: s3:GetObject
              Resource: x
              Condition: { StringEquals: { 'ses:FromAddress': a } }
      Events:
        A: { Type: HttpApi, Properties: { Path: x, Method: FETCH } }
        B: { Type: HttpApi, Properties: { ApiId: a, Path: '/{a+}/b', Method: get } }
        C: { Type: SQS }
        D: { Type: Schedule, Properties: { Schedule: rate(1 minutes), Input: '{' } }
        E: { Type: HttpApi, Properties: { ApiId: a, Path: '/t/{a}', Method: get } }
        F: { Type: HttpApi, Properties: { ApiId: a, Path: '/t/{b}', Method: GET } }
"), @r#"
    template.yaml:6: F (AWS::Serverless::Function): Handler names no binary: set Metadata.BuildProperties.Binary
    template.yaml:7: F (AWS::Serverless::Function): Role is not run locally: the function's own Policies are what the local stack enforces
    template.yaml:8: F (AWS::Serverless::Function): Timeout exceeds the 30 s that API Gateway waits for a route
    template.yaml:9: F (AWS::Serverless::Function): MemorySize must be a number from 128 to 10240, not 64
    template.yaml:10: F (AWS::Serverless::Function): Environment: Variables sets AWS_REGION, which belongs to Lambda
    template.yaml:10: F (AWS::Serverless::Function): Environment: Variables.LIST must be a string
    template.yaml:12: managed policy AmazonDynamoDBFullAccess grants more than it shows: write an inline {Statement: […]} that names the actions and resources
    template.yaml:13: SAM policy template DynamoDBCrudPolicy is not expanded locally: write the same actions as an inline {Statement: […]}
    template.yaml:15: statement: invalid effect: Alow
    template.yaml:18: statement: Action is missing
    template.yaml:19: statement: NotAction is not run locally: list the actions
    template.yaml:21: condition key ses:FromAddress is not evaluated locally: narrow Resource instead
    template.yaml:23: F.A: ApiId is missing: SAM would make a second API for this route
    template.yaml:23: F.A: Method FETCH is not one of GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS, ANY
    template.yaml:23: F.A: Path x must start with /
    template.yaml:23: FETCH x has no AWS::Serverless::HttpApi
    template.yaml:24: F.B: Path /{a+}/b has a greedy parameter that is not the last segment
    template.yaml:24: GET /{a+}/b has no AWS::Serverless::HttpApi
    template.yaml:25: F.C: Type SQS is not run locally: use HttpApi, Schedule, ScheduleV2 or EventBridgeRule
    template.yaml:26: F.D: Input must be JSON
    template.yaml:26: F.D: Schedule rate(1 minutes) is not rate(value unit) with minute(s), hour(s) or day(s)
    template.yaml:27: GET /t/{a} has no AWS::Serverless::HttpApi
    template.yaml:28: GET /t/{b} has no AWS::Serverless::HttpApi
    template.yaml:28: GET /t/{b} is already a route, on line 27
    "#);
}

#[test]
fn names_that_stand_for_nothing_are_refused() {
    insta::assert_snapshot!(refusals("  Q:
    Type: AWS::Logs::LogGroup
    Properties:
      A: !Ref Missing
      B: !Sub '${Missing.Arn} ${AWS::StackId}'
      C: !GetAtt Q.Colour
      D: !ImportValue other
      E: !If [Nope, 1, 2]
      F: !Base64 x
      G: !Ref Gone
      LogGroupName: !Ref Q
  Gone: { Type: AWS::SNS::Topic, Condition: Never }
Conditions:
  Never: !Equals [a, b]
Parameters:
  P: { Type: String }
  S: { Type: 'AWS::SSM::Parameter::Value<String>', Default: /x }
  V: { Type: String, Default: c, AllowedValues: [a, b] }
"), @r#"
    template.yaml:6: Missing is neither a parameter nor a resource of this template
    template.yaml:7: Missing is neither a parameter nor a resource of this template
    template.yaml:8: Q (AWS::Logs::LogGroup) has no attribute Colour here
    template.yaml:9: Fn::ImportValue reads another stack: take a parameter instead
    template.yaml:10: there is no condition Nope
    template.yaml:11: Fn::Base64 is not supported with these arguments
    template.yaml:12: Gone does not exist while condition Never is false
    template.yaml:13: Q.LogGroupName refers to itself in a circle
    template.yaml:18: parameter P: Default is missing and no value was given
    template.yaml:19: parameter S: Type reads SSM, which does not run locally: take a String with a default
    template.yaml:20: parameter V: AllowedValues are a, b, not c
    "#);
}

#[test]
fn secrets_and_rotations_that_aws_would_not_start_are_refused() {
    insta::assert_snapshot!(refusals("  S:
    Type: AWS::SecretsManager::Secret
    Properties: { SecretString: hunter2 }
  T:
    Type: AWS::SecretsManager::Secret
    Properties: { GenerateSecretString: { GenerateStringKey: k, PasswordLength: 0 } }
  F:
    Type: AWS::Serverless::Function
    Properties: { Handler: rotate }
  R:
    Type: AWS::SecretsManager::RotationSchedule
    Properties: { SecretId: !Ref S, RotationLambdaARN: !GetAtt F.Arn, RotationRules: { AutomaticallyAfterDays: 1 } }
  N:
    Type: AWS::SecretsManager::RotationSchedule
    Properties: { SecretId: x, RotationLambdaARN: y, RotationRules: {} }
  M:
    Type: AWS::Serverless::StateMachine
    Properties: { Type: EXPRESS, DefinitionUri: nowhere.json }
  H: { Type: AWS::Serverless::HttpApi, Properties: { StageName: v1 } }
  I: { Type: AWS::Serverless::HttpApi }
"), @r#"
    template.yaml:5: S (AWS::SecretsManager::Secret): SecretString is not run locally: a value in the template is no secret; use GenerateSecretString
    template.yaml:8: T (AWS::SecretsManager::Secret): GenerateSecretString: GenerateStringKey and SecretStringTemplate go together
    template.yaml:8: T (AWS::SecretsManager::Secret): GenerateSecretString: PasswordLength must be a number from 1 to 4096, not 0
    template.yaml:12: R: AWS could not invoke F: add an AWS::Lambda::Permission for secretsmanager.amazonaws.com
    template.yaml:17: N (AWS::SecretsManager::RotationSchedule): RotationRules must say AutomaticallyAfterDays or ScheduleExpression
    template.yaml:20: M (AWS::Serverless::StateMachine): DefinitionUri nowhere.json is not a file
    template.yaml:20: M (AWS::Serverless::StateMachine): Type must be STANDARD, not EXPRESS
    template.yaml:21: H (AWS::Serverless::HttpApi): StageName must be $default, not v1
    template.yaml:22: I: there is one API, and H is it
    "#);
}

#[test]
fn broken_yaml_is_a_refusal() {
    let parse = |text| lines(&Stack::parse(Path::new("t.yaml"), text, &inputs(&[])).unwrap_err());
    insta::assert_snapshot!(parse("a: 1\na: 2\n"), @"t.yaml:2: not YAML: duplicated key in mapping");
    insta::assert_snapshot!(parse("a: [1\n"), @"t.yaml:2: not YAML: while parsing a flow sequence, expected ',' or ']'");
    insta::assert_snapshot!(parse(""), @"t.yaml:1: is empty");
    insta::assert_snapshot!(lines(&Stack::read(Path::new("no/such.yaml"), &inputs(&[])).unwrap_err()), @"no/such.yaml:1: cannot be read: No such file or directory (os error 2)");
}
