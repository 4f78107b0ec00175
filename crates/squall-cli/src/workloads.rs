//! `squall workloads`: the available workloads, and the schema of their input.

use std::process::ExitCode;

use squall_core::registry::Registry;

/// List the workloads, with the JSON Schema of their input
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only this one
    name: Option<String>,
    /// The names alone, without schemas
    #[arg(long)]
    names: bool,
}

pub(crate) fn main(args: &Args, registry: &Registry) -> anyhow::Result<ExitCode> {
    if let Some(name) = &args.name {
        registry.get(name)?;
    }
    let mut text = String::new();
    for workload in registry.iter().filter(|it| args.name.as_deref().is_none_or(|name| name == it.name())) {
        text += workload.name();
        if !args.names {
            let schema = serde_json::to_string_pretty(&workload.input_schema())?;
            text += &format!(": {}\n{schema}\n", workload.about());
        }
        text += "\n";
    }
    crate::print::answer(&text)?;
    Ok(ExitCode::SUCCESS)
}
