use std::os::unix::fs::PermissionsExt;

use serde_json::json;
use squall_core::bundle::Bundle;
use squall_core::data::NoData;
use squall_core::registry::AnyPrepared;
use squall_core::sources::Given;

use super::*;

/// Says its process and a variable for every item.
const PROGRAM: &str = r#"#!/bin/sh
read -r hello
echo '{"squall":1,"ready":true}'
while read -r request; do
    id=${request#*:}
    echo "{\"id\":${id%%,*},\"values\":[\"$$ $WHERE $AWS_SECRET_ACCESS_KEY\"]}"
done
"#;

fn job(registry: &Registry, worker: serde_json::Value) -> Arc<dyn AnyPrepared> {
    let input = json!({
        "items": { "range": [0, 2] }, "worker": worker, "batch": { "items": 1 }, "audit": { "share": 0 }
    });
    let bundle = Bundle {
        workload: External::NAME.to_owned(),
        input_json: input.to_string(),
        given: Given::default(),
    };
    registry.get(External::NAME).unwrap().prepare(&bundle).unwrap()
}

/// The values of the items.
fn values(prepared: &dyn AnyPrepared) -> Vec<String> {
    let evaluation = prepared.evaluate(&prepared.whole().slice, &mut NoData).unwrap();
    assert_eq!(evaluation.failed, []);
    let mut rows = Vec::new();
    assert!(prepared.write_rows(Some(&evaluation.partial), &mut rows).unwrap());
    String::from_utf8(rows).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn a_declared_worker_stays_between_invocations_has_what_is_named_and_ends_when_it_is_told_to() {
    let folder = std::env::temp_dir().join(format!("squall-externals-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let program = folder.join("program");
    std::fs::write(&program, PROGRAM).unwrap();
    std::fs::set_permissions(&program, PermissionsExt::from_mode(0o700)).unwrap();
    let mut command = Command::new(vec![program.to_str().unwrap().to_owned()]);
    command.inherit_env = vec!["WHERE".to_owned()];
    let vars = [("PATH", "/usr/bin:/bin"), ("WHERE", "here"), ("AWS_SECRET_ACCESS_KEY", "secret")];
    let vars = vars.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let declared = [("pricer".to_owned(), command)].into();
    let (registry, programs) = connected(squall_workloads::registry(), &declared, &vars);

    let prepared = job(&registry, json!("pricer"));
    let first = values(prepared.as_ref());
    assert_eq!(values(prepared.as_ref()), first);
    let said = first.iter().find(|row| row.contains(" here ")).unwrap();
    assert!(!first.concat().contains("secret"), "{first:?}");
    let digits = said.split(" here ").next().unwrap();
    let pid: u32 = digits.rsplit(|c: char| !c.is_ascii_digit()).next().unwrap().parse().unwrap();
    assert!(std::path::Path::new(&format!("/proc/{pid}")).exists());

    programs.end_all();
    assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists());
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_command_that_reaches_a_worker_function_is_not_run() {
    let (registry, _programs) = connected(squall_workloads::registry(), &BTreeMap::new(), &BTreeMap::new());
    let prepared = job(&registry, json!({ "command": ["/bin/cat"] }));
    let said = prepared.evaluate(&prepared.whole().slice, &mut NoData);
    let said = match said {
        Err(error) => error.to_string(),
        Ok(evaluation) => format!("{:?}", evaluation.failed),
    };
    assert!(said.contains("the job names a command; expected the name of a declared worker"), "{said}");
}

#[test]
fn a_registry_without_external_stays_without_it() {
    let (registry, _programs) = connected(Registry::default(), &BTreeMap::new(), &BTreeMap::new());
    assert_eq!(accepting(registry, BTreeSet::new()).iter().count(), 0);
}
