//! Which Squall this is: the version in the manifests and the commit that was built.
//!
//! A crate of its own, on which only the binaries depend, so that a commit relinks those and compiles nothing else. It
//! imports nothing.

/// The commit that was checked out, as 12 hexadecimal digits; or what `SQUALL_COMMIT` said at build time; or `unknown`
/// where the sources were built outside a checkout. Edits that were not committed do not show.
pub const COMMIT: &str = env!("SQUALL_BUILT_FROM");

/// The version and the commit, as people read them: `0.2.0 (0123456789ab)`.
pub const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), " (", env!("SQUALL_BUILT_FROM"), ")");

#[cfg(test)]
mod tests;
