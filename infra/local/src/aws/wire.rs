//! The protocols of the services: from an HTTP request to (action, JSON), and from a result to an HTTP response.
//!
//! AWS JSON 1.0 and 1.1 name the action in `X-Amz-Target`; REST JSON (SESv2, Lambda) in method and path, as S3 does, whose
//! bodies are the objects.

mod s3;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Method, Response, StatusCode};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::AwsError;

/// How a service speaks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Protocol {
    /// AWS JSON with its version; the target starts with this prefix, the error type with that namespace.
    Json {
        version: &'static str,
        target: &'static str,
        namespace: &'static str,
    },
    Ses,
    Lambda,
    S3,
}

impl Protocol {
    /// The protocol of a service by its signing name; `None` for a service that the local stack does not have.
    pub(super) fn of(service: &str) -> Option<Self> {
        Some(match service {
            "dynamodb" => Self::Json {
                version: "1.0",
                target: "DynamoDB_20120810.",
                namespace: "com.amazonaws.dynamodb.v20120810#",
            },
            "states" => Self::Json {
                version: "1.0",
                target: "AWSStepFunctions.",
                namespace: "com.amazonaws.swf.service.v2.model#",
            },
            "secretsmanager" => Self::Json { version: "1.1", target: "secretsmanager.", namespace: "" },
            "codedeploy" => Self::Json { version: "1.1", target: "CodeDeploy_20141006.", namespace: "" },
            "sqs" => Self::Json { version: "1.0", target: "AmazonSQS.", namespace: "com.amazonaws.sqs#" },
            "events" => Self::Json { version: "1.1", target: "AWSEvents.", namespace: "" },
            "ses" => Self::Ses,
            "lambda" => Self::Lambda,
            "s3" => Self::S3,
            _ => return None,
        })
    }

    /// The action that a request asks for.
    pub(super) fn action(self, parts: &Parts) -> Result<String, AwsError> {
        let action = match self {
            Self::Json { target, .. } => {
                let header = parts.headers.get("x-amz-target").and_then(|value| value.to_str().ok());
                header.and_then(|header| header.strip_prefix(target)).map(str::to_owned)
            }
            Self::Ses => (parts.method == Method::POST && parts.uri.path() == "/v2/email/outbound-emails")
                .then(|| "SendEmail".to_owned()),
            Self::Lambda => invoked(parts).map(|_| "Invoke".to_owned()),
            Self::S3 => s3::action(parts).map(str::to_owned),
        };
        action.ok_or_else(|| {
            let target = parts.headers.get("x-amz-target").and_then(|value| value.to_str().ok()).unwrap_or_default();
            AwsError::unknown(format!("{} {} {target}", parts.method, parts.uri.path()).trim_end())
        })
    }

    /// The input of the action.
    pub(super) fn input(self, parts: &Parts, body: &[u8]) -> Result<Value, AwsError> {
        if self == Self::S3 {
            return Ok(s3::input(parts, body));
        }
        let payload = if body.is_empty() { Ok(json!({})) } else { serde_json::from_slice(body) };
        let payload = payload.map_err(|error| AwsError::refused("SerializationException", error.to_string()))?;
        match self {
            Self::Lambda => {
                let kind = parts.headers.get("x-amz-invocation-type").and_then(|kind| kind.to_str().ok());
                let kind = kind.unwrap_or("RequestResponse");
                Ok(json!({"FunctionName": invoked(parts), "InvocationType": kind, "Payload": payload}))
            }
            _ if payload.is_object() => Ok(payload),
            _ => Err(AwsError::refused("SerializationException", "The request body is not a JSON object.")),
        }
    }

    /// The status of a refused caller, which the JSON protocols call the client's error like any other.
    pub(super) fn denied(self) -> u16 {
        match self {
            Self::Json { .. } => 400,
            Self::Ses | Self::Lambda | Self::S3 => 403,
        }
    }

    /// The answer as the service would write it.
    pub(super) fn response(self, request_id: &str, result: Result<Value, AwsError>) -> Response<Bytes> {
        if self == Self::S3 {
            return s3::response(request_id, result);
        }
        let mut response = match result {
            Ok(output) => self.success(output),
            Err(error) => self.failure(error),
        };
        let content_type = match self {
            Self::Json { version: "1.1", .. } => "application/x-amz-json-1.1",
            Self::Json { .. } => "application/x-amz-json-1.0",
            Self::Ses | Self::Lambda | Self::S3 => "application/json",
        };
        let checksum =
            matches!(self, Self::Json { target: "DynamoDB_20120810.", .. }).then(|| crc32fast::hash(response.body()));
        let headers = response.headers_mut();
        headers.insert("content-type", HeaderValue::from_static(content_type));
        if let Ok(id) = HeaderValue::from_str(request_id) {
            headers.insert("x-amzn-requestid", id);
        }
        if let Some(checksum) = checksum {
            headers.insert("x-amz-crc32", HeaderValue::from(checksum));
        }
        response
    }

    fn success(self, mut output: Value) -> Response<Bytes> {
        let error = output.get_mut("FunctionError").map(Value::take);
        let body = match self {
            Self::Lambda => output.get_mut("Payload").map(Value::take).unwrap_or_default(),
            Self::Json { .. } | Self::Ses | Self::S3 => output,
        };
        let mut response = Response::new(Bytes::from(body.to_string()));
        if let (Self::Lambda, Some(Ok(error))) =
            (self, error.as_ref().and_then(Value::as_str).map(HeaderValue::from_str))
        {
            response.headers_mut().insert("x-amz-function-error", error);
        }
        response
    }

    fn failure(self, error: AwsError) -> Response<Bytes> {
        let mut body = error.members;
        let message = if matches!(self, Self::Json { version: "1.0", .. } | Self::Ses) { "message" } else { "Message" };
        body.insert(message.to_owned(), error.message.into());
        if let Self::Json { namespace, .. } = self {
            body.insert("__type".to_owned(), format!("{namespace}{}", error.code).into());
        }
        let mut response = Response::new(Bytes::from(Value::Object(body).to_string()));
        *response.status_mut() = StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        if let Ok(code) = HeaderValue::from_str(&error.code) {
            response.headers_mut().insert("x-amzn-errortype", code);
        }
        response
    }
}

/// The function that `POST /2015-03-31/functions/{name or ARN}/invocations` names.
fn invoked(parts: &Parts) -> Option<String> {
    let path = parts.uri.path();
    let name = path.strip_prefix("/2015-03-31/functions/")?.strip_suffix("/invocations")?;
    let name = percent_decode_str(name).decode_utf8().ok()?;
    (parts.method == Method::POST && !name.is_empty() && !name.contains('/')).then(|| name.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(method: &str, path: &str, target: &str) -> Parts {
        let request = http::Request::builder().method(method).uri(path).header("x-amz-target", target).body(());
        request.unwrap().into_parts().0
    }

    #[test]
    fn actions_come_from_target_or_path() {
        let action =
            |service, method, path, target| Protocol::of(service).unwrap().action(&parts(method, path, target));
        assert_eq!(action("dynamodb", "POST", "/", "DynamoDB_20120810.GetItem").unwrap(), "GetItem");
        assert_eq!(action("states", "POST", "/", "AWSStepFunctions.StartExecution").unwrap(), "StartExecution");
        assert_eq!(action("ses", "POST", "/v2/email/outbound-emails", "").unwrap(), "SendEmail");
        assert_eq!(action("lambda", "POST", "/2015-03-31/functions/f/invocations", "").unwrap(), "Invoke");
        for (service, path, target) in [
            ("dynamodb", "/", "DynamoDBStreams_20120810.ListStreams"),
            ("ses", "/v2/email/identities", ""),
            ("lambda", "/2015-03-31/functions/f", ""),
        ] {
            let refused = action(service, "POST", path, target).unwrap_err();
            assert_eq!(refused.code, "UnknownOperationException");
            assert!(refused.message.contains(if target.is_empty() { path } else { target }), "{refused}");
        }
        assert_eq!(Protocol::of("sns"), None);
    }

    #[test]
    fn a_function_is_named_by_name_or_arn() {
        let arn = "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A123456789012%3Afunction%3Af/invocations";
        assert_eq!(invoked(&parts("POST", arn, "")).unwrap(), "arn:aws:lambda:us-east-1:123456789012:function:f");
        assert_eq!(invoked(&parts("GET", arn, "")), None);
    }

    #[test]
    fn an_error_carries_its_type_and_members() {
        let mut error = AwsError::refused("TransactionCanceledException", "cancelled");
        error.members.insert("CancellationReasons".into(), json!([{"Code": "None"}]));
        let response = Protocol::of("dynamodb").unwrap().response("id", Err(error));
        assert_eq!(response.status(), 400);
        assert_eq!(response.headers()["x-amzn-errortype"], "TransactionCanceledException");
        assert_eq!(response.headers()["x-amz-crc32"], crc32fast::hash(response.body()).to_string());
        let body: Value = serde_json::from_slice(response.body()).unwrap();
        assert_eq!(body["__type"], "com.amazonaws.dynamodb.v20120810#TransactionCanceledException");
        assert_eq!(body["CancellationReasons"][0]["Code"], "None");
    }
}
