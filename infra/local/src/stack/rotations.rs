//! Secrets Manager's schedule: the rotations of the template, by the stack's time.

use jiff::SignedDuration;
use serde_json::json;

use super::LocalStack;
use crate::{aws::AwsError, template::RotationSpec};

/// Between two looks at what is due; the shorter one keeps a rotation that cannot even begin from being tried at once.
const LOOKS: (SignedDuration, SignedDuration) = (SignedDuration::from_mins(1), SignedDuration::from_mins(10));

impl LocalStack {
    /// Tells Secrets Manager which function rotates which secret. Told again what it knows, it would count the days anew.
    pub(super) async fn schedule_rotation(&self, rotation: &RotationSpec) -> Result<(), AwsError> {
        let known = self.secrets.run("DescribeSecret", json!({"SecretId": rotation.secret_arn})).await?;
        let rules = json!({"ScheduleExpression": rotation.expression});
        if known["RotationLambdaARN"] == json!(rotation.function_arn) && known["RotationRules"] == rules {
            return Ok(());
        }
        let schedule = json!({
            "SecretId": rotation.secret_arn,
            "RotationLambdaARN": rotation.function_arn,
            "RotationRules": rules,
            "RotateImmediately": rotation.rotate_immediately,
        });
        self.secrets.run("RotateSecret", schedule).await.map(drop)
    }

    /// Rotates what is due, for as long as the stack runs.
    pub(super) fn keep_rotations(&mut self) {
        let (clock, secrets) = (self.clock.clone(), self.secrets.clone());
        self.tasks.spawn(async move {
            let look = |after| clock.now().checked_add(after);
            while let (Ok(soon), Ok(late)) = (look(LOOKS.0), look(LOOKS.1)) {
                tokio::select! {
                    () = clock.wait_until(secrets.next_rotation().unwrap_or(late).clamp(soon, late)) => {}
                    () = secrets.ordered() => {}
                }
                match secrets.rotate_due().await {
                    Ok(ended) => {
                        for (secret, result) in ended {
                            match result {
                                Ok(()) => tracing::info!(secret, "rotated"),
                                Err(error) => tracing::warn!(secret, %error, cause = ?std::error::Error::source(&error), "not rotated"),
                            }
                        }
                    }
                    Err(error) => tracing::warn!(%error, "the rotations that are due were not begun"),
                }
            }
        });
    }
}
