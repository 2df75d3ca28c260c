//! Gives people platform roles, lists who has one, and takes them away.

fn main() -> std::process::ExitCode {
    lambda::main(&admin::PLATFORM_USERS)
}
