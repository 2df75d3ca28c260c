//! Looks after tenants' API keys.

fn main() -> std::process::ExitCode {
    lambda::main(&keys::MANAGE)
}
