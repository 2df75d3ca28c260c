//! Sends the welcome mail again.

fn main() -> std::process::ExitCode {
    lambda::main(&provisioning::RESEND_WELCOME)
}
