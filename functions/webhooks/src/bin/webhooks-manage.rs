//! Looks after tenants' webhooks.

fn main() -> std::process::ExitCode {
    lambda::main(&webhooks::MANAGE)
}
