//! The impl block of an application.

use proc_macro2::TokenStream;
use quote::{ToTokens as _, format_ident, quote};
use syn::{
    Attribute, Error, FnArg, Ident, ImplItem, ImplItemFn, ItemImpl, Pat, Result, ReturnType, Type,
    ext::IdentExt as _,
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    Init,
    Mutate,
    View,
}

/// A method that the node may call.
struct Method {
    mark: Mark,
    name: Ident,
    arguments: Vec<(Ident, Type)>,
    fallible: bool,
}

/// The impl block without its marks, and the door to it.
pub(crate) fn app(mut item: ItemImpl) -> Result<TokenStream> {
    if item.trait_.is_some() || !item.generics.params.is_empty() {
        return Err(Error::new_spanned(&item.self_ty, "`#[app]` goes on a plain impl block"));
    }
    let mut methods = Vec::new();
    for member in &mut item.items {
        if let ImplItem::Fn(function) = member
            && let Some(mark) = take_mark(&mut function.attrs)?
        {
            methods.push(read(mark, function)?);
        }
    }
    let init = single_init(&methods)?;
    let door = door(&item.self_ty, init, &methods);
    Ok(quote! { #item #door })
}

fn door(app: &Type, init: Option<&Method>, methods: &[Method]) -> TokenStream {
    let callable: Vec<_> = methods.iter().filter(|method| method.mark != Mark::Init).collect();
    let names = callable.iter().map(|method| method.text());
    let arms = callable.iter().map(|method| method.invoke());
    let entries = callable.iter().map(|method| method.describe());
    let init_arguments = init.map_or_else(|| quote!(&[]), Method::describe_arguments);
    let init_body = init.map_or_else(
        || quote!(::sdk::arguments::<::sdk::NoArguments>(arguments).map(drop)),
        |method| {
            let invoke = method.invoke();
            quote!({ #invoke }.map(drop))
        },
    );
    quote! {
        const _: () = {
            impl ::sdk::App for #app {
                const INIT: ::sdk::Arguments = #init_arguments;
                const METHODS: &'static [(&'static str, ::sdk::Kind, ::sdk::Arguments)] =
                    &[#(#entries),*];

                fn init(arguments: &[u8]) -> ::core::result::Result<(), ::sdk::Failure> {
                    #init_body
                }

                fn call(
                    method: &str,
                    arguments: &[u8],
                ) -> ::core::result::Result<::std::vec::Vec<u8>, ::sdk::Failure> {
                    match method {
                        #(#names => { #arms })*
                        _ => ::core::result::Result::Err(::sdk::Failure::UnknownMethod),
                    }
                }
            }

            // Only a guest has a node to export to; elsewhere two applications may share a binary.
            #[cfg(target_arch = "wasm32")]
            mod door {
                type Door = ::sdk::Exported<super::#app>;
                ::sdk::bindings::export!(Door with_types_in ::sdk::bindings);
            }
        };
    }
}

impl Method {
    fn text(&self) -> String {
        self.name.unraw().to_string()
    }

    /// Reads the arguments, opens the collections, calls, writes the answer.
    fn invoke(&self) -> TokenStream {
        let name = &self.name;
        let fields = self.arguments.iter().map(|(name, _)| name);
        let (names, types): (Vec<_>, Vec<_>) =
            self.arguments.iter().map(|(name, shape)| (name, shape)).unzip();
        let answer = if self.fallible {
            quote!(::sdk::answer(app.#name(#(given.#fields),*)))
        } else {
            quote!(::sdk::value(&app.#name(#(given.#fields),*)))
        };
        let binding = if self.mark == Mark::View { quote!(app) } else { quote!(mut app) };
        let given = if names.is_empty() {
            quote!(::sdk::arguments::<::sdk::NoArguments>(arguments)?;)
        } else {
            quote! {
                #[derive(::sdk::serde::Deserialize)]
                #[serde(crate = "::sdk::serde", deny_unknown_fields)]
                struct Given { #(#names: #types),* }
                let given: Given = ::sdk::arguments(arguments)?;
            }
        };
        quote! {
            #given
            let #binding = Self::__open();
            #answer
        }
    }

    fn describe(&self) -> TokenStream {
        let (name, arguments) = (self.text(), self.describe_arguments());
        let kind = format_ident!("{}", if self.mark == Mark::View { "View" } else { "Mutate" });
        quote!((#name, ::sdk::Kind::#kind, #arguments))
    }

    fn describe_arguments(&self) -> TokenStream {
        let names = self.arguments.iter().map(|(name, _)| name.unraw().to_string());
        let shapes = self.arguments.iter().map(|(_, shape)| words(shape));
        quote!(&[#((#names, #shapes)),*])
    }
}

/// Removes the mark from a method's attributes.
fn take_mark(attributes: &mut Vec<Attribute>) -> Result<Option<Mark>> {
    let mut found = None;
    let mut twice = None;
    attributes.retain(|attribute| {
        let mark = [("init", Mark::Init), ("mutate", Mark::Mutate), ("view", Mark::View)]
            .into_iter()
            .find(|(name, _)| attribute.path().is_ident(name));
        if let Some((_, mark)) = mark
            && found.replace(mark).is_some()
        {
            twice = Some(Error::new_spanned(attribute, "one mark for one method"));
        }
        mark.is_none()
    });
    twice.map_or(Ok(found), Err)
}

fn read(mark: Mark, function: &ImplItemFn) -> Result<Method> {
    let signature = &function.sig;
    let Some(receiver) = signature.receiver().filter(|it| it.reference.is_some()) else {
        return Err(Error::new_spanned(signature, "takes `&self` or `&mut self`"));
    };
    match (mark, receiver.mutability.is_some()) {
        (Mark::View, true) => return Err(Error::new_spanned(receiver, "a view takes `&self`")),
        (Mark::Init | Mark::Mutate, false) => {
            return Err(Error::new_spanned(receiver, "what may write takes `&mut self`"));
        }
        _ => {}
    }
    if signature.asyncness.is_some() || !signature.generics.params.is_empty() {
        return Err(Error::new_spanned(
            signature,
            "is called from outside: not async, not generic",
        ));
    }
    let arguments = signature.inputs.iter().filter_map(|input| match input {
        FnArg::Receiver(_) => None,
        FnArg::Typed(input) => Some(match &*input.pat {
            Pat::Ident(pattern) => Ok((pattern.ident.clone(), (*input.ty).clone())),
            other => Err(Error::new_spanned(other, "an argument is passed by its name")),
        }),
    });
    Ok(Method {
        mark,
        name: signature.ident.clone(),
        arguments: arguments.collect::<Result<_>>()?,
        fallible: is_result(&signature.output),
    })
}

fn single_init(methods: &[Method]) -> Result<Option<&Method>> {
    let mut inits = methods.iter().filter(|method| method.mark == Mark::Init);
    let first = inits.next();
    match inits.next() {
        Some(second) => Err(Error::new_spanned(&second.name, "a context is set up once")),
        None => Ok(first),
    }
}

fn is_result(output: &ReturnType) -> bool {
    let ReturnType::Type(_, shape) = output else { return false };
    let Type::Path(path) = &**shape else { return false };
    path.path.segments.last().is_some_and(|segment| segment.ident == "Result")
}

/// A type as its author would write it: tokens without the spaces between them.
fn words(shape: &Type) -> String {
    let text = shape.to_token_stream().to_string();
    text.replace(' ', "").replace(',', ", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_called_is_refused_at_compile_time() {
        let check = |source: &str, expected: &str| {
            let block = syn::parse_str(source).expect("an impl block");
            let refused = app(block).map(|_| ()).expect_err(source).to_string();
            assert_eq!(refused, expected, "{source}");
        };
        let takes_self = "takes `&self` or `&mut self`";
        check("impl A { #[view] fn f(&mut self) {} }", "a view takes `&self`");
        check("impl A { #[mutate] fn f(&self) {} }", "what may write takes `&mut self`");
        check("impl A { #[init] fn f(&self) {} }", "what may write takes `&mut self`");
        check("impl A { #[view] fn f(self) {} }", takes_self);
        check("impl A { #[view] fn f() {} }", takes_self);
        check("impl A { #[view] #[mutate] fn f(&self) {} }", "one mark for one method");
        check(
            "impl A { #[view] fn f(&self, (a, b): (u8, u8)) {} }",
            "an argument is passed by its name",
        );
        check(
            "impl A { #[view] fn f<T>(&self, a: T) {} }",
            "is called from outside: not async, not generic",
        );
        check(
            "impl A { #[init] fn f(&mut self) {} #[init] fn g(&mut self) {} }",
            "a context is set up once",
        );
        check("impl B for A {}", "`#[app]` goes on a plain impl block");
        check("impl<T> A<T> {}", "`#[app]` goes on a plain impl block");
    }

    #[test]
    fn marks_vanish_and_types_keep_their_words() {
        let source = "impl A { #[view] fn f(&self, a: Option<Vec<u8>>, b: (u8, u8)) {} }";
        let written = app(syn::parse_str(source).expect("an impl block")).expect("an application");
        let written = written.to_string();
        assert!(!written.contains("# [view]"));
        assert!(written.contains(r#"("a" , "Option<Vec<u8>>")"#), "{written}");
        assert!(written.contains(r#"("b" , "(u8, u8)")"#), "{written}");
    }

    #[test]
    fn only_a_result_is_fallible() {
        let check = |source: &str, expected: bool| {
            let output = syn::parse_str(source).expect("a return type");
            assert_eq!(is_result(&output), expected, "{source}");
        };
        check("-> Result<u8, String>", true);
        check("-> std::io::Result<u8>", true);
        check("-> Option<Result<u8, u8>>", false);
        check("-> u8", false);
        check("", false);
    }
}
