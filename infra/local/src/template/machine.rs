//! `AWS::Serverless::StateMachine`.

use super::{
    MachineSpec,
    resources::{Reader, Resolved},
};

impl Reader<'_> {
    pub(super) fn machine(&self, resolved: &Resolved<'_>) -> MachineSpec {
        let mut fields = self.fields(resolved);
        fields.without_effect(&[
            "Name",
            "Logging",
            "Tracing",
            "Tags",
            "PropagateTags",
            "PermissionsBoundary",
            "RolePath",
        ]);
        fields.without_effect(&["AutoPublishAlias", "DeploymentPreference"]);
        fields.one_of("Type", &["STANDARD"]);
        fields.refused(&[
            ("Role", "the machine's own Policies are what the local stack enforces"),
            ("Definition", "put it in a file and name that in DefinitionUri"),
            ("Events", "start it from a function"),
        ]);
        let uri = fields.required("DefinitionUri");
        let definition = self.folder.join(&uri);
        if !uri.is_empty() && !definition.is_file() {
            fields.refuse("DefinitionUri", format!("{} is not a file", definition.display()));
        }
        let spec = MachineSpec {
            logical_id: resolved.id.to_owned(),
            name: self.scope.name_of(resolved.resource),
            arn: self.scope.arn_of(resolved.resource).unwrap_or_default(),
            definition,
            substitutions: fields.table("DefinitionSubstitutions"),
            policy: self.policy(&mut fields),
            role: self.scope.role_name(resolved.resource),
            line: resolved.line,
        };
        fields.finish();
        spec
    }
}
