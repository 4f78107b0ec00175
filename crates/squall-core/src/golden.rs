//! Everything stored or sent stays readable: the tests read the bytes beside this file.

mod tests;
