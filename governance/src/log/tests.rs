//! Tests of the log as a whole; `world` sets the stage.

mod chain;
mod codec;
mod denied;
mod golden;
mod invitations;
mod random;
mod restrictions;
mod scenarios;
mod world;
