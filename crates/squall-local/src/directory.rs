//! The files that a job names, from a directory.

use std::path::{Path, PathBuf};

use squall_core::ports::{Files, PortError};

/// A directory that relative names start from.
#[derive(Debug, Clone)]
pub struct Directory(PathBuf);

impl Directory {
    /// Names are relative to `path`.
    pub fn new(path: impl AsRef<Path>) -> Self {
        Self(path.as_ref().to_owned())
    }
}

impl Files for Directory {
    async fn read(&self, reference: &str) -> Result<Vec<u8>, PortError> {
        let path = match reference.split_once("://") {
            None => self.0.join(reference),
            Some(("file", path)) => PathBuf::from(path),
            Some((scheme, _)) => {
                let what = format!("`{scheme}://` cannot be read here; expected a path or a `file://` URI");
                return Err(PortError::permanent(what));
            }
        };
        std::fs::read(&path).map_err(|error| PortError::Permanent {
            what: format!("cannot read {}", path.display()),
            source: Some(error.into()),
        })
    }
}
