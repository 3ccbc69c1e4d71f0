//! The attribute `#[trocar_guest::algorithm]`. Use it through `trocar-guest`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Error, ItemFn, parse2};

/// Makes a plain function the algorithm of a component.
///
/// The function takes the patient and the parameters, and may take the state of the last round as a third argument:
/// `fn f(patient: &Patient, params: &Params, state: &[f64]) -> Result<Outputs, Failure>`.
/// Exactly one function of a guest carries this attribute.
#[proc_macro_attribute]
pub fn algorithm(
    arguments: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    expand(arguments.into(), item.into()).unwrap_or_else(Error::into_compile_error).into()
}

fn expand(arguments: TokenStream, item: TokenStream) -> Result<TokenStream, Error> {
    if !arguments.is_empty() {
        return Err(Error::new_spanned(arguments, "algorithm takes no arguments"));
    }
    let function: ItemFn = parse2(item)?;
    check(&function)?;
    let name = &function.sig.ident;
    let call = match function.sig.inputs.len() {
        2 => quote!(#name(&subject, &params)),
        3 => quote!(#name(&subject, &params, &state)),
        _ => {
            return Err(Error::new_spanned(
                &function.sig,
                "an algorithm takes (patient, params) or (patient, params, state)",
            ));
        }
    };
    Ok(quote! {
        #function

        // Public, so that the function is in use on targets that export nothing.
        #[doc(hidden)]
        #[derive(Debug)]
        pub struct TrocarAlgorithm;

        impl ::trocar_guest::bindings::Guest for TrocarAlgorithm {
            fn map_patient(
                subject: ::trocar_guest::Patient,
                params: ::std::vec::Vec<::trocar_guest::bindings::Param>,
                state: ::std::vec::Vec<f64>,
            ) -> ::std::vec::Vec<::std::vec::Vec<f64>> {
                let params = ::trocar_guest::Params::from(params);
                let _ = &state;
                ::trocar_guest::finish(#call)
            }
        }

        // Only a component exports: on another target the crate is a plain library that tests can link.
        #[cfg(target_family = "wasm")]
        ::trocar_guest::bindings::export!(TrocarAlgorithm);
    })
}

fn check(function: &ItemFn) -> Result<(), Error> {
    let signature = &function.sig;
    if let Some(keyword) = &signature.asyncness {
        return Err(Error::new_spanned(keyword, "an algorithm is not async"));
    }
    if let Some(keyword) = &signature.unsafety {
        return Err(Error::new_spanned(keyword, "an algorithm is safe code"));
    }
    if !signature.generics.params.is_empty() {
        return Err(Error::new_spanned(&signature.generics, "an algorithm is not generic"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(item: TokenStream) -> String {
        expand(TokenStream::new(), item).expect_err("refused").to_string()
    }

    #[test]
    fn a_function_of_one_patient_becomes_the_export() {
        let item = quote!(
            fn f(patient: &Patient, params: &Params) -> Result<Outputs, Failure> {
                todo()
            }
        );
        let text = expand(TokenStream::new(), item).expect("expands").to_string();
        assert!(text.contains("f (& subject , & params)") && text.contains("export !"));
    }

    #[test]
    fn anything_but_a_plain_function_of_one_patient_is_refused_in_words() {
        assert!(
            refusal(quote!(
                async fn f(p: &Patient, q: &Params) {}
            ))
            .contains("not async")
        );
        assert!(
            refusal(quote!(
                unsafe fn f(p: &Patient, q: &Params) {}
            ))
            .contains("safe code")
        );
        assert!(
            refusal(quote!(
                fn f<T>(p: &Patient, q: &Params) {}
            ))
            .contains("not generic")
        );
        assert!(
            refusal(quote!(
                fn f(p: &Patient) {}
            ))
            .contains("takes (patient, params)")
        );
        assert!(
            expand(
                quote!(x),
                quote!(
                    fn f(p: &Patient, q: &Params) {}
                )
            )
            .is_err()
        );
    }
}
