//! A job's file, the argument of `run`, `check` and `submit`.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context, Result};
use squall_core::job::JobId;
use squall_core::workload::InputError;

/// A job's file.
#[derive(Clone)]
pub(crate) struct JobFile(PathBuf);

impl FromStr for JobFile {
    type Err = std::convert::Infallible;

    fn from_str(path: &str) -> Result<Self, Self::Err> {
        Ok(Self(PathBuf::from(path)))
    }
}

impl JobFile {
    pub(crate) fn read(&self) -> Result<Vec<u8>> {
        std::fs::read(&self.0).with_context(|| format!("cannot read the job {}", self.0.display()))
    }

    /// The directory against which the names of its files are resolved.
    pub(crate) fn directory(&self) -> PathBuf {
        self.0.parent().map(Path::to_owned).unwrap_or_default()
    }

    /// Its name without the extension.
    pub(crate) fn stem(&self) -> String {
        self.0.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
    }
}

/// A job's id, as an argument.
///
/// # Errors
/// When it is not a valid id.
pub(crate) fn job_id(text: &str) -> Result<JobId, InputError> {
    JobId::new(text)
}
