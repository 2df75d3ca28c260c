//! Tells tenants' webhooks what happened.

fn main() -> std::process::ExitCode {
    lambda::main(&webhooks::DELIVER)
}
