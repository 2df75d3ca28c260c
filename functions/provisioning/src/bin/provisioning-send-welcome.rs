//! Mails the activation link.

fn main() -> std::process::ExitCode {
    lambda::main(&provisioning::SEND_WELCOME)
}
