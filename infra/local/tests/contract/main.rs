//! What the API promises, held against what it is: the template's routes and the code's policies, the OpenAPI document,
//! who gets which answer, what a function needs to start, and what a body may be.
//!
//! In process: the front without sockets, so that a test may also look behind it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test each is an answer")]

mod api;
mod callers;
mod configuration;
mod corpus;
mod deployment;
mod doors;
mod elsewhere;
mod events;
mod fuzz;
mod jobs;
mod later;
mod leaks;
mod openapi;
mod routes;
mod rules;
mod shapes;
mod signed;
mod silo;
mod stored;
