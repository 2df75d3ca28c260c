//! Lists members and invitations.

fn main() -> std::process::ExitCode {
    lambda::main(&members::READ)
}
