//! The door between the node and an application. Written to by the [`app`](crate::app) attribute.

use std::{fmt, marker::PhantomData, panic};

use serde::{Serialize, de::DeserializeOwned};

use crate::bindings::exports::anchorhold::context::application::{
    Argument, Guest, Manifest, Method,
};
pub use crate::bindings::exports::anchorhold::context::application::{Failure, Kind};
use crate::env;

/// Arguments, each as its name and its type in the author's words.
pub type Arguments = &'static [(&'static str, &'static str)];

/// What the [`app`](crate::app) attribute writes for an application.
pub trait App {
    /// What `init` takes.
    const INIT: Arguments;
    /// Every method: its name, what it may do, what it takes.
    const METHODS: &'static [(&'static str, Kind, Arguments)];

    /// Sets up a context.
    ///
    /// # Errors
    /// [`Failure`] as [`App::call`].
    fn init(arguments: &[u8]) -> Result<(), Failure>;

    /// Calls a method.
    ///
    /// # Errors
    /// [`Failure`] if there is none of that name, the arguments do not fit, or it refuses.
    fn call(method: &str, arguments: &[u8]) -> Result<Vec<u8>, Failure>;
}

/// Exports the application `A` to the node.
pub struct Exported<A>(PhantomData<A>);

impl<A> fmt::Debug for Exported<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Exported")
    }
}

impl<A: App> Guest for Exported<A> {
    fn describe() -> Manifest {
        let methods = A::METHODS.iter().map(|(name, kind, arguments)| Method {
            name: (*name).to_owned(),
            kind: *kind,
            arguments: named(arguments),
        });
        Manifest { init: named(A::INIT), methods: methods.collect() }
    }

    fn init(arguments: Vec<u8>) -> Result<(), Failure> {
        tell_of_panics();
        A::init(&arguments)
    }

    fn call(method: String, arguments: Vec<u8>) -> Result<Vec<u8>, Failure> {
        tell_of_panics();
        A::call(&method, &arguments)
    }
}

/// Reads a call's arguments: a JSON object, or nothing where none is needed.
///
/// # Errors
/// [`Failure::BadArguments`] naming the argument that is missing, unknown or of another type.
pub fn arguments<T: DeserializeOwned>(json: &[u8]) -> Result<T, Failure> {
    let json = if json.is_empty() { b"{}" } else { json };
    serde_json::from_slice(json).map_err(|error| Failure::BadArguments(error.to_string()))
}

/// Writes what a method returned.
///
/// # Errors
/// [`Failure::Refused`] if the value cannot be JSON.
pub fn value<T: Serialize>(value: &T) -> Result<Vec<u8>, Failure> {
    serde_json::to_vec(value).map_err(|error| Failure::Refused(error.to_string()))
}

/// Writes what a fallible method returned.
///
/// # Errors
/// [`Failure::Refused`] with the method's error in its own words.
pub fn answer<T: Serialize, E: fmt::Display>(result: Result<T, E>) -> Result<Vec<u8>, Failure> {
    match result {
        Ok(answer) => value(&answer),
        Err(error) => Err(Failure::Refused(error.to_string())),
    }
}

fn named(arguments: &[(&str, &str)]) -> Vec<Argument> {
    let named = |(name, shape): &(&str, &str)| Argument {
        name: (*name).to_owned(),
        shape: (*shape).to_owned(),
    };
    arguments.iter().map(named).collect()
}

/// A panic ends the instance without a word: so it is logged first.
fn tell_of_panics() {
    panic::set_hook(Box::new(|info| env::log(&info.to_string())));
}

/// Arguments of what takes none.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoArguments {}
