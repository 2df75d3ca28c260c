//! Turns the tenant FAILED, with the cause.

fn main() -> std::process::ExitCode {
    lambda::main(&provisioning::RECORD_FAILURE)
}
