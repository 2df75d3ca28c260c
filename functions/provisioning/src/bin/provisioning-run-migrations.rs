//! Brings the tenant's schema up to date.

fn main() -> std::process::ExitCode {
    lambda::main(&provisioning::RUN_MIGRATIONS)
}
