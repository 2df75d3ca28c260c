//! The local stack: the template, run in one process.

pub mod aws;
pub mod bootstrap;
pub mod clock;
pub mod demo;
pub mod elsewhere;
pub mod front;
pub mod functions;
pub mod iam;
mod lines;
pub mod rights;
pub mod rotate;
pub mod server;
pub mod stack;
pub mod states;
pub mod template;

/// For the command, its benches and every test that runs a stack. A stack makes and drops small JSON values by the million,
/// and glibc's allocator takes a third of its time once thousands of executions are under way.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
