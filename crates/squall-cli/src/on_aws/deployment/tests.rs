use std::path::PathBuf;

use expect_test::{Expect, expect};

use super::{ConfigFile, DeploymentArgs, Origin, Part, choose};

/// The choice with these flags and variables, in a directory below this `squall.toml`.
fn chosen(args: &DeploymentArgs, variables: &[(&str, &str)], nearest: Option<&str>) -> String {
    chosen_beside(args, variables, nearest, None)
}

/// The same where `squall dev` may be running, with its variables in a file.
fn chosen_beside(
    args: &DeploymentArgs,
    variables: &[(&str, &str)],
    nearest: Option<&str>,
    dev: Option<&str>,
) -> String {
    let variable =
        |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    let read = |path: &PathBuf| match path.to_str() {
        Some("squall.toml") => ConfigFile::parse(nearest.unwrap()),
        Some("other.toml") => ConfigFile::parse("table = 'other'\nregion = 'other-region'"),
        _ => panic!("{path:?} is read"),
    };
    match choose(
        args,
        variable,
        read,
        || nearest.map(|_| PathBuf::from("squall.toml")),
        || dev.map(PathBuf::from),
    ) {
        Ok(chosen) => {
            let origin = match chosen.origin {
                Origin::Stack(name) => format!("stack {name}"),
                Origin::Variables => "variables".to_owned(),
                Origin::File(path) => path.display().to_string(),
            };
            let table = chosen.names.get(Part::Table).map(str::to_owned);
            let settings = &chosen.settings;
            format!(
                "{origin}: table {table:?}, region {:?}, profile {:?}, endpoint {:?}",
                settings.region, settings.profile, settings.endpoint_url
            )
        }
        Err(error) => format!("error: {error:#}"),
    }
}

fn check(args: &DeploymentArgs, variables: &[(&str, &str)], nearest: Option<&str>, expected: Expect) {
    expected.assert_eq(&chosen(args, variables, nearest));
}

fn stack_flag() -> DeploymentArgs {
    DeploymentArgs { stack: Some("flag".to_owned()), ..DeploymentArgs::default() }
}

fn config_flag() -> DeploymentArgs {
    DeploymentArgs { config: Some("other.toml".into()), ..DeploymentArgs::default() }
}

const EVERYWHERE: &[(&str, &str)] = &[("SQUALL_STACK", "variable"), ("SQUALL_TABLE", "variables-table")];
const FILE: &str = "table = 'file'\nregion = 'file-region'\nendpoint_url = 'http://127.0.0.1:1'";

#[test]
fn the_first_place_that_says_anything_says_everything() {
    check(
        &stack_flag(),
        EVERYWHERE,
        Some(FILE),
        expect!["stack flag: table None, region None, profile None, endpoint None"],
    );
    check(
        &config_flag(),
        EVERYWHERE,
        Some(FILE),
        expect![[
            r#"other.toml: table Some("other"), region Some("other-region"), profile None, endpoint None"#
        ]],
    );
    check(
        &DeploymentArgs::default(),
        EVERYWHERE,
        Some(FILE),
        expect!["stack variable: table None, region None, profile None, endpoint None"],
    );
    check(
        &DeploymentArgs::default(),
        &EVERYWHERE[1..],
        Some(FILE),
        expect![[r#"variables: table Some("variables-table"), region None, profile None, endpoint None"#]],
    );
    check(
        &DeploymentArgs::default(),
        &[],
        Some(FILE),
        expect![[
            r#"squall.toml: table Some("file"), region Some("file-region"), profile None, endpoint Some("http://127.0.0.1:1")"#
        ]],
    );
    check(
        &DeploymentArgs::default(),
        &[],
        None,
        expect![
            "error: no deployment given: give --stack NAME, set the variables SQUALL_TABLE, SQUALL_BUCKET, SQUALL_JOBS_TOPIC, or write a squall.toml here or in a parent directory (`squall submit --help` says more)"
        ],
    );
}

#[test]
fn flags_say_the_region_and_the_profile_wherever_the_names_come_from() {
    let args = DeploymentArgs {
        region: Some("flag-region".to_owned()),
        profile: Some("flag-profile".to_owned()),
        ..DeploymentArgs::default()
    };
    check(
        &args,
        &[],
        Some(FILE),
        expect![[
            r#"squall.toml: table Some("file"), region Some("flag-region"), profile Some("flag-profile"), endpoint Some("http://127.0.0.1:1")"#
        ]],
    );
    check(
        &args,
        &EVERYWHERE[1..],
        None,
        expect![[
            r#"variables: table Some("variables-table"), region Some("flag-region"), profile Some("flag-profile"), endpoint None"#
        ]],
    );
}

#[test]
fn a_file_may_name_a_stack_instead_but_not_as_well() {
    let none = DeploymentArgs::default();
    check(
        &none,
        &[],
        Some("stack = 'mine'\nregion = 'r'"),
        expect![[r#"stack mine: table None, region Some("r"), profile None, endpoint None"#]],
    );
    check(
        &none,
        &[],
        Some("stack = 'mine'\ntable = 't'"),
        expect!["error: squall.toml: a stack names the parts; give `stack` or their names, not both"],
    );
    check(
        &none,
        &[],
        Some("region = 'r'"),
        expect![
            "error: squall.toml: no deployment named: set `stack`, or `jobs_topic`, `events_topic`, `table`, `bucket`, `task_stream`"
        ],
    );
}

#[test]
fn what_a_file_may_not_say_is_named_with_its_line() {
    let none = DeploymentArgs::default();
    check(
        &none,
        &[],
        Some("table = 't'\ntabel = 'u'"),
        expect![
            "error: line 2: unknown field `tabel`, expected one of `stack`, `jobs_topic`, `events_topic`, `table`, `bucket`, `task_stream`, `result_stream`, `deployment`, `region`, `profile`, `endpoint_url`"
        ],
    );
    check(
        &none,
        &[],
        Some("table = 't'\nbucket = 7"),
        expect!["error: line 2: invalid type: integer `7`, expected a string"],
    );
    check(&none, &[], Some("table = 't'\nbucket"), expect!["error: line 2: key with no value, expected `=`"]);
}

#[test]
fn where_squall_dev_runs_it_is_said_what_to_source() {
    expect![[r#"error: no deployment given: squall dev runs here: `source .dev/env`; or give --stack NAME, set the variables SQUALL_TABLE, SQUALL_BUCKET, SQUALL_JOBS_TOPIC, or write a squall.toml here or in a parent directory (`squall submit --help` says more)"#]]
    .assert_eq(&chosen_beside(&DeploymentArgs::default(), &[], None, Some(".dev/env")));
}
