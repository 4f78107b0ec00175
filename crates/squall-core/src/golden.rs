//! What was stored or sent stays readable: the bytes beside this are read by the tests.

mod tests;
