//! Gives people platform roles.

fn main() -> std::process::ExitCode {
    lambda::main(&admin::PLATFORM_USERS)
}
