use super::*;

#[test]
fn what_nobody_may_guess_is_64_bits_and_never_the_same() {
    let made_up: Vec<String> = (0..100).map(|_| unguessable().unwrap()).collect();
    for digits in &made_up {
        assert!(digits.len() == 16 && digits.bytes().all(|it| it.is_ascii_hexdigit()), "{digits}");
    }
    // Each of the sixteen digits takes many values: no part of them is the time, or this process.
    for at in 0..16 {
        let values: std::collections::BTreeSet<_> = made_up.iter().map(|digits| &digits[at..=at]).collect();
        assert!(values.len() > 8, "digit {at}: {values:?}");
    }
}
