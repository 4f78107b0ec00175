use expect_test::expect;

use super::{Arrival, Trace};

fn run(submit_s: u64, duration_s: u64) -> Arrival {
    Arrival { submit_us: submit_s * 1_000_000, duration_us: duration_s * 1_000_000 }
}

#[test]
fn a_table_is_read_by_its_columns_names_and_begins_at_its_first_run() {
    let text = "id,submission_time,runs,execution_time\n7,120.0,2,60\n\n8, 100 ,1,30.5\n";
    let trace = Trace::read("a.csv", text, false).unwrap();
    assert_eq!(trace.runs, [Arrival { submit_us: 0, duration_us: 30_500_000 }, run(20, 60)]);
    let trace = Trace::read("a.csv", text, true).unwrap();
    assert_eq!(trace.runs[1..], [run(20, 60), run(20, 60)]);
}

fn swf(fields: &[(usize, &str)]) -> String {
    let mut line = vec!["-1"; 18];
    for (field, value) in fields {
        line[field - 1] = value;
    }
    line.join("  ")
}

#[test]
fn a_workload_file_is_read_by_its_fields_numbers_and_what_is_not_known_is_counted() {
    let lines = [
        "; UnixStartTime: 0".to_owned(),
        swf(&[(1, "1"), (2, "10"), (4, "60"), (5, "2")]),
        swf(&[(1, "2"), (2, "12"), (8, "4")]),
        swf(&[(1, "3"), (2, "15"), (4, "30"), (8, "3")]),
    ];
    let trace = Trace::read("A.SWF", &lines.join("\n"), false).unwrap();
    assert_eq!((trace.runs, trace.n_skipped), (vec![run(0, 60), run(5, 30)], 1));
    let trace = Trace::read("a.swf", &lines.join("\r\n"), true).unwrap();
    assert_eq!(trace.runs.len(), 5);
}

#[test]
fn what_cannot_be_read_is_named_by_file_line_and_column() {
    let long = format!("submit_s,duration_s,runs\n{}", "1,1,9999\n".repeat(21));
    let bad_submit = swf(&[(2, "soon"), (4, "5")]);
    let bad_processors = swf(&[(2, "1"), (4, "5"), (5, "0")]);
    let unknown = swf(&[]);
    let cases: &[(&str, &str, bool)] = &[
        ("a.csv", "", false),
        ("a.csv", "submit_s,took\n1,2", false),
        ("a.csv", "submit_s,duration_s\n1,2", true),
        ("a.csv", "submit_s,duration_s\n", false),
        ("a.csv", "submit_s,duration_s\n1,2\n1,2,3", false),
        ("a.csv", "submit_s,duration_s\n1,2\n1,two", false),
        ("a.csv", "submit_s,duration_s\n-1,2", false),
        ("a.csv", "submit_s,duration_s\n1,nan", false),
        ("a.csv", "submit_s,duration_s\n1,1e99", false),
        ("a.csv", "submit_s,duration_s,runs\n1,2,1.5", true),
        ("a.csv", &long, true),
        ("a.csv", "submit_s,duration_s\n0,60\n10000000000,60", false),
        ("a.csv", "submission_time,duration_s\n1700000000,60\n1600000000,60", false),
        ("a.csv", "submit_s,duration_s\n0,31536000", false),
        ("a.swf", "1 2 3", false),
        ("a.swf", &bad_submit, false),
        ("a.swf", &bad_processors, true),
        ("a.swf", &unknown, false),
    ];
    let mut text = String::new();
    for (file, content, processors) in cases {
        text += &format!("{}\n", Trace::read(file, content, *processors).unwrap_err());
    }
    expect![[r#"
        a.csv, line 1: no column submit_s or submission_time; the header names the columns
        a.csv, line 1: no column duration_s or execution_time; the header names the columns
        a.csv, line 1: no column runs or requested_number_of_processors; the header names the columns
        a.csv, line 1: no run in it, 0 entries are without times
        a.csv, line 3: 3 fields; the header has 2
        a.csv, line 3, column duration_s: "two" is no number; expected seconds such as 12 or 12.5
        a.csv, line 2, column submit_s: -1; expected seconds, not negative and at most 1e10
        a.csv, line 2, column duration_s: "nan" is no number; expected seconds such as 12 or 12.5
        a.csv, line 2, column duration_s: 1e99; expected seconds, not negative and at most 1e10
        a.csv, line 2, column runs: 1.5; expected a whole number of processors, 1 to 10000
        a.csv, line 22: 209979 runs; at most 200000 are simulated
        a.csv, line 3, column submit_s: 115740 days after the first run; at most 100 days are simulated: pass a part of the trace
        a.csv, line 2, column submission_time: 1157 days after the first run; at most 100 days are simulated: pass a part of the trace
        a.csv, line 2, column duration_s: 31536000; expected at most 8640000 seconds, the 100 days that are simulated
        a.swf, line 1: 3 fields; the format has 18
        a.swf, line 1, column 2: "soon" is no number; expected seconds such as 12 or 12.5
        a.swf, line 1, column 5: 0; expected a whole number of processors, 1 to 10000
        a.swf, line 1: no run in it, 1 entries are without times
    "#]]
    .assert_eq(&text);
}

#[test]
fn work_that_takes_too_long_is_refused_and_what_takes_as_long_as_can_be_is_not() {
    let text = format!("submit_s,duration_s\n{}", "1700000000,8640000\n".repeat(3) + "1708640000,1");
    let trace = Trace::read("a.csv", &text, false).unwrap();
    assert_eq!(trace.check_work(4), Ok(()));
    expect!["a.csv: its runs take 100 days on 3 instances; less than 100 days are simulated: pass a part of the trace, or a larger --max"]
        .assert_eq(&trace.check_work(3).unwrap_err());
}
