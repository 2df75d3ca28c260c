//! Says whether a subdomain can be had.

fn main() -> std::process::ExitCode {
    lambda::main(&signup::SUBDOMAIN)
}
