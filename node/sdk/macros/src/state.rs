//! Structs of collections.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Fields, Ident, ItemStruct, Result, ext::IdentExt as _};

/// The struct, and a function that opens it from the roots.
pub(crate) fn app(item: &ItemStruct) -> Result<TokenStream> {
    let (name, fields) = (&item.ident, fields(item)?);
    let texts = fields.iter().map(|field| field.unraw().to_string());
    Ok(quote! {
        #item

        impl #name {
            #[doc(hidden)]
            pub(crate) fn __open() -> Self {
                Self { #(#fields: ::sdk::Root::open_root(#texts)),* }
            }
        }
    })
}

/// The struct, as a collection that keeps its fields within an entry of a map.
pub(crate) fn record(item: &ItemStruct) -> Result<TokenStream> {
    let (name, fields) = (&item.ident, fields(item)?);
    let texts = fields.iter().map(|field| field.unraw().to_string());
    Ok(quote! {
        #item

        impl ::sdk::Collection for #name {
            fn open(place: &::sdk::Place, name: &[u8]) -> Self {
                let place = place.inside(name);
                Self { #(#fields: ::sdk::Collection::open(&place, #texts.as_bytes())),* }
            }
        }
    })
}

fn fields(item: &ItemStruct) -> Result<Vec<&Ident>> {
    if !item.generics.params.is_empty() {
        return Err(syn::Error::new_spanned(&item.generics, "collections have concrete types"));
    }
    match &item.fields {
        Fields::Named(fields) => {
            Ok(fields.named.iter().filter_map(|it| it.ident.as_ref()).collect())
        }
        other => Err(syn::Error::new_spanned(other, "collections are named by their fields")),
    }
}
