//! Shows operators the secrets, without their values.

fn main() -> std::process::ExitCode {
    lambda::main(&admin::SECRETS)
}
