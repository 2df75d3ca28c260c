//! Enrols and removes a second factor, and renews its recovery codes.

fn main() -> std::process::ExitCode {
    lambda::main(&auth::MFA)
}
