//! Turns an annotated struct and its methods into an application.
//!
//! Refuses at compile time what the node would refuse at run time: a view that takes `&mut self`,
//! arguments without a name. Use it through the `sdk` crate, which documents it by example.

mod methods;
mod state;

use proc_macro::TokenStream;
use syn::{Item, parse_macro_input};

/// On a struct: its fields are the application's collections, by their names. On its `impl` block:
/// its methods marked `#[init]`, `#[mutate]` and `#[view]` can be called.
///
/// - Arguments are owned values that serde can read; they come by name from a JSON object. One
///   whose type is `Option` may be left out; an unknown one is an error.
/// - What a method returns is told as JSON. If the return type's last name is `Result`, an error
///   is told to the caller in the words of its `Display`, and nothing of the call is kept.
/// - `#[mutate]` and `#[init]` take `&mut self`, `#[view]` takes `&self`.
/// - Methods without a mark stay private to the application.
#[proc_macro_attribute]
pub fn app(attribute: TokenStream, item: TokenStream) -> TokenStream {
    if !attribute.is_empty() {
        return error("`#[app]` takes no arguments");
    }
    match parse_macro_input!(item as Item) {
        Item::Struct(item) => state::app(&item),
        Item::Impl(item) => methods::app(item),
        other => Err(syn::Error::new_spanned(other, "`#[app]` goes on a struct or its impl block")),
    }
    .unwrap_or_else(syn::Error::into_compile_error)
    .into()
}

/// On a struct of collections: makes it a collection itself, to be nested.
#[proc_macro_attribute]
pub fn record(attribute: TokenStream, item: TokenStream) -> TokenStream {
    if !attribute.is_empty() {
        return error("`#[record]` takes no arguments");
    }
    match parse_macro_input!(item as Item) {
        Item::Struct(item) => state::record(&item),
        other => Err(syn::Error::new_spanned(other, "`#[record]` goes on a struct")),
    }
    .unwrap_or_else(syn::Error::into_compile_error)
    .into()
}

fn error(text: &str) -> TokenStream {
    syn::Error::new(proc_macro2::Span::call_site(), text).into_compile_error().into()
}
