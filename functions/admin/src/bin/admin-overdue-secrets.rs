//! Says which secrets were not rotated in time.

fn main() -> std::process::ExitCode {
    lambda::main(&admin::OVERDUE_SECRETS)
}
