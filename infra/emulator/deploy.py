#!/usr/bin/env python3
"""Deploys infra/template.yaml into the emulator, as `sam deploy` would into an account.

    deploy.py ENDPOINT PUBLIC_URL FOLDER_OF_BINARIES [NAME=VALUE ...]

The template is expanded by AWS's own translator, packages and definitions go to S3, and CloudFormation makes the stack.
What it changes on the way, README.md lists.
"""
import collections
import io
import json
import logging
import os
import sys
import zipfile
from pathlib import Path

os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
os.environ.setdefault("AWS_ACCESS_KEY_ID", "test")
os.environ.setdefault("AWS_SECRET_ACCESS_KEY", "test")

import boto3
from botocore.exceptions import ClientError
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

INFRA = Path(__file__).resolve().parent.parent
STACK, BUCKET = "innkeeper", "innkeeper-artifacts"


class NoManagedPolicies:
    def load(self):
        return {}


def artifacts(template, put):
    """What `sam package` does: local paths become objects."""
    for resource in template["Resources"].values():
        properties = resource.get("Properties", {})
        if "CodeUri" in properties:
            name = Path(properties["CodeUri"]).name
            properties["CodeUri"] = {"Bucket": BUCKET, "Key": put.package(name)}
        if "DefinitionUri" in properties:
            path = INFRA / properties["DefinitionUri"]
            properties["DefinitionUri"] = {"Bucket": BUCKET, "Key": put.file(path)}


class Put:
    def __init__(self, s3, binaries):
        self.s3, self.binaries = s3, Path(binaries).resolve()
        s3.create_bucket(Bucket=BUCKET)

    def package(self, name):
        binary = self.binaries / name
        if not os.access(binary, os.X_OK):
            sys.exit(f"{binary} is not there: cargo build --workspace --bins first")
        package = io.BytesIO()
        with zipfile.ZipFile(package, "w") as archive:
            entry = zipfile.ZipInfo("bootstrap")
            entry.external_attr = 0o755 << 16
            archive.writestr(entry, f"#!/bin/sh\nexec '{binary}'\n")
        return self.object(f"{name}.zip", package.getvalue())

    def file(self, path):
        return self.object(path.name, path.read_bytes())

    def object(self, key, body):
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=body)
        return key


def explicit_api(resources):
    """ministack makes nothing of an API's OpenAPI `Body`: the same routes, one resource each."""
    routes = 0
    for api, resource in list(resources.items()):
        if resource["Type"] != "AWS::ApiGatewayV2::Api" or "Body" not in resource["Properties"]:
            continue
        body = resource["Properties"].pop("Body")
        resource["Properties"] |= {"Name": body["info"]["title"], "ProtocolType": "HTTP"}
        for path, methods in body["paths"].items():
            for method, operation in methods.items():
                routes += 1
                integration = operation["x-amazon-apigateway-integration"]
                verb = "ANY" if method == "x-amazon-apigateway-any-method" else method.upper()
                resources[f"{api}Integration{routes}"] = {
                    "Type": "AWS::ApiGatewayV2::Integration",
                    "Properties": {
                        "ApiId": {"Ref": api},
                        "IntegrationType": "AWS_PROXY",
                        "IntegrationUri": integration["uri"],
                        "PayloadFormatVersion": integration["payloadFormatVersion"],
                    },
                }
                resources[f"{api}Route{routes}"] = {
                    "Type": "AWS::ApiGatewayV2::Route",
                    "Properties": {
                        "ApiId": {"Ref": api},
                        "RouteKey": path if path == "$default" else f"{verb} {path}",
                        "Target": {"Fn::Sub": f"integrations/${{{api}Integration{routes}}}"},
                    },
                }
    return routes


def task_tokens(resources):
    """ministack decides on SendTask* without a resource, as the Service Authorization Reference has it. AWS takes the
    machine's ARN, too (what CDK's grantTaskResponse grants), and the template grants no more."""
    for resource in resources.values():
        for policy in resource["Properties"].get("Policies", []) if resource["Type"] == "AWS::IAM::Role" else []:
            for statement in policy["PolicyDocument"]["Statement"]:
                if any("SendTask" in action for action in statement.get("Action", [])):
                    statement["Resource"] = "*"


def without_what_is_not_there(resources):
    """ministack has no CodeDeploy, so an alias moves at once and is asked nothing before, no alarms over several metrics, and
    no TLS: the policies of bucket, queue and topic refuse its callers, as they should."""
    for name, resource in list(resources.items()):
        kind, properties = resource["Type"], resource["Properties"]
        several = kind == "AWS::CloudWatch::Alarm" and "Metrics" in properties
        over_tls = kind in ("AWS::S3::BucketPolicy", "AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy")
        if kind.startswith("AWS::CodeDeploy::") or several or over_tls:
            del resources[name]
    for resource in resources.values():
        if resource["Type"] == "AWS::Lambda::Alias":
            resource.pop("UpdatePolicy", None)
    hook = resources["PlatformProbeFunctionRole"]["Properties"]["Policies"][0]["PolicyDocument"]
    hook["Statement"] = [statement for statement in hook["Statement"] if statement["Sid"] != "Tell"]


SOUND = {
    "Stage": "production",
    "BaseDomain": "lanterns.example",
    "PublicUrl": "https://api.lanterns.example",
    "MailFrom": "welcome@lanterns.example",
    "BootstrapEmail": "ada@lanterns.example",
}
# Every call of the tests comes from one address.
FOR_ONE_ADDRESS = ("SignupsPerMinute", "StatusesPerMinute", "CallerCallsPer15Minutes", "ClientCallsPer15Minutes")
WEAK = [
    ("Stage", "local"),
    ("RequireHttps", "false"),
    ("RequirePlatformMfa", "false"),
    ("BaseDomain", "example.com"),
    ("PublicUrl", "https://api.example.com"),
    ("PublicUrl", "http://api.lanterns.example"),
    ("MailFrom", "welcome@example.com"),
    ("MailFrom", "Lanterns <welcome@lanterns.example>"),
    ("BootstrapEmail", "admin@example.com"),
    ("PasswordConcurrency", "0"),
    ("RateLimits", "off"),
    ("SignupsPerMinute", "30"),
    ("AllowedOrigins", "*"),
]


def refuses_weak_settings(create):
    """Each weak setting alone keeps production from being deployed, and is named."""
    for name, value in WEAK:
        try:
            create(SOUND | {name: value})
        except ClientError as error:
            if name not in str(error):
                sys.exit(f"{name}={value} is refused for another reason: {error}")
        else:
            sys.exit(f"{name}={value} is accepted in production")
    print(f"{len(WEAK)} weak settings are refused", flush=True)


def main():
    endpoint, url, binaries, *settings = sys.argv[1:]
    client = lambda service: boto3.client(service, endpoint_url=endpoint, region_name="us-east-1")
    template = yaml_parse((INFRA / "template.yaml").read_text())
    # The translator tells of a feature switch of its own for each function.
    logging.disable(logging.WARNING)
    put = Put(client("s3"), binaries)
    artifacts(template, put)
    expanded = transform(template, {}, NoManagedPolicies())
    kinds = collections.Counter(resource["Type"] for resource in expanded["Resources"].values())
    print(f"{sum(kinds.values())} resources after the SAM transform:", dict(kinds.most_common(5)), flush=True)
    task_tokens(expanded["Resources"])
    without_what_is_not_there(expanded["Resources"])
    print(f"{explicit_api(expanded['Resources'])} routes", flush=True)

    parameters = {"Stage": "dev", "PublicUrl": url, "Architecture": "x86_64"}
    parameters |= {name: "100000" for name in FOR_ONE_ADDRESS if name in template["Parameters"]}
    parameters |= dict(setting.split("=", 1) for setting in settings)
    client("sesv2").create_email_identity(EmailIdentity="welcome@example.com")
    cloudformation = client("cloudformation")
    template_url = f"{endpoint}/{BUCKET}/{put.object('template.json', json.dumps(expanded))}"

    def create(parameters):
        cloudformation.create_stack(
            StackName=STACK,
            TemplateURL=template_url,
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"],
            Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()],
        )

    refuses_weak_settings(create)
    create(parameters)
    try:
        cloudformation.get_waiter("stack_create_complete").wait(StackName=STACK, WaiterConfig={"Delay": 1, "MaxAttempts": 120})
    except Exception as error:
        for event in cloudformation.describe_stack_events(StackName=STACK)["StackEvents"]:
            if event.get("ResourceStatusReason"):
                print(event["LogicalResourceId"], event["ResourceStatusReason"], file=sys.stderr)
        sys.exit(str(error))
    for output in cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]["Outputs"]:
        print(f"{output['OutputKey']}: {output['OutputValue']}")


main()
