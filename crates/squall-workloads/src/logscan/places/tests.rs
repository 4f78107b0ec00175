use super::*;

fn place(name: &str) -> LogsInput {
    LogsInput::Place(name.to_owned())
}

fn us(text: &str) -> i64 {
    text.parse::<jiff::Timestamp>().unwrap().as_microsecond()
}

fn names(logs: &[LogsInput], from: &str, to: &str, slack_us: i64) -> Vec<String> {
    let places = Places::of(logs, Some((us(from), us(to))), slack_us).unwrap();
    places.0.into_iter().map(|place| place.name).collect()
}

fn refused(logs: &[LogsInput]) -> String {
    Places::of(logs, None, 0).unwrap_err().to_string()
}

#[test]
fn fields_of_time_take_the_values_of_the_range() {
    let hours = [place("s3://b/app/%Y/%m/%d/%H/")];
    let found = names(&hours, "2026-12-31T22:30:00Z", "2027-01-01T00:00:00Z", 0);
    assert_eq!(found, ["s3://b/app/2026/12/31/22/", "s3://b/app/2026/12/31/23/"]);
    let found = names(&hours, "2026-12-31T22:30:00Z", "2027-01-01T00:00:00Z", HOUR_US);
    assert_eq!(found.len(), 4);
    assert_eq!(found.first().unwrap(), "s3://b/app/2026/12/31/21/");
    assert_eq!(found.last().unwrap(), "s3://b/app/2027/01/01/00/");
    let days = names(&[place("logs/%Y%m%d")], "2026-12-30T00:00:00Z", "2027-01-01T00:00:00Z", 0);
    assert_eq!(days, ["logs/20261230", "logs/20261231"]);
    assert_eq!(names(&[place("100%%")], "2026-12-30T00:00:00Z", "2026-12-30T00:00:01Z", 0), ["100%"]);
}

#[test]
fn a_trail_is_listed_by_its_hours() {
    let trail = AwsLogs {
        service: Service::CloudTrail,
        bucket: "s3://b/central/".to_owned(),
        accounts: vec!["111122223333".to_owned(), "444455556666".to_owned()],
        regions: vec!["eu-west-1".to_owned()],
        organization: Some("o-abc".to_owned()),
        names: Vec::new(),
    };
    let found = names(&[LogsInput::Aws(trail)], "2026-11-30T21:00:00Z", "2026-11-30T22:00:00Z", 0);
    assert_eq!(
        found,
        [
            "s3://b/central/AWSLogs/o-abc/111122223333/CloudTrail/eu-west-1/2026/11/30/111122223333_CloudTrail_eu-west-1_20261130T21",
            "s3://b/central/AWSLogs/o-abc/444455556666/CloudTrail/eu-west-1/2026/11/30/444455556666_CloudTrail_eu-west-1_20261130T21",
        ]
    );
}

#[test]
fn patterns_match_names() {
    for (glob, location, expected) in [
        ("logs/*.log", "logs/a.log", true),
        ("logs/*.log", "logs/deep/a.log", false),
        ("logs/**/*.log", "logs/deep/er/a.log", true),
        ("logs/**/*.log", "logs/a.log", true),
        ("logs/**", "logs/deep/a.log.1", true),
        ("logs/app-?.log", "logs/app-1.log", true),
        ("logs/app-?.log", "logs/app-10.log", false),
        ("logs/app-?.log", "logs/app-é.log", true),
        ("logs/app-[0-3].log", "logs/app-2.log", true),
        ("logs/app-[!0-3].log", "logs/app-2.log", false),
        ("logs/a+b.log*", "logs/a+b.log.gz", true),
        ("./logs/*.log", "logs/a.log", true),
        ("*.log", "./a.log", true),
        ("s3://b/x/*/y.gz", "s3://b/x/1/y.gz", true),
    ] {
        let places = Places::of(&[place(glob)], None, 0).unwrap();
        assert_eq!(places.holds(0, location, &[]) == Holds::Searched(0), expected, "{glob} {location}");
    }
    let listed = |glob: &str| Places::of(&[place(glob)], None, 0).unwrap().0[0].name.clone();
    assert_eq!(listed("logs/**/*.log"), "logs");
    assert_eq!(listed("*.log"), ".");
    assert_eq!(listed("/*.log"), "/");
    assert_eq!(listed("s3://b/app/web-*.log"), "s3://b/app/web-");
}

/// The places that list a location, of folders here or prefixes on S3, and how they have it.
fn holders(logs: &[&str], location: &str) -> Vec<(usize, Holds)> {
    let logs: Vec<LogsInput> = logs.iter().map(|name| place(name)).collect();
    let places = Places::of(&logs, None, 0).unwrap();
    let is_s3 = |name: &str| name.starts_with("s3://");
    let root = |name: &str| match name {
        _ if is_s3(name) => "s3://b/".to_owned(),
        // Beginnings of names, as no folder here ends in a dash.
        _ if name.ends_with('-') => {
            name.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"))
        }
        _ if name.starts_with("app.log") => String::new(),
        _ => format!("{}/", name.trim_end_matches('/')),
    };
    let roots: Vec<String> = places.0.iter().map(|it| root(&it.name)).collect();
    let lists = |idx: &usize| places.0[*idx].lists(&roots[*idx], location);
    (0..places.0.len()).filter(lists).map(|idx| (idx, places.holds(idx, location, &roots))).collect()
}

#[test]
fn an_object_of_two_entries_is_searched_once() {
    use Holds::{Repeated, Unwanted};
    let at = |place: usize| (place, Holds::Searched(place));
    for (logs, location, expected) in [
        (&["logs/app/", "logs"][..], "logs/app/x.log", vec![at(0), (1, Repeated)]),
        (&["logs/app/", "logs"], "logs/b.log", vec![at(1)]),
        (&["logs", "./logs/app/*.log"], "logs/app/x.log", vec![at(0), (1, Repeated)]),
        (&["./logs/app/*.log", "logs"], "logs/app/x.txt", vec![(0, Unwanted), at(1)]),
        // Siblings, in both orders: a folder has not what only begins like it.
        (&["logs", "logs2"], "logs2/b.log", vec![at(1)]),
        (&["logs2", "logs"], "logs2/b.log", vec![at(0)]),
        (&["logs/app-", "logs/app-1"], "logs/app-1/b.log", vec![at(0), (1, Repeated)]),
        (&["s3://b/logs", "s3://b/logs2"], "s3://b/logs2/b.log", vec![at(0), (1, Repeated)]),
        (&["app.log", "app.log.1"], "app.log.1", vec![at(1)]),
        (&[".", "s3://b/x"], "s3://b/x/a.log", vec![at(1)]),
        (&["."], "./a.log", vec![at(0)]),
        (&["a", "."], "./a/b.log", vec![at(0), (1, Repeated)]),
    ] {
        assert_eq!(holders(logs, location), expected, "{logs:?} {location}");
    }
}

#[test]
fn patterns_of_one_folder_are_listed_once() {
    let logs = [place("logs/*.log"), place("logs/*.txt"), place("./logs/a*"), place("logs/deep/*")];
    let places = Places::of(&logs, None, 0).unwrap();
    assert_eq!(places.0.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["logs", "logs/deep"]);
    assert_eq!(places.0[0].entries.iter().map(|it| it.0).collect::<Vec<_>>(), [0, 1, 2]);
    for (location, expected) in
        [("logs/a.log", Some(0)), ("logs/b.txt", Some(1)), ("logs/a.csv", Some(2)), ("logs/b.csv", None)]
    {
        let expected = expected.map_or(Holds::Unwanted, Holds::Searched);
        assert_eq!(places.holds(0, location, &[]), expected, "{location}");
    }
    let places = Places::of(&[place("logs/*.log"), place("logs")], None, 0).unwrap();
    assert!(places.0.len() == 1 && places.holds(0, "logs/b.csv", &[]) == Holds::Searched(1));
}

#[test]
fn places_that_cannot_be_listed_are_refused_by_name() {
    for (logs, problem) in [
        (vec![], "input.logs: is empty"),
        (vec![place("")], "input.logs[0]: is empty"),
        (vec![place("a"), place("b/%Y")], "input.logs[1]: \"b/%Y\" has fields of time; give the range"),
        (vec![place("b/%j")], "input.logs[0]: \"b/%j\" has `%j`; the fields of time are %Y, %m, %d and %H"),
        (vec![place("b/%")], "input.logs[0]: \"b/%\" has `%`;"),
        (vec![place("logs/[a")], "input.logs[0]: \"logs/[a\" has a `[` without its `]`"),
        (vec![place("logs/[^a]")], "input.logs[0]: \"logs/[^a]\" has the class [^a]"),
        (vec![place("s3://*/x")], "input.logs[0]: \"s3://*/x\" has a pattern for the bucket"),
    ] {
        let said = refused(&logs);
        assert!(said.starts_with(problem), "{said}");
    }
    let aws = |change: &dyn Fn(&mut AwsLogs)| {
        let mut logs = AwsLogs {
            service: Service::Waf,
            bucket: "s3://b".to_owned(),
            accounts: vec!["111122223333".to_owned()],
            regions: vec!["eu-west-1".to_owned()],
            organization: None,
            names: vec!["acl".to_owned()],
        };
        change(&mut logs);
        refused(&[LogsInput::Aws(logs)])
    };
    for (said, problem) in [
        (aws(&|it| it.accounts.clear()), "input.logs[0].accounts: is missing"),
        (
            aws(&|it| it.accounts = vec!["123".to_owned()]),
            "input.logs[0].accounts: \"123\" is not an account",
        ),
        (aws(&|it| it.regions = vec!["*".to_owned()]), "input.logs[0].regions: \"*\" is not a name"),
        (aws(&|it| it.names.clear()), "input.logs[0].names: is missing"),
        (aws(&|it| it.organization = Some("o-x".to_owned())), "input.logs[0].organization: is of no use"),
        (aws(&|it| it.service = Service::S3Access), "input.logs[0].accounts: is of no use"),
        (
            aws(&|it| (it.service, it.names) = (Service::VpcFlow, vec!["x".to_owned()])),
            "input.logs[0].names: is of no use",
        ),
        (
            aws(&|it| {
                (it.service, it.names, it.organization) =
                    (Service::CloudTrail, Vec::new(), Some("%H*/".to_owned()))
            }),
            "input.logs[0].organization: \"%H*/\" is not an organisation",
        ),
        (aws(&|it| it.bucket.clear()), "input.logs[0].bucket: expected"),
    ] {
        assert!(said.starts_with(problem), "{said}");
    }
    let far = (us("1900-01-01T00:00:00Z"), us("2026-01-01T00:00:00Z"));
    let said = Places::of(&[place("b/%H")], Some(far), 0).unwrap_err().to_string();
    assert!(said.contains("longer than ten years"), "{said}");
}

/// A million keys of a year: what is listed for an hour is a few thousandths of them.
#[test]
fn an_hour_of_a_year_lists_less_than_a_thousandth_of_its_keys() {
    let trail = AwsLogs {
        service: Service::CloudTrail,
        bucket: "s3://b".to_owned(),
        accounts: vec!["111122223333".to_owned()],
        regions: vec!["eu-west-1".to_owned()],
        organization: None,
        names: Vec::new(),
    };
    let prefixes = names(&[LogsInput::Aws(trail)], "2026-06-01T12:00:00Z", "2026-06-01T13:00:00Z", HOUR_US);
    let start = us("2026-01-01T00:00:00Z");
    let n_keys = 1_000_000i64;
    let touched = (0..n_keys).filter(|i| {
        let at = jiff::Timestamp::from_microsecond(start + i * 31_536_000).unwrap().to_zoned(jiff::tz::TimeZone::UTC);
        let key = at.strftime(
            "s3://b/AWSLogs/111122223333/CloudTrail/eu-west-1/%Y/%m/%d/111122223333_CloudTrail_eu-west-1_%Y%m%dT%H%MZ_x.json.gz",
        );
        let key = key.to_string();
        prefixes.iter().any(|prefix| key.starts_with(prefix))
    });
    let touched = touched.count();
    assert!((300..1_000).contains(&touched), "{touched}");
}
