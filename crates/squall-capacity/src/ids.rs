//! Names from outside, validated once.

use std::borrow::Borrow;
use std::fmt;

use serde::{Deserialize, Serialize};

/// Longest name: rows and log lines carry many of them.
const MOST_CHARS: usize = 128;

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String")]
        pub struct $name(String);

        impl $name {
            /// A name of 1 to 128 visible ASCII characters.
            ///
            /// # Errors
            /// What is wrong with it.
            pub fn new(text: impl Into<String>) -> Result<Self, String> {
                let text = text.into();
                let is_fit = (1..=MOST_CHARS).contains(&text.len()) && text.bytes().all(|it| it.is_ascii_graphic());
                if is_fit { Ok(Self(text)) } else { Err(unfit($what, &text)) }
            }

            /// The name.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = String;

            fn try_from(text: String) -> Result<Self, String> {
                Self::new(text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

name!(
    /// An instance of the group, as AWS calls it: `i-0abc…`.
    InstanceId, "an instance's id"
);
name!(
    /// A run, as the platform calls it.
    RunId, "a run's id"
);
name!(
    /// A publisher of levels: each source reports its own sessions and runs.
    SourceId, "a source's name"
);

fn unfit(what: &str, text: &str) -> String {
    const SHOWN: usize = 40;
    let shown: String = text.chars().take(SHOWN).collect();
    let dots = if text.chars().nth(SHOWN).is_some() { "…" } else { "" };
    format!("{shown:?}{dots} is not {what}: 1 to {MOST_CHARS} visible ASCII characters without spaces")
}
