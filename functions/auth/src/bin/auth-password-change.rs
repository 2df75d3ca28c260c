//! Changes a password.

fn main() -> std::process::ExitCode {
    lambda::main(&auth::PASSWORD_CHANGE)
}
