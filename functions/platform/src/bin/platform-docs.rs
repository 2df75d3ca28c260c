//! Serves the fixed documents and answers preflights.

fn main() -> std::process::ExitCode {
    lambda::main(&platform::DOCS)
}
