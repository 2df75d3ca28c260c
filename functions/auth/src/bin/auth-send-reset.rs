//! Sends the link to a new password.

fn main() -> std::process::ExitCode {
    lambda::main(&auth::SEND_RESET)
}
