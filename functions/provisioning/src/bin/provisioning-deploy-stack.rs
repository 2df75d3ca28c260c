//! Has the tenant's application deployed.

fn main() -> std::process::ExitCode {
    lambda::main(&provisioning::DEPLOY_STACK)
}
