//! Lists and changes what is in a tenant's vault.

fn main() -> std::process::ExitCode {
    lambda::main(&vault::MANAGE)
}
