//! `squall.toml`: the deployment of a directory.

use std::path::{Path, PathBuf};
use std::sync::Once;

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

/// The file in this directory or the nearest parent, unless somebody else could have written it: it says where jobs and signed requests
/// go.
pub(super) fn nearest() -> Option<PathBuf> {
    let here = std::env::current_dir().ok()?;
    let found = here.ancestors().map(|directory| directory.join(FILE_NAME)).find(|path| path.is_file())?;
    match foreign(&found) {
        None => Some(found),
        Some(why) => {
            static SAID: Once = Once::new();
            let say = || crate::print::aside(&format!("{} is not used: {why}\n", found.display()));
            SAID.call_once(say);
            None
        }
    }
}

/// Why a file that was found may be somebody else's word.
#[cfg(unix)]
fn foreign(path: &Path) -> Option<&'static str> {
    use std::os::unix::fs::MetadataExt;

    const BY_ITS_GROUP: u32 = 0o020;
    const BY_ALL: u32 = 0o002;
    let metadata = std::fs::metadata(path).ok()?;
    let us = rustix::process::geteuid().as_raw();
    if metadata.uid() != us && metadata.uid() != 0 {
        return Some("it belongs to another user");
    }
    // Where each user has a group, files are its group's to write.
    let by_group =
        metadata.mode() & BY_ITS_GROUP != 0 && metadata.gid() != rustix::process::getegid().as_raw();
    (by_group || metadata.mode() & BY_ALL != 0).then_some("others may write it; chmod go-w")
}

#[cfg(not(unix))]
fn foreign(_: &Path) -> Option<&'static str> {
    None
}

/// The variables of a `squall dev` that runs here, as a file to source.
pub(super) fn of_dev() -> Option<PathBuf> {
    Some(PathBuf::from(".dev/env")).filter(|path| path.is_file())
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs::{Permissions, remove_file, set_permissions, write};
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_file_that_others_may_write_is_not_ours() {
        let path = std::env::temp_dir().join(format!("squall-foreign-{}.toml", std::process::id()));
        write(&path, "").unwrap();
        for (mode, is_foreign) in [(0o600, false), (0o644, false), (0o664, false), (0o646, true)] {
            set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            assert_eq!(foreign(&path).is_some(), is_foreign, "{mode:o}");
        }
        remove_file(&path).unwrap();
    }
}
