//! What `wit/context.wit` says, in Rust. Generated; authors use the types around it.
#![expect(missing_docs, reason = "generated from wit/context.wit, which carries them")]

wit_bindgen::generate!({
    path: "wit",
    world: "context",
    pub_export_macro: true,
    default_bindings_module: "sdk::bindings",
});
