//! Guests in the runtime: the task board as its authors built it, and modules that mean harm.

mod cache;
mod hostile;
mod install;
mod support;
mod task_board;
