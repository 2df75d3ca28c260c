//! Asks for a link to a new password.

fn main() -> std::process::ExitCode {
    lambda::main(&auth::PASSWORD_FORGOT)
}
