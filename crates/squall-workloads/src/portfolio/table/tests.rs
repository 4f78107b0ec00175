use std::fmt::Write;

use expect_test::{Expect, expect};

use super::*;

fn complaint<T: std::fmt::Debug>(result: Result<T, InputError>) -> String {
    result.unwrap_err().to_string()
}

/// Reads `a` as a number and `b` as a date in every row.
fn check(text: &[u8], expected: &Expect) {
    let mut seen = String::new();
    match Table::parse("t.csv", text) {
        Err(error) => writeln!(seen, "{error}").unwrap(),
        Ok(table) => {
            for row in table.rows() {
                match (row.number("a"), row.optional_date("b")) {
                    (Ok(a), Ok(b)) => writeln!(seen, "line {}: {a} {b:?}", row.line()).unwrap(),
                    (Err(error), _) | (_, Err(error)) => writeln!(seen, "{error}").unwrap(),
                }
            }
        }
    }
    expected.assert_eq(&seen);
}

#[test]
fn reads_numbers_and_dates_and_counts_lines_over_blanks() {
    check(
        b"\xEF\xBB\xBFa,b,c\r\n 1.5 ,2026-12-31,\r\n\r\n-2e3,,\"x, y\"\n\n\n3,2024-02-29,z",
        &expect![[r#"
            line 2: 1.5 Some(2026-12-31)
            line 4: -2000 None
            line 7: 3 Some(2024-02-29)
        "#]],
    );
}

#[test]
fn says_which_field_is_wrong_and_what_would_be_right() {
    check(
        b"a,b\n,\nx,\n1%,\n\"1,000\",\nNaN,\ninf,\n1e999,\n1,2026-02-29\n1,2026-2-9\n1,31.12.2026\n1,+026-01-01\n1,2026-01-011\n",
        &expect![[r#"
            t.csv:2:1 (a): is empty; a number is needed here
            t.csv:3:1 (a): "x" is not a number; write it like 1234.5, -0.02 or 1e6
            t.csv:4:1 (a): "1%" is not a number; write 4 % as 0.04
            t.csv:5:1 (a): "1,000" is not a number; write it like 1234.5, -0.02 or 1e6
            t.csv:6:1 (a): "NaN" is not a finite number
            t.csv:7:1 (a): "inf" is not a finite number
            t.csv:8:1 (a): "1e999" is not a finite number
            t.csv:9:2 (b): "2026-02-29" is not a date; write it like 2026-12-31
            t.csv:10:2 (b): "2026-2-9" is not a date; write it like 2026-12-31
            t.csv:11:2 (b): "31.12.2026" is not a date; write it like 2026-12-31
            t.csv:12:2 (b): "+026-01-01" is not a date; write it like 2026-12-31
            t.csv:13:2 (b): "2026-01-011" is not a date; write it like 2026-12-31
        "#]],
    );
}

#[test]
fn refuses_a_broken_shape() {
    check(
        b"",
        &expect![[r#"
        t.csv:1: the file is empty; its first line must name the columns
    "#]],
    );
    check(
        b"a,,b\n",
        &expect![[r#"
            t.csv:1:2: this column has no name; give it one, or remove it
        "#]],
    );
    check(
        b"a,b,a\n",
        &expect![[r#"
        t.csv:1:3 (a): this column is already column 1; each must be unique
    "#]],
    );
    check(
        b"a,b\n1,\n1\n",
        &expect![[r#"
            t.csv:3: this row has 1 field, the header on line 1 has 2; the first line must name the columns, and every other one be a row
        "#]],
    );
    check(
        b"a,b\n1,,2\n",
        &expect![[r#"
            t.csv:2: this row has 3 fields, the header on line 1 has 2; the first line must name the columns, and every other one be a row
        "#]],
    );
    check(
        b"a,b\n1,\n2,\xFF\n",
        &expect![[r#"
        t.csv:3: this line is not UTF-8 text; save the file as UTF-8
    "#]],
    );
}

#[test]
fn refuses_unknown_missing_and_repeated() {
    let table = Table::parse("t.csv", b"id,b,x\nu,1,\nv,2,\nu,3,\n").unwrap();
    expect![[r#"t.csv:1:3 (x): unknown column "x"; if it is there for others, name it in ignore_columns; known are id, b"#]]
        .assert_eq(&complaint(table.check_columns(&["id"], &["b"])));
    expect![[r#"t.csv:1: the column "strike" is missing; the columns are id, b, x"#]]
        .assert_eq(&complaint(table.check_columns(&["id", "strike"], &["b", "x"])));
    expect![[r#"t.csv:4:1 (id): "u" is already on line 2; each must be unique"#]]
        .assert_eq(&complaint(table.check_unique("id")));
    expect!["t.csv:2:3 (x): is empty; a value is needed here"].assert_eq(&complaint(table.check_unique("x")));
    assert_eq!(table.check_columns(&["id"], &["b", "x", "y"]), Ok(()));
    assert_eq!(table.check_unique("b"), Ok(()));
}

#[test]
fn a_long_name_of_a_column_is_shortened_in_places() {
    let text = format!("{0},b\nx\u{202E},1\n", "n".repeat(200));
    let told = complaint(Table::parse("t.csv", text.as_bytes()));
    assert!(told.chars().count() < 200, "{told}");
    let table = Table::parse("t.csv", text.replace('\u{202E}', "").as_bytes()).unwrap();
    let column = &table.header()[0];
    let row = table.rows().next().unwrap();
    for told in [table.header_error(column, "wrong"), row.error(column, "wrong")] {
        assert!(told.to_string().chars().count() < 90, "{told}");
    }
}

proptest::proptest! {
    #[test]
    fn never_panics_on_any_bytes(bytes: Vec<u8>) {
        if let Ok(table) = Table::parse("t.csv", &bytes) {
            for row in table.rows() {
                for column in table.header() {
                    let _ = (row.number(column), row.date(column), row.text(column));
                }
            }
        }
    }
}

#[test]
fn a_file_of_another_program_or_country_is_named_as_what_it_is() {
    let told = |bytes: &[u8]| complaint(Table::parse("t.csv", bytes));
    expect![[r#"
        t.csv:1: the fields are separated by semicolons; use commas, and points in numbers
        t.csv:1: the fields are separated by tabs; use commas, and points in numbers
        t.csv:1: the file is UTF-16; save it as UTF-8
        t.csv:1: the file is UTF-16; save it as UTF-8
        t.csv:1: the file is UTF-16; save it as UTF-8
        t.csv:1: the file is UTF-32; save it as UTF-8
        t.csv:1: the file is UTF-32; save it as UTF-8
        t.csv:1: the file is UTF-32; save it as UTF-8
        t.csv:2:2: a quote opens here and does not close on this line; close it, or remove it
        t.csv:2:1: this field goes on after its closing quote; write a quote inside of it twice, as in "5"" pipe"
        t.csv:3:2 (b): "1\u{202e}2" has the invisible character U+202E; remove it"#]]
    .assert_eq(
        &[
            told(b"id;book\n1;2\n"),
            told(b"id\tbook\n1\t2\n"),
            told(b"\xFF\xFEi\0d\0"),
            told(b"i\0d\0,\0"),
            told(b"\0i\0d\0,"),
            told(b"\xFF\xFE\0\0i\0\0\0"),
            told(b"i\0\0\0d\0\0\0"),
            told(b"\0\0\0i\0\0\0d"),
            told(b"a,b\n1,\"x\n2,y\n3,z\n"),
            told(b"a,b\n\"5\" pipe\",2\n"),
            told("a,b\n1,2\n1,1\u{202E}2\n".as_bytes()),
        ]
        .join("\n"),
    );
}
