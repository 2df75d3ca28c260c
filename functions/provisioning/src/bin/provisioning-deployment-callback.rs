//! Takes the deployer's answer.

fn main() -> std::process::ExitCode {
    lambda::main(&provisioning::DEPLOYMENT_CALLBACK)
}
