//! Proof, at compile time, that a type which holds a secret cannot be printed.

/// Does not compile when `$type` implements one of the traits: the compiler then finds two candidates for `A`.
macro_rules! must_not_impl {
    ($type:ty: $($trait:path),+) => {
        $(const _: fn() = || {
            trait AmbiguousIfImplemented<A> {
                fn item() {}
            }
            struct Implemented;
            impl<T: ?Sized> AmbiguousIfImplemented<()> for T {}
            impl<T: ?Sized + $trait> AmbiguousIfImplemented<Implemented> for T {}
            let _ = <$type as AmbiguousIfImplemented<_>>::item;
        };)+
    };
}

pub(crate) use must_not_impl;
