//! Begins the removal of a tenant.

fn main() -> std::process::ExitCode {
    lambda::main(&provisioning::BEGIN_REMOVAL)
}
