//! Makes the tenant's database.

fn main() -> std::process::ExitCode {
    lambda::main(&provisioning::CREATE_DATABASE)
}
