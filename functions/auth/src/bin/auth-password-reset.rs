//! Replaces a password with the link of a mail.

fn main() -> std::process::ExitCode {
    lambda::main(&auth::PASSWORD_RESET)
}
