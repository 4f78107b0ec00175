//! A file for the answer.

use std::fs::{File, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::io::{BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// A file for the answer, created beside its final name before the work begins: a file that cannot be written is reported at once, and an
/// old report stays until there is a new one.
pub(crate) struct ReportFile<'a> {
    named: &'a Path,
    /// Where it goes: what a link names, not the link.
    path: PathBuf,
    /// `None` for what is no regular file, such as a pipe: that is written in place.
    draft: Option<PathBuf>,
    /// What is written, whatever its name comes to mean.
    file: File,
}

impl<'a> ReportFile<'a> {
    pub(crate) fn new(named: &'a Path) -> Result<Self> {
        let cannot = || format!("cannot write {}", named.display());
        anyhow::ensure!(!named.is_dir(), "cannot write {}: it is a directory", named.display());
        let path = resolved(named);
        if std::fs::metadata(&path).is_ok_and(|it| !it.is_file()) {
            let file = OpenOptions::new().write(true).open(&path).with_context(cannot)?;
            return Ok(Self { named, path, draft: None, file });
        }
        // Exclusively, so that it is nobody's link; and under a name that nobody can foresee.
        for _ in 0..10 {
            let mut draft = path.as_os_str().to_owned();
            draft.push(format!(".{:016x}.part", RandomState::new().hash_one(std::process::id())));
            let draft = PathBuf::from(draft);
            match OpenOptions::new().write(true).create_new(true).open(&draft) {
                Ok(file) => return Ok(Self { named, path, draft: Some(draft), file }),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error).with_context(cannot),
            }
        }
        anyhow::bail!("{}: every name beside it is taken", cannot())
    }

    /// Whether both would replace the same file.
    pub(crate) fn replaces_what(&self, other: &Self) -> bool {
        self.draft.is_some() && self.path == other.path
    }

    pub(crate) fn keep(self, text: &str) -> Result<()> {
        self.keep_what(|out| out.write_all(text.as_bytes()))
    }

    /// Keeps what `write` writes, if it succeeds.
    pub(crate) fn keep_what(
        mut self,
        write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
    ) -> Result<()> {
        let mut out = BufWriter::new(&self.file);
        let mut written = write(&mut out).and_then(|()| out.flush());
        drop(out);
        if let Some(draft) = &self.draft {
            written = written.and_then(|()| std::fs::rename(draft, &self.path));
        }
        written.with_context(|| format!("cannot write {}", self.named.display()))?;
        self.draft = None;
        Ok(())
    }
}

/// The path of a file that is there, through links, or of one that may come to be.
fn resolved(named: &Path) -> PathBuf {
    let there = std::fs::canonicalize(named).ok();
    let beside = || {
        let folder = named.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Some(std::fs::canonicalize(folder).ok()?.join(named.file_name()?))
    };
    there.or_else(beside).unwrap_or_else(|| named.to_owned())
}

impl Drop for ReportFile<'_> {
    fn drop(&mut self) {
        if let Some(draft) = &self.draft {
            let _ = std::fs::remove_file(draft);
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_report_replaces_a_file_writes_through_a_link_and_follows_nobody_elses() {
        let folder = std::env::temp_dir().join(format!("squall-report-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        let at = |name: &str| folder.join(name);
        fs::write(at("victim"), "theirs").unwrap();
        symlink(at("victim"), at("report.part")).unwrap();
        ReportFile::new(&at("report")).unwrap().keep("ours").unwrap();
        assert_eq!(fs::read_to_string(at("report")).unwrap(), "ours");
        assert_eq!(fs::read_to_string(at("victim")).unwrap(), "theirs");
        // A link that is asked for is written through, and stays.
        fs::write(at("real"), "old").unwrap();
        symlink(at("real"), at("link")).unwrap();
        ReportFile::new(&at("link")).unwrap().keep("new").unwrap();
        assert!(fs::symlink_metadata(at("link")).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(at("real")).unwrap(), "new");
        // What is not kept leaves nothing, and the old report.
        drop(ReportFile::new(&at("report")).unwrap());
        assert_eq!(fs::read_to_string(at("report")).unwrap(), "ours");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 5);
        // A device is written, not replaced.
        ReportFile::new(Path::new("/dev/null")).unwrap().keep("gone").unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
        fs::remove_dir_all(&folder).unwrap();
    }
}
