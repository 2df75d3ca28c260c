//! Moves a session to another tenant.

fn main() -> std::process::ExitCode {
    lambda::main(&auth::SWITCH_TENANT)
}
