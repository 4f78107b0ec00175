//! Function names as callers write them, and ids.

use std::cell::Cell;
use std::hash::{BuildHasher, RandomState};

/// The only version of a function here.
pub(super) const LATEST: &str = "$LATEST";

/// The account that ARNs name.
const ACCOUNT: &str = "000000000000";

/// The function that a caller names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    /// The function's name.
    pub(super) name: String,
    /// The version or alias.
    pub(super) qualifier: Option<String>,
}

impl Target {
    /// Reads a name, a partial ARN or an ARN, each with or without a qualifier, percent-encoded as in a path.
    /// Partition, region and account of an ARN are ignored. `None` for anything else.
    pub(super) fn parse(encoded: &str) -> Option<Self> {
        let text = decoded(encoded)?;
        let parts: Vec<&str> = text.split(':').collect();
        let (name, qualifier) = match parts.as_slice() {
            [name] | [_, "function", name] | ["arn", _, "lambda", _, _, "function", name] => (name, None),
            [_, "function", name, qualifier]
            | ["arn", _, "lambda", _, _, "function", name, qualifier]
            | [name, qualifier] => (name, Some((*qualifier).to_owned())),
            _ => return None,
        };
        (!name.is_empty()).then(|| Self { name: (*name).to_owned(), qualifier })
    }

    /// The ARN, as the caller qualified it.
    pub(super) fn arn(&self, region: &str) -> String {
        let Self { name, qualifier } = self;
        let qualifier = qualifier.as_ref().map(|it| format!(":{it}")).unwrap_or_default();
        format!("arn:aws:lambda:{region}:{ACCOUNT}:function:{name}{qualifier}")
    }

    /// Whether the qualifier names an existing version.
    pub(super) fn is_latest(&self) -> bool {
        self.qualifier.as_deref().is_none_or(|qualifier| qualifier == LATEST)
    }
}

/// Decodes percent-encoding. `None` if it is malformed.
pub(super) fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        rest = tail;
        if first == b'%' {
            let digits = std::str::from_utf8(rest.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &rest[2..];
        } else {
            bytes.push(first);
        }
    }
    String::from_utf8(bytes).ok()
}

/// The source of ids: a counter, hashed with a key that differs from run to run.
#[derive(Debug, Default)]
pub(super) struct Ids {
    key: RandomState,
    next: Cell<u64>,
}

impl Ids {
    /// A new id that looks like a random UUID.
    pub(super) fn uuid(&self) -> String {
        let bits = (self.bits() & !(0xf << 76) & !(0x3 << 62)) | (0x4 << 76) | (0x2 << 62);
        let hex = format!("{bits:032x}");
        format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
    }

    /// New random-looking bits.
    pub(super) fn bits(&self) -> u128 {
        let number = self.next.get();
        self.next.set(number.wrapping_add(1));
        let half = |which: u8| u128::from(self.key.hash_one((number, which)));
        (half(0) << 64) | half(1)
    }
}

#[cfg(test)]
mod tests;
