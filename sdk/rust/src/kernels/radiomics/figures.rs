/// A struct of figures, each with its documentation, that can also be read as a list and averaged.
macro_rules! figures {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $field:ident,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq)]
        pub struct $name {
            $($(#[$doc])* pub $field: f64,)*
        }

        impl $name {
            /// The names of the figures.
            pub const NAMES: &'static [&'static str] = &[$(stringify!($field)),*];

            /// The figures in the order of their names.
            #[must_use]
            pub fn numbers(&self) -> Vec<f64> {
                vec![$(self.$field),*]
            }

            /// The mean of each figure; `None` of nothing.
            #[must_use]
            pub fn mean_of(all: &[Self]) -> Option<Self> {
                let n = all.len() as f64;
                (!all.is_empty()).then(|| Self { $($field: all.iter().map(|one| one.$field).sum::<f64>() / n),* })
            }
        }
    };
}
