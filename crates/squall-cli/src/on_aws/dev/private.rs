//! The folder of a run and the files in it: nobody else may read them, and no link leads a write elsewhere. They hold the run's keys
//! and the content of jobs.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use anyhow::{Context, Result, bail};

/// For its owner alone.
const FOLDER: u32 = 0o700;
const FILE: u32 = 0o600;

/// Makes a folder, or takes one that is there from everybody else.
///
/// # Errors
/// When it cannot be made; when it is a link, no folder, or another user's.
pub(super) fn folder(path: &Path) -> Result<()> {
    let shown = path.display();
    match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let made = DirBuilder::new().recursive(true).mode(FOLDER).create(path);
            return made.with_context(|| format!("cannot make the folder {shown}"));
        }
        Err(error) => return Err(error).with_context(|| format!("cannot look at the folder {shown}")),
        Ok(found) if !found.is_dir() => {
            bail!("{shown} is no folder but a link or a file; remove it, or give another --dir")
        }
        Ok(found) if found.uid() != rustix::process::geteuid().as_raw() => {
            bail!("the folder {shown} belongs to another user; give another --dir")
        }
        Ok(_) => {}
    }
    std::fs::set_permissions(path, Permissions::from_mode(FOLDER))
        .with_context(|| format!("cannot take the folder {shown} from others"))
}

/// Makes a new file in place of what is there, be it a link.
pub(super) fn create(path: &Path) -> io::Result<File> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => OpenOptions::new().write(true).create_new(true).mode(FILE).open(path),
    }
}

/// Opens a file that stays the same one from run to run, for its lock.
pub(super) fn lasting(path: &Path) -> io::Result<File> {
    if std::fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink()) {
        std::fs::remove_file(path)?;
    }
    OpenOptions::new().write(true).create(true).truncate(false).mode(FILE).open(path)
}

/// Writes a file that appears whole.
///
/// # Errors
/// When it cannot be written.
pub(super) fn write(path: &Path, text: &str) -> Result<()> {
    let draft = path.with_extension("part");
    create(&draft)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .and_then(|()| std::fs::rename(&draft, path))
        .with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests;
