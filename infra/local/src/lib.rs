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
