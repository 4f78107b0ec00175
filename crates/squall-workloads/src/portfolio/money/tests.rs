use super::*;

#[test]
fn rounds_to_millionths_with_ties_to_even_and_refuses_what_is_not_an_amount() {
    assert_eq!(micros(1.234_567_4), Some(1_234_567));
    assert_eq!(micros(-0.000_000_5), Some(0));
    assert_eq!(micros(0.000_001_5), Some(2));
    assert_eq!(micros(1e15), Some(1_000_000_000_000_000_000_000));
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1.1e15] {
        assert_eq!(micros(bad), None);
    }
}

#[test]
fn divides_with_ties_to_even_on_both_sides_of_zero() {
    let quotients: Vec<i128> = [-5, -3, -1, 0, 1, 3, 5].iter().map(|n| divide_rounded(*n, 2)).collect();
    assert_eq!(quotients, [-2, -2, 0, 0, 0, 2, 2]);
    assert_eq!(divide_rounded(7, 3), 2);
    assert_eq!(divide_rounded(-7, 3), -2);
    assert_eq!(divide_rounded(1, 0), 0);
}

#[test]
fn writes_every_decimal_for_programs_and_few_for_people() {
    assert_eq!(Micros(-12_340_000).to_string(), "-12.340000");
    assert_eq!(Micros(-1).to_string(), "-0.000001");
    assert_eq!(serde_json::to_string(&Micros(1_500_000)).unwrap(), "\"1.500000\"");
    assert_eq!(Micros(1_234_567_891_000).grouped(1, 2), "1,234,567.89");
    assert_eq!(Micros(-1_234_567_500_000).grouped(1, 0), "-1,234,568");
    assert_eq!(Micros(-1_234_567_891_000).grouped(1000, 0), "-1,235");
    assert_eq!(Micros(-400_000).grouped(1, 0), "0");
}

#[test]
fn shortens_to_three_digits_and_a_unit() {
    let cases = [
        (0, "0.00"),
        (7_894_000, "7.89"),
        (-456_000_000_000, "-456k"),
        (1_234_000_000_000, "1.23M"),
        (999_499_000_000, "999k"),
        (999_500_000_000, "1.00M"),
        (9_994_000, "9.99"),
        (9_995_000, "10.0"),
    ];
    for (amount, text) in cases {
        assert_eq!(Micros(amount).short(), text);
    }
    assert!(Micros(i128::MIN).short().ends_with('T'));
}
