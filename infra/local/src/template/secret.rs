//! `AWS::SecretsManager::Secret` and its rotation schedule.

use super::{
    GenerateSecretString, RotationSpec, SecretSpec,
    fields::Fields,
    recurrence::Recurrence,
    resources::{Reader, Resolved},
};

impl Reader<'_> {
    pub(super) fn secret(&self, resolved: &Resolved<'_>) -> SecretSpec {
        let mut fields = self.fields(resolved);
        fields.without_effect(&["Name", "Tags"]);
        fields.refused(&[
            ("SecretString", "a value in the template is no secret; use GenerateSecretString"),
            ("ReplicaRegions", "there is one region"),
        ]);
        let spec = SecretSpec {
            logical_id: resolved.id.to_owned(),
            name: self.scope.name_of(resolved.resource),
            arn: self.scope.arn_of(resolved.resource).unwrap_or_default(),
            description: fields.text("Description"),
            kms_key_id: fields.text("KmsKeyId"),
            generate: fields.child("GenerateSecretString").map(generate),
            line: resolved.line,
        };
        fields.finish();
        spec
    }

    pub(super) fn rotation(&self, resolved: &Resolved<'_>) -> Option<RotationSpec> {
        let mut fields = self.fields(resolved);
        fields.refused(&[("HostedRotationLambda", "name a function of this template in RotationLambdaARN")]);
        let immediately = fields.flag("RotateImmediatelyOnUpdate").unwrap_or(true);
        let (secret_arn, function_arn) = (fields.required("SecretId"), fields.required("RotationLambdaARN"));
        let expression = fields.child("RotationRules").and_then(rules);
        let Some(expression) = expression else {
            fields.refuse("RotationRules", "must say AutomaticallyAfterDays or ScheduleExpression");
            return None;
        };
        let recurrence =
            Recurrence::parse(&expression).map_err(|e| fields.refuse("RotationRules", format!("{expression} {e}")));
        fields.finish();
        Some(RotationSpec {
            logical_id: resolved.id.to_owned(),
            secret_arn,
            function_arn,
            expression,
            recurrence: recurrence.ok()?,
            rotate_immediately: immediately,
            line: resolved.line,
        })
    }
}

fn rules(mut rules: Fields<'_>) -> Option<String> {
    rules.without_effect(&["Duration"]);
    let days = rules.number("AutomaticallyAfterDays", 1..=1000).map(|days| match days {
        1 => "rate(1 day)".to_owned(),
        days => format!("rate({days} days)"),
    });
    let expression = rules.text("ScheduleExpression").or(days);
    rules.finish();
    expression
}

fn generate(mut fields: Fields<'_>) -> GenerateSecretString {
    let key = fields.text("GenerateStringKey");
    let template = fields.text("SecretStringTemplate").map(|text| serde_json::from_str(&text));
    if template.is_some() != key.is_some() {
        fields.refuse("GenerateStringKey", "and SecretStringTemplate go together");
    }
    if let Some(Err(_)) = &template {
        fields.refuse("SecretStringTemplate", "must be a JSON object");
    }
    let mut flag = |name| fields.flag(name);
    let (lowercase, uppercase) = (flag("ExcludeLowercase"), flag("ExcludeUppercase"));
    let (numbers, punctuation) = (flag("ExcludeNumbers"), flag("ExcludePunctuation"));
    let (space, each) = (flag("IncludeSpace"), flag("RequireEachIncludedType"));
    let spec = GenerateSecretString {
        template: template.and_then(Result::ok).zip(key),
        length: fields.number("PasswordLength", 1..=4096).unwrap_or(32),
        exclude_characters: fields.text("ExcludeCharacters").unwrap_or_default(),
        exclude_lowercase: lowercase.unwrap_or(false),
        exclude_uppercase: uppercase.unwrap_or(false),
        exclude_numbers: numbers.unwrap_or(false),
        exclude_punctuation: punctuation.unwrap_or(false),
        include_space: space.unwrap_or(false),
        require_each_included_type: each.unwrap_or(true),
    };
    fields.finish();
    spec
}
