//! Confirms a second factor, and lets those in who show it.

fn main() -> std::process::ExitCode {
    lambda::main(&auth::MFA_VERIFY)
}
