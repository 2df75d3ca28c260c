//! Begins the re-seal of everything under data keys that were succeeded.

fn main() -> std::process::ExitCode {
    lambda::main(&rotation::RESEAL_WATCH)
}
