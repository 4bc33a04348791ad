//! What an application author imports.
