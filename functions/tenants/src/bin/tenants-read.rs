//! Lists tenants, and shows one.

fn main() -> std::process::ExitCode {
    lambda::main(&tenants::READ)
}
