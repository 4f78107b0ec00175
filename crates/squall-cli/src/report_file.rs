//! A file for the answer.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// A file for the answer, created beside its final name before the work begins: a file that cannot be written is
/// reported at once, and an old report stays until there is a new one.
pub(crate) struct ReportFile<'a> {
    path: &'a Path,
    draft: PathBuf,
}

impl<'a> ReportFile<'a> {
    pub(crate) fn new(path: &'a Path) -> Result<Self> {
        anyhow::ensure!(!path.is_dir(), "cannot write the report: {} is a directory", path.display());
        let mut draft = path.as_os_str().to_owned();
        draft.push(".part");
        let draft = PathBuf::from(draft);
        std::fs::write(&draft, "").with_context(|| format!("cannot write the report {}", path.display()))?;
        Ok(Self { path, draft })
    }

    pub(crate) fn keep(self, text: &str) -> Result<()> {
        std::fs::write(&self.draft, text)
            .and_then(|()| std::fs::rename(&self.draft, self.path))
            .with_context(|| format!("cannot write the report {}", self.path.display()))
    }
}

impl Drop for ReportFile<'_> {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.draft);
    }
}
