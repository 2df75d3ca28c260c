//! Lets operators act in a member's place, and says who does.

fn main() -> std::process::ExitCode {
    lambda::main(&auth::IMPERSONATION)
}
