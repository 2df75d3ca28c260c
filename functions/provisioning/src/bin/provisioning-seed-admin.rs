//! Makes the tenant's first admin.

fn main() -> std::process::ExitCode {
    lambda::main(&provisioning::SEED_ADMIN)
}
