//! Checkpoints that outlive the process: a file of JSON per mapping, replaced as a whole.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use squall_core::ports::PortError;

use super::marks::Marks;
use super::ports::Checkpoints;

/// A directory with a file per mapping.
#[derive(Debug, Clone)]
pub struct CheckpointFiles {
    directory: PathBuf,
}

impl CheckpointFiles {
    /// Keeps checkpoints in `directory`, which is created when the first one is stored.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into() }
    }

    fn path(&self, mapping: &str) -> PathBuf {
        let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '_' };
        self.directory.join(mapping.chars().map(plain).collect::<String>() + ".json")
    }
}

fn failed(doing: &str, path: &Path, error: impl std::error::Error + Send + Sync + 'static) -> PortError {
    let what = format!("cannot {doing} the checkpoints in {}", path.display());
    PortError::Permanent { what, source: Some(Box::new(error)) }
}

impl Checkpoints for CheckpointFiles {
    fn load(&self, mapping: &str) -> Result<Option<Marks>, PortError> {
        let path = self.path(mapping);
        match fs::read(&path) {
            Ok(bytes) => {
                serde_json::from_slice(&bytes).map(Some).map_err(|error| failed("parse", &path, error))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed("read", &path, error)),
        }
    }

    fn store(&self, mapping: &str, marks: &Marks) -> Result<(), PortError> {
        let path = self.path(mapping);
        let replace = || {
            fs::create_dir_all(&self.directory)?;
            let beside = path.with_extension("json.new");
            let mut file = fs::File::create(&beside)?;
            file.write_all(&serde_json::to_vec_pretty(marks)?)?;
            drop(file);
            fs::rename(&beside, &path)
        };
        replace().map_err(|error| failed("write", &path, error))
    }
}

#[cfg(test)]
mod tests;
