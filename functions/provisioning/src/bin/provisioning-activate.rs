//! Turns the tenant READY.

fn main() -> std::process::ExitCode {
    lambda::main(&provisioning::ACTIVATE)
}
