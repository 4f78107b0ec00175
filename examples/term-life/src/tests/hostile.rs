//! Input that is wrong: one message each, with the place, the value and what would be right.

use super::*;

/// A small job with one of its files, or its input, replaced.
fn refused(file: &str, text: &[u8]) -> String {
    let (input, mut files) = job(&request(3, 0, 1));
    files.insert(file.to_owned(), text.to_vec());
    match TermLife::prepare(input, &Given::files(files)) {
        Ok(_) => panic!("{:?} is accepted", String::from_utf8_lossy(text)),
        Err(error) => error.to_string(),
    }
}

fn refused_point(row: &str) -> String {
    refused("points.csv", format!("id,age_at_entry,policy_term,policy_count,sum_assured\n{row}\n").as_bytes())
}

#[test]
fn a_wrong_point_is_named_by_line_and_column() {
    for (row, expected) in [
        ("A,40,0,1,1000", "points.csv:2 (policy_term): \"0\"; expected a whole number from 1 to 100"),
        (
            "A,40,4000000000000,1,1000",
            "(policy_term): \"4000000000000\"; expected a whole number from 1 to 100",
        ),
        ("A,40,10.5,1,1000", "(policy_term): \"10.5\"; expected a whole number from 1 to 100"),
        (
            "A,110,20,1,1000",
            "(policy_term): 20; expected at most 11, since the mortality table ends at age 120",
        ),
        ("A,17,20,1,1000", "(age_at_entry): \"17\"; expected a whole number from 18 to 120"),
        ("A,-4,20,1,1000", "(age_at_entry): \"-4\"; expected a whole number from 18 to 120"),
        ("A,40,10,-1,1000", "(policy_count): \"-1\"; expected a number from 0 to 10000000"),
        ("A,40,10,NaN,1000", "(policy_count): \"NaN\"; expected a number from 0 to 10000000"),
        ("A,40,10,1,inf", "(sum_assured): \"inf\"; expected a number from 0 to 1000000000000"),
        ("A,40,10,1,1e300", "(sum_assured): \"1e300\"; expected a number from 0 to 1000000000000"),
        ("A,40,10,1,", "(sum_assured): \"\"; expected a number from 0 to 1000000000000"),
        (
            "A,40,10,1e6,1e9",
            "(sum_assured): 1000000000 for each of 1000000 policies; expected at most 10000000000000 for all",
        ),
        (",40,10,1,1000", "(id): nothing; expected a name"),
        ("A,40,10,1", "points.csv:2: 4 fields; expected 5, as in the header"),
        ("A,40,10,1,1,000", "points.csv:2: 6 fields; expected 5, as in the header"),
        ("\"A,40\",10,1,1000,3", "points.csv:2: 6 fields; expected 5, as in the header"),
        ("A\"B,40,10,1,1000", "expected at most 100 bytes of visible text without quotes"),
        (
            "A\u{202E}B,40,10,1,1000",
            "\\u{202e}B\"; expected at most 100 bytes of visible text without quotes",
        ),
        (
            "A,40,10,1,1000\nA,41,10,1,1000",
            "points.csv:3 (id): \"A\" is on line 2 too; expected each id once",
        ),
    ] {
        let told = refused_point(row);
        assert!(told.contains(expected), "{row}: {told}");
    }
    // A billion is a sum like any other.
    assert!(!refused_point("A,40,10,1,1000000000\nB,x,1,1,1").contains("points.csv:2"));
}

#[test]
fn a_wrong_file_is_named() {
    for (file, text, expected) in [
        ("points.csv", "", "points.csv: the file is empty; expected the columns id,age_at_entry"),
        ("points.csv", "\n \n", "points.csv: the file is empty"),
        (
            "points.csv",
            "id,age_at_entry,policy_term,policy_count,sum_assured\n",
            "points.csv: there is no row below the header",
        ),
        ("points.csv", "id;age_at_entry\n", "points.csv:1: columns are separated by commas here"),
        (
            "points.csv",
            "id,age_at_entry,policy_term,policy_count\n",
            "points.csv:1: there is no column sum_assured; expected",
        ),
        (
            "points.csv",
            "id,age_at_entry,policy_term,policy_count,sum_assured,colour\n",
            "unknown column \"colour\"; expected",
        ),
        (
            "points.csv",
            "id,id,age_at_entry,policy_term,policy_count,sum_assured\n",
            "points.csv:1: the column id is there twice",
        ),
        (
            "mortality.csv",
            "age,0,1,2,3,4,5\n20,0,0,0,0,0,1.5\n",
            "mortality.csv:2 (5): \"1.5\"; expected a number from 0 to 1",
        ),
        (
            "mortality.csv",
            "age,0,1,2,3,4,5\n20,0,0,0,0,0,nan\n",
            "mortality.csv:2 (5): \"nan\"; expected a number from 0 to 1",
        ),
        (
            "mortality.csv",
            "age,0,1,2,3,4,5\n20,0,0,0,0,0,0\n22,0,0,0,0,0,0\n",
            "mortality.csv:3 (age): 22; expected 21",
        ),
        ("curve.csv", "year,rate\n1,0.01\n", "curve.csv:2 (year): 1; expected 0"),
        ("curve.csv", "year,rate\n0,-1\n", "curve.csv:2 (rate): \"-1\"; expected a number from -0.05 to 0.5"),
        ("curve.csv", "year,rate\n0,0.01\n", "(policy_term): 15; expected at most 1, the years of the curve"),
        (
            "stresses.csv",
            "scenario,shift,twist,mortality,lapse\nbase,0,0,1,1\n",
            "base is the scenario that changes nothing",
        ),
        (
            "stresses.csv",
            "scenario,shift,twist,mortality,lapse\nx,0,0,-1,1\n",
            "(mortality): \"-1\"; expected a number from 0 to 10",
        ),
        (
            "stresses.csv",
            "scenario,shift,twist,mortality,lapse\nx,0,0,1,1\nx,0,0,1,1\n",
            "\"x\" is on line 2 too",
        ),
    ] {
        let told = refused(file, text.as_bytes());
        assert!(told.contains(expected), "{text}: {told}");
    }
    let told =
        refused("points.csv", b"id,age_at_entry,policy_term,policy_count,sum_assured\nA\xFF,40,10,1,1000\n");
    assert_eq!(told, "points.csv:2: not UTF-8 text; save the file as UTF-8");
}

#[test]
fn the_first_twenty_complaints_about_a_file_are_told_at_once() {
    let rows: String = (0..30).map(|n| format!("P{n},40,10,-1,1000\n")).collect();
    let told = refused_point(&rows);
    assert_eq!(told.lines().count(), 21, "{told}");
    assert!(told.ends_with("and 10 more in this file"), "{told}");
}

#[test]
fn spreadsheets_may_write_bytes_marks_quotes_and_carriage_returns() {
    let (input, mut files) = job(&request(3, 0, 1));
    let text = "\u{FEFF}\"id\",\"sex\",\"age_at_entry\",policy_term,policy_count,sum_assured\r\n\r\n\"A\", M ,40,10,1,\"1000.50\"\r\n";
    files.insert("points.csv".to_owned(), text.as_bytes().to_vec());
    let prepared = TermLife::prepare(input, &Given::files(files)).unwrap();
    assert_eq!(prepared.points.all[0].sum_assured, 1_000.5);
    assert_eq!(prepared.points.products, ["all"]);
}

#[test]
fn wrong_numbers_of_the_input_are_named() {
    for (field, value, expected) in [
        ("draw", json!({ "count": 0, "seed": 1 }), "input.draw.count: 0; expected 1 to 1000000"),
        (
            "draw",
            json!({ "count": 4_000_000_000_u32, "seed": 1 }),
            "input.draw.count: 4000000000; expected 1 to 1000000",
        ),
        (
            "draw",
            json!({ "count": 1, "seed": 1, "shift_sd": -1 }),
            "input.draw.shift_sd: -1; expected a number from 0 to 0.05",
        ),
        (
            "draw",
            json!({ "count": 1_000_000, "seed": 1 }),
            "input.scenarios and input.draw.count: 1000006 scenarios with the base, for 2 products; expected at most 1000001",
        ),
        ("assumptions", json!({ "lapse": [] }), "input.assumptions.lapse: 0 rates; expected 1 to 100"),
        (
            "assumptions",
            json!({ "lapse": [0.1, 2] }),
            "input.assumptions.lapse[1]: 2; expected a number from 0 to 1",
        ),
        (
            "assumptions",
            json!({ "inflation": 9 }),
            "input.assumptions.inflation: 9; expected a number from -0.1 to 0.1",
        ),
        ("points", json!("nowhere.csv"), "input.points: there is no file \"nowhere.csv\""),
    ] {
        let files = sample(&request(3, 0, 1));
        let mut job: Value = serde_json::from_slice(&files["job.json"]).unwrap();
        job["input"][field] = value;
        let input: Input = serde_json::from_value(job["input"].take()).unwrap();
        let told = TermLife::prepare(input, &Given::files(files)).unwrap_err().to_string();
        assert!(told.contains(expected), "{field}: {told}");
    }
}

#[test]
fn a_million_scenarios_are_accepted_besides_the_base() {
    let prepare = |input: Input| TermLife::prepare(input, &Given::files(sample(&request(3, 0, 1))));
    let drawn = |count: u32| serde_json::from_value(json!({ "count": count, "seed": 1 })).unwrap();
    let (input, _) = job(&request(3, 0, 1));
    let only_drawn = Input { scenarios: None, draw: Some(drawn(1_000_000)), ..input.clone() };
    assert_eq!(prepare(only_drawn).unwrap().n_scenarios(), 1_000_001);
    // The largest sample has five in its file.
    let (most, _) = job(&request(3, sample::MAX_DRAWN, 1));
    assert_eq!(prepare(most).unwrap().n_scenarios(), 1_000_001);
    let one_more = Input { draw: Some(drawn(999_996)), ..input };
    let told = prepare(one_more).unwrap_err().to_string();
    assert!(
        told.starts_with("input.scenarios and input.draw.count: 1000002 scenarios with the base"),
        "{told}"
    );
}

#[test]
fn of_many_products_there_are_fewer_scenarios_and_the_message_names_where_they_come_from() {
    let (input, mut files) = job(&request(3, 0, 1));
    let rows: String = (0..20).map(|n| format!("P{n},p{n},40,10,1,1000\n")).collect();
    let points = format!("id,product,age_at_entry,policy_term,policy_count,sum_assured\n{rows}");
    files.insert("points.csv".to_owned(), points.into_bytes());
    let draw = serde_json::from_value(json!({ "count": 500_000, "seed": 1 })).unwrap();
    let input = Input { scenarios: None, draw: Some(draw), ..input };
    let told = TermLife::prepare(input, &Given::files(files)).unwrap_err().to_string();
    let expected = "500001 scenarios with the base, for 20 products; expected at most 500000";
    assert_eq!(told, format!("input.draw.count: {expected}"));
}

#[test]
fn what_there_is_no_room_for_is_refused_before_it_is_read() {
    let (input, files) = job(&request(1_000, 0, 1));
    let given = Given { room_bytes: Some(50_000), ..Given::files(files) };
    let told = TermLife::prepare(input, &given).unwrap_err().to_string();
    assert_eq!(
        told,
        "points.csv:502: the file has more than 500 points, which is all that there is room for; split the job"
    );
}

/// Whatever is lost or changed of a file, there is an answer or a message, and no panic.
#[test]
fn no_byte_of_a_file_that_changes_is_fatal() {
    let (input, files) = job(&request(4, 2, 1));
    for name in ["points.csv", "mortality.csv", "curve.csv", "stresses.csv"] {
        let text = &files[name];
        for at in 0..text.len().min(400) {
            for byte in [b',', b'\n', b'"', b'-', b'9', 0, 0xFF] {
                let mut files = files.clone();
                files.get_mut(name).unwrap()[at] = byte;
                if let Ok(prepared) = TermLife::prepare(input.clone(), &Given::files(files)) {
                    answer(&prepared);
                }
            }
            let mut files = files.clone();
            files.get_mut(name).unwrap().truncate(at);
            let _ = TermLife::prepare(input.clone(), &Given::files(files));
        }
    }
}
