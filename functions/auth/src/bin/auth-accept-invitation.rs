//! Takes an invitation to a tenant.

fn main() -> std::process::ExitCode {
    lambda::main(&auth::ACCEPT_INVITATION)
}
