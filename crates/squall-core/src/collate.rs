//! Merging results exactly once, and proving that none is missing.

mod booking;
mod missing;
mod proof;
mod received;

pub use booking::{Unfit, book_results, check_published, fresh, progress_of};
pub use missing::Missing;
pub use proof::{Shortfall, prove};
pub use received::Received;

#[cfg(test)]
pub(crate) mod tests;
