//! Reads a value from a tenant's vault.

fn main() -> std::process::ExitCode {
    lambda::main(&vault::READ)
}
