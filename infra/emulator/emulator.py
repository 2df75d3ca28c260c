#!/usr/bin/env python3
"""ministack with the repairs that our template needs, and the API as its clients see it.

    GATEWAY_PORT=4570 FRONT_PORT=4571 emulator.py

Each repair says what AWS does; README.md lists them. A repair that no longer fits the installed ministack stops the
emulator instead of being passed over.
"""
import asyncio
import json
import logging
import os
import signal
import threading
import time
import urllib.parse

PORT = os.environ["GATEWAY_PORT"]
FRONT = os.environ["FRONT_PORT"]
os.environ.update(
    AUTH="true",
    BIND_HOST="127.0.0.1",
    SFTP_ENABLED="0",
    IOT_MTLS_ENABLED="0",
    LOG_LEVEL=os.environ.get("LOG_LEVEL", "WARNING"),
    AWS_ENDPOINT_URL=f"http://127.0.0.1:{PORT}",
    AWS_ACCESS_KEY_ID="test",
    AWS_SECRET_ACCESS_KEY="test",
)

import boto3
import ministack.app as gateway
import ministack.services.apigateway as http_api
import ministack.services.dynamodb as dynamodb
import ministack.services.secretsmanager as secrets
import ministack.services.ses as ses
from botocore.config import Config
from hypercorn.asyncio import serve
from hypercorn.config import Config as ServerConfig
from ministack.core import iam_actions, lambda_runtime
from ministack.core.responses import (
    error_response_json,
    get_account_id,
    get_region,
    json_response,
    new_uuid,
)
from ministack.services.cloudformation import provisioners
from rewrite import a_failed_function_fails_its_state, rewrite

STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")


# 1. RotateSecret invokes the rotation function with the four steps.
def drive_rotation(secret, function_arn, version, region):
    client = boto3.client(
        "lambda",
        region_name=region,
        config=Config(retries={"max_attempts": 0}, read_timeout=900),
    )
    for _ in range(3):
        for step in STEPS:
            event = {"Step": step, "SecretId": secret["ARN"], "ClientRequestToken": version}
            answer = client.invoke(FunctionName=function_arn, Payload=json.dumps(event))
            if answer.get("FunctionError"):
                logging.error("rotation, %s: %s", step, answer["Payload"].read().decode())
                break
            answer["Payload"].read()
        else:
            secret["LastRotatedDate"] = int(time.time())
            return
        time.sleep(1)


def rotate_secret(data):
    _, secret = secrets._resolve(data.get("SecretId"))
    if not secret or secret.get("DeletedDate"):
        return original_rotate(data)
    function_arn = data.get("RotationLambdaARN") or secret.get("RotationLambdaARN")
    if not function_arn:
        message = "No Lambda rotation function ARN is associated with this secret."
        return error_response_json("InvalidRequestException", message, 400)
    secret["RotationLambdaARN"], secret["RotationEnabled"] = function_arn, True
    if data.get("RotationRules"):
        secret["RotationRules"] = data["RotationRules"]
    version = data.get("ClientRequestToken") or new_uuid()
    if data.get("RotateImmediately", True):
        args = (secret, function_arn, version, get_region())
        threading.Thread(target=drive_rotation, args=args, daemon=True).start()
    return json_response({"ARN": secret["ARN"], "Name": secret["Name"], "VersionId": version})


original_rotate = secrets._rotate_secret
secrets._rotate_secret = rotate_secret


# 2. CloudFormation knows AWS::SecretsManager::RotationSchedule.
def create_schedule(_logical_id, props, _stack):
    immediately = str(props.get("RotateImmediatelyOnUpdate", True)).lower() == "true"
    wanted = {key: props.get(key) for key in ("SecretId", "RotationLambdaARN", "RotationRules")}
    status, _, body = rotate_secret(wanted | {"RotateImmediately": immediately})[:3]
    if status >= 400:
        raise ValueError(f"AWS::SecretsManager::RotationSchedule: {body!r}")
    return props["SecretId"], {"Id": props["SecretId"]}


def delete_schedule(secret_id, _props):
    _, secret = secrets._resolve(secret_id)
    if secret:
        secret["RotationEnabled"] = False


provisioners._RESOURCE_HANDLERS["AWS::SecretsManager::RotationSchedule"] = {
    "create": create_schedule,
    "update": lambda _id, _old, new, stack: create_schedule(None, new, stack),
    "delete": delete_schedule,
}

# 3. A warm call takes what the function takes, without 40-90 ms of delayed acknowledgement and of waiting for logs.
build_handler = lambda_runtime.ProvidedWorker._build_handler_class


def build_handler_unbuffered(self, *args):
    handler = build_handler(self, *args)
    handler.wbufsize = 1 << 16
    handler.disable_nagle_algorithm = True
    return handler


lambda_runtime.ProvidedWorker._build_handler_class = build_handler_unbuffered
drain_logs = lambda_runtime.Worker._drain_stderr_bounded
lambda_runtime.Worker._drain_stderr_bounded = (
    lambda self, first_line_wait=0.004, **rest: drain_logs(self, first_line_wait=first_line_wait, **rest)
)

# 4. AWS::DynamoDB::Table keeps its TTL and its point-in-time recovery.
table = provisioners._RESOURCE_HANDLERS["AWS::DynamoDB::Table"]
create_table = table["create"]


def create_table_whole(logical_id, props, stack):
    result = create_table(logical_id, props, stack)
    ttl = props.get("TimeToLiveSpecification")
    if ttl:
        spec = {"AttributeName": ttl["AttributeName"], "Enabled": str(ttl["Enabled"]).lower() == "true"}
        dynamodb._update_ttl({"TableName": result[0], "TimeToLiveSpecification": spec})
    if props.get("PointInTimeRecoverySpecification"):
        spec = {"PointInTimeRecoveryEnabled": True}
        dynamodb._update_continuous_backups({"TableName": result[0], "PointInTimeRecoverySpecification": spec})
    return result


table["create"] = create_table_whole

# 5. `Ref` of a secret is its ARN: policies name it by that.
secret = provisioners._RESOURCE_HANDLERS["AWS::SecretsManager::Secret"]
create_secret = secret["create"]


def create_secret_by_arn(logical_id, props, stack):
    name, attributes = create_secret(logical_id, props, stack)
    return secrets._resolve(name)[1]["ARN"], attributes


secret["create"] = create_secret_by_arn
# ... and its generated value has no punctuation where the template wants none.
rewrite(
    provisioners,
    "_sm_secret_string",
    " + _string.punctuation",
    ' + ("" if gen.get("ExcludePunctuation") else _string.punctuation)',
)

# 6. An API without a CORS configuration has no preflight of its own: OPTIONS takes its route.
rewrite(http_api, "_handle_execute_in_scope", 'if method == "OPTIONS":', 'if method == "OPTIONS" and cors_cfg:')


# 7. A function that fails fails its state, too, where the state waits for a task token.
a_failed_function_fails_its_state()


# 8. SendEmail is decided on the sender's identity.
resource_of_ses = iam_actions._ses_v2_resource_arn


def identity_of_sender(method, path, body, region, account):
    if path.rstrip("/").endswith("/outbound-emails"):
        sender = json.loads(body)["FromEmailAddress"]
        return f"arn:aws:ses:{region}:{account}:identity/{sender}"
    return resource_of_ses(method, path, body, region, account)


iam_actions._ses_v2_resource_arn = identity_of_sender
# ... and on the address that it names.
rewrite(
    gateway,
    "_enforce_ses_v2",
    "named_resource=resource_arn)",
    'named_resource=resource_arn, service_context={"ses:FromAddress": json.loads(body)["FromEmailAddress"]} '
    'if path.rstrip("/").endswith("/outbound-emails") else None)',
)


# 9. The front: the API on a port of its own, as API Gateway shows it to its clients, and the mails that were sent.
def mails():
    entries = [entry for key, sent in ses._sent_emails.to_dict().items() if key[-1] == "entries" for entry in sent]
    return [
        {
            "to": ", ".join(entry.get("To", [])),
            "from": entry["Source"],
            "subject": entry.get("Subject", ""),
            "text": entry.get("BodyText", ""),
            "html": entry.get("BodyHtml"),
            "at": entry["Timestamp"],
        }
        for entry in reversed(entries)
    ]


def event_headers(scope):
    """Names in lower case, repeated values joined; the forwarding headers are the gateway's own."""
    headers = {}
    for name, value in scope["headers"]:
        name, value = name.decode("latin-1").lower(), value.decode("latin-1")
        headers[name] = f"{headers[name]}{';' if name == 'cookie' else ','}{value}" if name in headers else value
    claimed = headers.get("x-forwarded-proto", "https")
    headers["x-forwarded-for"] = ", ".join(filter(None, [headers.get("x-forwarded-for"), "127.0.0.1"]))
    headers["x-forwarded-proto"] = "http" if claimed.lower() == "http" else "https"
    return headers


async def body_of(receive):
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            return body


async def answer(scope, body):
    path = scope["raw_path"].decode("ascii")
    if (scope["method"], path) == ("GET", "/_local/mail"):
        return 200, {"content-type": "application/json"}, json.dumps(mails()).encode()
    query = scope["query_string"].decode("ascii")
    apis = [key[-1] for key, _ in http_api._apis.all_items()]
    return await http_api.handle_execute(
        apis[0],
        "$default",
        http_api.decode_http_api_path(path),
        scope["method"],
        event_headers(scope),
        body,
        urllib.parse.parse_qs(query, keep_blank_values=True),
        raw_query_string=query,
    )


async def front(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return
    status, headers, body = await answer(scope, await body_of(receive))
    pairs = [
        (name.lower().encode(), str(value).encode("latin-1"))
        for name, values in headers.items()
        for value in (values if isinstance(values, list) else [values])
    ]
    if not any(name == b"content-length" for name, _ in pairs):
        pairs.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": int(status), "headers": pairs})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


async def serve_all():
    stop = asyncio.Event()
    for signal_ in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signal_, stop.set)

    def on(port):
        config = ServerConfig()
        config.bind = [f"127.0.0.1:{port}"]
        config.include_server_header = config.include_date_header = False
        config.keep_alive_timeout = 75
        config.loglevel = os.environ["LOG_LEVEL"]
        return config

    await asyncio.gather(
        serve(gateway.app, on(PORT), shutdown_trigger=stop.wait),
        serve(front, on(FRONT), shutdown_trigger=stop.wait),
    )


if __name__ == "__main__":
    asyncio.run(serve_all())
