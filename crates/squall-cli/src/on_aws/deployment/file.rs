//! `squall.toml`: the deployment of a directory.

use std::path::PathBuf;

use anyhow::{Context, Result, anyhow};
use serde::Deserialize;

use super::names::{Names, Part};

/// The name of the file.
pub(super) const FILE_NAME: &str = "squall.toml";

/// The content of the file.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ConfigFile {
    pub(super) stack: Option<String>,
    jobs_topic: Option<String>,
    events_topic: Option<String>,
    table: Option<String>,
    bucket: Option<String>,
    task_stream: Option<String>,
    result_stream: Option<String>,
    deployment: Option<String>,
    pub(super) region: Option<String>,
    pub(super) profile: Option<String>,
    pub(super) endpoint_url: Option<String>,
}

impl ConfigFile {
    /// Reads a file.
    ///
    /// # Errors
    /// When it does not exist, or has an unknown or invalid field.
    pub(super) fn read(path: &PathBuf) -> Result<Self> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(&text).with_context(|| path.display().to_string())
    }

    pub(super) fn parse(text: &str) -> Result<Self> {
        toml::from_str(text).map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            // One sentence, without the excerpt and arrows of the error's own display.
            anyhow!("line {}: {}", before.matches('\n').count() + 1, error.message().replace('\n', ", "))
        })
    }

    /// The names in it.
    pub(super) fn names(&self) -> Names {
        Names::from(|part: Part| match part {
            Part::JobsTopic => self.jobs_topic.clone(),
            Part::EventsTopic => self.events_topic.clone(),
            Part::Table => self.table.clone(),
            Part::Bucket => self.bucket.clone(),
            Part::TaskStream => self.task_stream.clone(),
            Part::ResultStream => self.result_stream.clone(),
            Part::Description => self.deployment.clone(),
        })
    }
}

/// The file in this directory or the nearest parent.
pub(super) fn nearest() -> Option<PathBuf> {
    let here = std::env::current_dir().ok()?;
    here.ancestors().map(|directory| directory.join(FILE_NAME)).find(|path| path.is_file())
}

/// The variables of a `squall dev` that runs here, as a file to source.
pub(super) fn of_dev() -> Option<PathBuf> {
    Some(PathBuf::from(".dev/env")).filter(|path| path.is_file())
}
