//! dynoxide's errors as DynamoDB answers them: the same classes, members and words as dynoxide's own HTTP server.

use dynoxide::DynoxideError;
use serde_json::Value;

use crate::aws::AwsError;

/// An error outside any action's own wording.
pub(super) fn of(error: DynoxideError) -> AwsError {
    let code = match error.error_type().rsplit('#').next() {
        Some("UnsupportedOperation") | None => return AwsError::unknown(error),
        Some(code) => code,
    };
    let mut answer = AwsError::new(error.status_code(), code, error.to_string());
    // The members beside type and message: CancellationReasons, or the Item of a failed condition.
    if let Ok(Value::Object(body)) = serde_json::from_str(&error.to_json()) {
        let envelope = ["__type", "message", "Message"];
        answer.members = body.into_iter().filter(|(name, _)| !envelope.contains(&name.as_str())).collect();
    }
    answer
}

/// An error of one action: three of them wrap some validation messages.
pub(super) fn of_action(action: &str, error: DynoxideError) -> AwsError {
    match (action, error) {
        ("PutItem" | "UpdateItem" | "DeleteItem", DynoxideError::EnvelopedValidation(message)) => {
            of(DynoxideError::ValidationException(format!("1 validation error detected: {message}")))
        }
        (_, error) => of(error),
    }
}

/// A request that does not fit the action's shape. dynoxide marks the error's class at the start of serde's message.
pub(super) fn unreadable(message: &str) -> DynoxideError {
    let marked = |marker: &str| message.strip_prefix(marker).map(str::to_owned);
    if let Some(message) = marked("VALIDATION_REQUEST:") {
        DynoxideError::EnvelopedValidation(message)
    } else if let Some(message) = marked("VALIDATION:").or_else(|| marked("VALIDATION_AS_READ:")) {
        DynoxideError::ValidationException(message)
    } else if let Some(message) = marked("SERIALIZATION:").or_else(|| marked("SERIALIZATION_AS_READ:")) {
        DynoxideError::SerializationException(message)
    } else if ["missing field", "unknown variant", "invalid type: null", "AttributeValue"]
        .iter()
        .any(|it| message.contains(it))
    {
        DynoxideError::ValidationException(message.to_owned())
    } else {
        DynoxideError::SerializationException(message.to_owned())
    }
}
