//! How structs of options are declared: each field once, with its reason, default and setter.
//!
//! Input: a struct whose fields have defaults. Output: the struct, `Default`, and for every field a
//! method of the same name that sets it. Such a struct is `#[non_exhaustive]`: a new option breaks
//! no program. With `const` before `struct` there is a `DEFAULT` as well, and the setters can be
//! used in constants; it needs types without destructors.

macro_rules! options {
    (
        $(#[$about:meta])*
        pub const struct $name:ident {
            $($(#[$doc:meta])* pub $field:ident: $type:ty = $default:expr,)*
        }
    ) => {
        options! {
            @struct (const)
            $(#[$about])*
            pub struct $name { $($(#[$doc])* pub $field: $type = $default,)* }
        }

        impl $name {
            /// The defaults, usable in constants.
            pub const DEFAULT: Self = Self { $($field: $default,)* };
        }

        impl Default for $name {
            fn default() -> Self {
                Self::DEFAULT
            }
        }
    };
    (
        $(#[$about:meta])*
        pub struct $name:ident {
            $($(#[$doc:meta])* pub $field:ident: $type:ty = $default:expr,)*
        }
    ) => {
        options! {
            @struct ()
            $(#[$about])*
            pub struct $name { $($(#[$doc])* pub $field: $type = $default,)* }
        }

        impl Default for $name {
            // The attributes are for `cfg`.
            #[expect(unused_doc_comments)]
            fn default() -> Self {
                Self { $($(#[$doc])* $field: $default,)* }
            }
        }
    };
    (
        @struct $const:tt
        $(#[$about:meta])*
        pub struct $name:ident {
            $($(#[$doc:meta])* pub $field:ident: $type:ty = $default:expr,)*
        }
    ) => {
        $(#[$about])*
        #[non_exhaustive]
        pub struct $name {
            $($(#[$doc])* pub $field: $type,)*
        }

        impl $name {
            $(options! { @setter $const $(#[$doc])* $field: $type })*
        }
    };
    (@setter (const) $(#[$doc:meta])* $field:ident: $type:ty) => {
        $(#[$doc])*
        #[must_use]
        pub const fn $field(mut self, $field: $type) -> Self {
            self.$field = $field;
            self
        }
    };
    (@setter () $(#[$doc:meta])* $field:ident: $type:ty) => {
        $(#[$doc])*
        #[must_use]
        pub fn $field(mut self, $field: $type) -> Self {
            self.$field = $field;
            self
        }
    };
}

pub(crate) use options;
