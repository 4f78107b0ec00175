//! A job's file, the argument of `run`, `check` and `submit`, and where the files are that it names.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context, Result, bail};
use squall_core::job::JobId;
use squall_core::workload::InputError;
use squall_local::Directory;

/// A job's file.
#[derive(Clone)]
pub(crate) struct JobFile(PathBuf);

impl FromStr for JobFile {
    type Err = std::convert::Infallible;

    fn from_str(path: &str) -> Result<Self, Self::Err> {
        Ok(Self(PathBuf::from(path)))
    }
}

/// Where a job's files may be.
#[derive(clap::Args)]
pub(crate) struct FilesArgs {
    /// Let the job name files in this folder too, besides those in its own; may be given several times
    #[arg(long, value_name = "DIR", value_parser = folder)]
    allow: Vec<PathBuf>,
}

fn folder(text: &str) -> Result<PathBuf> {
    let path = std::fs::canonicalize(text)?;
    if !path.is_dir() {
        bail!("it is no folder");
    }
    Ok(path)
}

/// Most bytes of a job: a deployment takes one at most, the rest is for data that is inline.
const MOST_BYTES: u64 = 256_000_000;

impl JobFile {
    pub(crate) fn read(&self) -> Result<Vec<u8>> {
        let cannot = || format!("cannot read the job {}", self.0.display());
        // It may be a pipe, of any length.
        let mut bytes = Vec::new();
        let file = File::open(&self.0).with_context(cannot)?;
        file.take(MOST_BYTES + 1).read_to_end(&mut bytes).with_context(cannot)?;
        if bytes.len() as u64 > MOST_BYTES {
            bail!(
                "{}: it has more than {} MB; put data into files that it names",
                cannot(),
                MOST_BYTES / 1_000_000
            );
        }
        Ok(bytes)
    }

    /// The directory against which the names of its files are resolved, and the others where they may be.
    pub(crate) fn directory(&self, files: &FilesArgs) -> Directory {
        Directory::new(self.folder()).allowing(&files.allow)
    }

    /// Its folder.
    pub(crate) fn folder(&self) -> PathBuf {
        // A job that is piped in has no folder: the current one stands for it.
        let is_piped = ["/dev", "/proc"].iter().any(|folder| self.0.starts_with(folder));
        self.0.parent().filter(|_| !is_piped).map(Path::to_owned).unwrap_or_default()
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
