use std::cell::RefCell;

use super::*;

fn lines(text: &[u8]) -> Vec<String> {
    let lines = RefCell::new(Vec::new());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(copy(text, |line| lines.borrow_mut().push(line.to_owned())));
    lines.into_inner()
}

#[test]
fn lines_arrive_one_by_one_and_the_last_needs_no_end() {
    assert_eq!(lines(b""), Vec::<String>::new());
    assert_eq!(lines(b"one\n\ntwo\nthree"), ["one", "", "two", "three"]);
    assert_eq!(lines(b"not text: \xff\n"), ["not text: \u{fffd}"]);
}

#[test]
fn a_line_without_end_is_cut() {
    let long = vec![b'x'; 2 * LONGEST + 5];
    let lengths: Vec<usize> = lines(&long).iter().map(String::len).collect();
    assert_eq!(lengths, [LONGEST, LONGEST, 5]);
    let mut exact = vec![b'x'; LONGEST];
    exact.extend_from_slice(b"\nshort\n");
    let lengths: Vec<usize> = lines(&exact).iter().map(String::len).collect();
    assert_eq!(lengths, [LONGEST, 5]);
}
