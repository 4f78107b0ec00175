//! A function's calls to AWS, read from the sources: from its handler through the steps to its adapters, and there to
//! the operations of the SDK.
//!
//! It follows names, not types, and every definition that a name may refer to.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::iam::ADAPTERS;
use super::source::{Call, Definition, Of, bare, closed, definitions};

/// The prefixes of AWS operations.
const VERBS: &[&str] = &[
    "abort",
    "accept",
    "activate",
    "add",
    "allocate",
    "apply",
    "assign",
    "associate",
    "attach",
    "authorize",
    "batch",
    "begin",
    "cancel",
    "change",
    "check",
    "complete",
    "confirm",
    "copy",
    "create",
    "deactivate",
    "decrease",
    "delete",
    "deregister",
    "describe",
    "detach",
    "disable",
    "disassociate",
    "discover",
    "enable",
    "enter",
    "execute",
    "exit",
    "export",
    "filter",
    "get",
    "head",
    "import",
    "increase",
    "invoke",
    "launch",
    "list",
    "merge",
    "modify",
    "poll",
    "publish",
    "purge",
    "put",
    "query",
    "read",
    "rebalance",
    "receive",
    "record",
    "register",
    "release",
    "remove",
    "rename",
    "replace",
    "reset",
    "restore",
    "resume",
    "revoke",
    "rollback",
    "rotate",
    "scan",
    "select",
    "send",
    "set",
    "simulate",
    "split",
    "start",
    "stop",
    "submit",
    "subscribe",
    "suspend",
    "tag",
    "terminate",
    "test",
    "transact",
    "unsubscribe",
    "untag",
    "update",
    "upgrade",
    "upload",
    "verify",
    "write",
];
/// Calls without arguments that begin so and are none: of requests and clients, and fields of what was described.
const NO_OPERATIONS: &[&str] = &["get", "send", "launch_template", "disable_read_timeout"];
/// Sources of `squall-aws` that no function has: other programs' adapters, and what makes and finds a deployment.
const OTHERS: &[&str] = &["emulator", "imds", "provision", "stack", "transport"];

/// An operation that an adapter calls.
pub(crate) type Operation = (String, String);

/// The sources of the functions: their handlers, the steps, the adapters.
pub(crate) struct Sources(Vec<Definition>);

impl Sources {
    pub(crate) fn read() -> Self {
        let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut files = Vec::new();
        for folder in ["squall-lambdas/src", "squall-grid/src", "squall-capacity/src/steps", "squall-aws/src"]
        {
            sources(&crates.join(folder), &mut files);
        }
        let definitions = |file: &PathBuf| definitions(file, &fs::read_to_string(file).unwrap());
        Self(files.iter().flat_map(definitions).collect())
    }

    /// The operations that a binary's adapters call when it handles an event.
    pub(crate) fn of_binary(&self, binary: &str, adapters: &BTreeSet<String>) -> BTreeSet<Operation> {
        let module = binary.replace('-', "_");
        let is_handler = |it: &Definition| {
            it.name == "handle"
                && it.owner.is_none()
                && it.file.file_stem().is_some_and(|stem| *stem == *module)
        };
        let roots: Vec<_> = (0..self.0.len()).filter(|&it| is_handler(&self.0[it])).collect();
        assert_eq!(roots.len(), 1, "handlers of {binary}");
        self.reached(roots, adapters)
    }

    /// The operations that an adapter calls, for any user.
    pub(crate) fn of_adapter(&self, adapter: &str) -> BTreeSet<String> {
        let is_its = |it: &Definition| it.owner.as_deref() == Some(adapter);
        let roots = (0..self.0.len()).filter(|&it| is_its(&self.0[it])).collect();
        let operations = self.reached(roots, &BTreeSet::from([adapter.to_owned()]));
        operations.into_iter().map(|(_, operation)| operation).collect()
    }

    /// Every call in the adapters' sources that looks like an operation, and its file.
    pub(crate) fn anywhere(&self) -> BTreeSet<(String, PathBuf)> {
        let of_aws = self.0.iter().filter(|it| is_of_aws(&it.file));
        let operations = |it: &Definition| {
            let names: Vec<_> =
                it.calls.iter().filter(|call| is_operation(call)).map(|it| it.name.clone()).collect();
            names.into_iter().map(|name| (name, it.file.clone())).collect::<Vec<_>>()
        };
        of_aws.flat_map(operations).collect()
    }

    fn reached(&self, roots: Vec<usize>, adapters: &BTreeSet<String>) -> BTreeSet<Operation> {
        let mut found = BTreeSet::new();
        let mut seen = BTreeSet::new();
        let mut ahead: Vec<(usize, Option<&str>)> = roots.into_iter().map(|root| (root, None)).collect();
        while let Some((at, adapter)) = ahead.pop() {
            let definition = &self.0[at];
            let owner = definition.owner.as_deref();
            let adapter = owner.filter(|owner| adapters.contains(*owner)).or(adapter);
            if !seen.insert((at, adapter)) {
                continue;
            }
            for call in &definition.calls {
                if let Some(adapter) = adapter.filter(|_| is_of_aws(&definition.file) && is_operation(call)) {
                    found.insert((adapter.to_owned(), call.name.clone()));
                }
                ahead.extend(self.meant(definition, call, adapters).into_iter().map(|it| (it, adapter)));
            }
        }
        found
    }

    /// The definitions that a call may refer to.
    fn meant(&self, by: &Definition, call: &Call, adapters: &BTreeSet<String>) -> Vec<usize> {
        let all = |is: &dyn Fn(&Definition) -> bool| -> Vec<usize> {
            let named = |it: &Definition| it.name == call.name && it.takes_arguments == call.has_arguments;
            (0..self.0.len()).filter(|&it| named(&self.0[it]) && is(&self.0[it])).collect()
        };
        let here = |it: &Definition| it.file == by.file;
        let first = |one: Vec<usize>, other: Vec<usize>| if one.is_empty() { other } else { one };
        match call.of {
            Of::Nothing => first(
                all(&|it| it.owner.is_none() && here(it)),
                all(&|it| it.owner.is_none() && it.name != "handle"),
            ),
            Of::Itself => first(all(&|it| it.owner == by.owner), all(&|it| it.owner.is_some() && here(it))),
            Of::Something => all(&|it| match &it.owner {
                Some(owner) if is_of_aws(&it.file) => it.is_open && adapters.contains(owner),
                owner => owner.is_some(),
            }),
        }
    }
}

fn is_of_aws(file: &Path) -> bool {
    file.components().any(|it| it.as_os_str() == "squall-aws")
}

fn is_operation(call: &Call) -> bool {
    let verb = call.name.split('_').next().unwrap_or_default();
    call.of == Of::Something
        && !call.has_arguments
        && VERBS.contains(&verb)
        && !NO_OPERATIONS.contains(&call.name.as_str())
}

/// Every source below a folder except tests and sources that no function uses.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        let stem = path.file_stem().unwrap().to_str().unwrap();
        if matches!(stem, "tests" | "bin") || (is_of_aws(&path) && OTHERS.contains(&stem)) {
            continue;
        }
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|it| it == "rs") {
            found.push(path);
        }
    }
}

/// The adapters that `ports.rs` gives a binary.
pub(crate) fn adapters_of(binary: &str) -> BTreeSet<String> {
    /// Ports that make no calls.
    const NO_ADAPTERS: &[&str] = &["WallClock", "LogJournal"];
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let run = bare(&fs::read_to_string(folder.join("run.rs")).unwrap());
    // `shard-consumer` is `run::consumer`, `scale-out` is `run::scale_out`.
    let whole = binary.replace('-', "_");
    let last = binary.rsplit('-').next().unwrap_or_default();
    let entry =
        [whole.as_str(), last].into_iter().find_map(|name| run.split_once(&format!("pub fn {name}(")));
    let (_, main) = entry.expect("an entry point of a binary");
    let main = main.split("pub fn ").next().unwrap_or_default();
    let ports = bare(&fs::read_to_string(folder.join("ports.rs")).unwrap());
    let calls = main.split("ports::").skip(1).filter_map(|it| it.split_once('(').map(|(name, _)| name));
    let made_by = calls.into_iter().find(|name| name.ends_with("_ports")).expect("a binary has ports");
    let (_, after) = ports.split_once(&format!("pub fn {made_by}(")).expect("ports of a binary");
    let (_, after) = after.split_once("-> ").unwrap();
    let kind = after.split(' ').next().unwrap();
    let (_, parts) = ports.split_once(&format!("pub type {kind} =")).expect("the type of the ports");
    let (_, parts) = parts.split_once('<').unwrap();
    let parts = &parts[..closed(parts, '<', '>') - 1];
    let names = parts.split(',').map(str::trim).filter(|it| *it != "()" && !NO_ADAPTERS.contains(it));
    let mut names: BTreeSet<_> = names.map(str::to_owned).collect();
    // A listing is a separate adapter, returned by this one.
    if names.contains("S3Objects") {
        names.insert("S3Pages".to_owned());
    }
    for name in &names {
        assert!(ADAPTERS.iter().any(|it| it.name == name), "{binary} has {name}, which is in no table");
    }
    names
}
