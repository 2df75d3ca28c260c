//! Claims the tenant's host name.

fn main() -> std::process::ExitCode {
    lambda::main(&provisioning::CONFIGURE_DOMAIN)
}
