//! Makes the tenant's four secrets.

fn main() -> std::process::ExitCode {
    lambda::main(&provisioning::GENERATE_SECRETS)
}
