//! Takes emptied keys out of `innkeeper/{stage}/data-keys`.

fn main() -> std::process::ExitCode {
    lambda::main(&rotation::RESEAL_RETIRE)
}
