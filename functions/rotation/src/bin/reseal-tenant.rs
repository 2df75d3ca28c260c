//! Seals a tenant's values anew.

fn main() -> std::process::ExitCode {
    lambda::main(&rotation::RESEAL_TENANT)
}
