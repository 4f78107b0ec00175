//! The files and objects that a job names, from a directory.

use std::fs::{File, Metadata};
use std::io::ErrorKind::NotFound;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use squall_core::ports::{ObjectPages, Objects, PortError};
use squall_core::sources::Object;

/// Objects per page of a listing.
const PAGE_OBJECTS: usize = 10_000;
/// Most bytes of a file that is read whole: no table holds more text.
const MOST_BYTES: u64 = 4_000_000_000;

/// A directory against which relative names are resolved. A name may lead to what is below it, or below another folder that is
/// allowed, and nowhere else: whoever wrote the name may be somebody else than the user whose files these are.
#[derive(Debug, Clone)]
pub struct Directory {
    path: PathBuf,
    /// Where names may lead: without links, the directory itself first.
    allowed: Vec<PathBuf>,
}

/// Where a name leads.
#[derive(Debug)]
struct Place {
    /// As it is shown.
    path: PathBuf,
    /// Without links.
    real: PathBuf,
}

impl Directory {
    /// Names are relative to `path`.
    pub fn new(path: impl AsRef<Path>) -> Self {
        let path = path.as_ref().to_owned();
        // A file that is named without a folder is in the current one.
        let folder = if path.as_os_str().is_empty() { Path::new(".") } else { &path };
        Self { allowed: vec![real_or_itself(folder)], path }
    }

    /// Names may lead below these folders, too.
    #[must_use]
    pub fn allowing<P: AsRef<Path>>(mut self, folders: impl IntoIterator<Item = P>) -> Self {
        self.allowed.extend(folders.into_iter().map(|folder| real_or_itself(folder.as_ref())));
        self
    }

    fn path(&self, reference: &str) -> Result<PathBuf, PortError> {
        match reference.split_once("://") {
            None => Ok(self.path.join(reference)),
            Some(("file", path)) => Ok(PathBuf::from(path)),
            Some((scheme, _)) => {
                let what = format!("`{scheme}://` cannot be read here; expected a path or a `file://` URI");
                Err(PortError::permanent(what))
            }
        }
    }

    /// What begins with the last part of `path` in the folder before it; nothing without such a folder.
    fn list_beginning(&self, prefix: &str, path: &Path) -> Result<DirectoryPages, PortError> {
        let (root, start) = match prefix.rsplit_once('/') {
            Some((folder, start)) => (format!("{folder}/"), start.to_owned()),
            // So that it is told from a file, which has no root.
            None => ("./".to_owned(), prefix.to_owned()),
        };
        let folder = path.parent().unwrap_or(path);
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let mut pages = DirectoryPages {
            directory: self.clone(),
            root,
            path: folder.to_owned(),
            levels: Vec::new(),
            single: None,
        };
        if !start.is_empty() && folder.is_dir() {
            self.resolve("list", folder.to_owned())?;
            pages.enter(String::new())?;
            if let Some((_, names)) = pages.levels.last_mut() {
                names.retain(|name| name.starts_with(&start));
            }
        }
        Ok(pages)
    }

    fn place(&self, verb: &str, reference: &str) -> Result<Place, PortError> {
        self.resolve(verb, self.path(reference)?)
    }

    /// Follows every link of a path, and refuses where it must not lead.
    fn resolve(&self, verb: &str, path: PathBuf) -> Result<Place, PortError> {
        let real = std::fs::canonicalize(&path).map_err(|error| cannot(verb, &path, error))?;
        if self.allowed.iter().any(|folder| real.starts_with(folder)) {
            return Ok(Place { path, real });
        }
        let [shown, leads] = [&path, &real].map(|it| it.display().to_string());
        let leads = if leads == shown { String::new() } else { format!("is {leads}, which ") };
        let own = self.allowed.first().unwrap_or(&self.path).display();
        Err(PortError::permanent(format!(
            "cannot {verb} {shown}: it {leads}is not below the job's folder {own}; --allow DIR lets a job read another folder"
        )))
    }
}

/// A folder without links; itself if it is not there, so that nothing is below it.
fn real_or_itself(folder: &Path) -> PathBuf {
    std::fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned())
}

fn cannot(verb: &str, path: &Path, error: std::io::Error) -> PortError {
    PortError::Permanent { what: format!("cannot {verb} {}", path.display()), source: Some(error.into()) }
}

/// Looks at a file: a device or a pipe may have no end.
fn regular(path: &Path) -> Result<Metadata, PortError> {
    let metadata = std::fs::metadata(path).map_err(|error| cannot("read", path, error))?;
    if metadata.is_file() {
        return Ok(metadata);
    }
    let kind = if metadata.is_dir() { "it is a folder" } else { "it is no regular file" };
    Err(PortError::permanent(format!("cannot read {}: {kind}", path.display())))
}

/// The substitute for an ETag: the size and the time of the last write, which is as much as a file system records.
fn etag(metadata: &Metadata) -> String {
    let modified = metadata.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    format!("{:x}-{:x}", metadata.len(), modified.unwrap_or_default().as_nanos())
}

impl Objects for Directory {
    type Pages = DirectoryPages;

    async fn read(&self, reference: &str) -> Result<Vec<u8>, PortError> {
        let Place { path, real } = self.place("read", reference)?;
        let n_bytes = regular(&path)?.len();
        if n_bytes > MOST_BYTES {
            let gb = n_bytes.div_ceil(1_000_000_000);
            let what = format!(
                "cannot read {}: it has {gb} GB; a file has at most 4 GB, so split it",
                path.display()
            );
            return Err(PortError::permanent(what));
        }
        std::fs::read(real).map_err(|error| cannot("read", &path, error))
    }

    /// As S3 does: below a folder, or one file, or what begins so in its folder, which may be nothing.
    async fn list(&self, prefix: &str) -> Result<DirectoryPages, PortError> {
        let path = self.path(prefix)?;
        let is_missing = std::fs::symlink_metadata(&path).is_err_and(|error| error.kind() == NotFound);
        if is_missing {
            return self.list_beginning(prefix, &path);
        }
        let Place { path, real } = self.resolve("list", path)?;
        let metadata = std::fs::metadata(real).map_err(|error| cannot("list", &path, error))?;
        let root = format!("{prefix}{}", if prefix.ends_with('/') { "" } else { "/" });
        let directory = self.clone();
        let mut pages = DirectoryPages { directory, root, path, levels: Vec::new(), single: None };
        if metadata.is_dir() {
            pages.enter(String::new())?;
        } else {
            // A source may be one file: its location is the prefix itself.
            regular(&pages.path)?;
            pages.root = String::new();
            pages.single = Some(prefix.to_owned());
        }
        Ok(pages)
    }

    async fn stat(&self, location: &str) -> Result<Object, PortError> {
        let metadata = regular(&self.place("read", location)?.path)?;
        Ok(Object { name: location.to_owned(), bytes: metadata.len(), etag: etag(&metadata) })
    }

    async fn read_range(
        &self,
        location: &str,
        listed: &str,
        range: Range<u64>,
    ) -> Result<Vec<u8>, PortError> {
        let Place { path, real } = self.place("read", location)?;
        let read = || -> std::io::Result<(Vec<u8>, String)> {
            let mut file = File::open(real)?;
            file.seek(SeekFrom::Start(range.start))?;
            let wanted = range.end.saturating_sub(range.start);
            let mut bytes = Vec::with_capacity(usize::try_from(wanted).unwrap_or(0).min(1 << 26));
            Read::by_ref(&mut file).take(wanted).read_to_end(&mut bytes)?;
            // Checked afterwards: a file that changed while being read is not the listed one either.
            Ok((bytes, etag(&file.metadata()?)))
        };
        let (bytes, found) = read().map_err(|error| cannot("read", &path, error))?;
        if found == listed {
            return Ok(bytes);
        }
        let what = format!("{} changed since it was listed (ETag {listed}, now {found})", path.display());
        Err(PortError::permanent(what))
    }
}

/// A folder and those below it, listed in the order of the files' names, byte by byte.
///
/// Only the names of each folder on the way to the next file are held in memory: a million files of one folder are some
/// 50 MB for as long as the listing lasts.
#[derive(Debug)]
pub struct DirectoryPages {
    directory: Directory,
    root: String,
    path: PathBuf,
    /// The folders on the way, each with its path below the root and its remaining names, in reverse.
    levels: Vec<(String, Vec<Box<str>>)>,
    single: Option<String>,
}

impl DirectoryPages {
    fn enter(&mut self, below: String) -> Result<(), PortError> {
        let path = self.path.join(&below);
        let entries = std::fs::read_dir(&path).map_err(|error| cannot("list", &path, error))?;
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|error| cannot("list", &path, error))?;
            let name = entry.file_name().into_string().map_err(|name| {
                PortError::permanent(format!(
                    "cannot list {}: the name {name:?} is not UTF-8",
                    path.display()
                ))
            })?;
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            // So that names sort as the whole paths do: `a-b` before `a/c`.
            names.push(if is_folder { format!("{name}/") } else { name }.into_boxed_str());
        }
        names.sort_unstable_by(|one, other| other.cmp(one));
        self.levels.push((below, names));
        Ok(())
    }

    fn next_object(&mut self) -> Result<Option<Object>, PortError> {
        loop {
            let Some((below, names)) = self.levels.last_mut() else { return Ok(None) };
            let Some(name) = names.pop() else {
                self.levels.pop();
                continue;
            };
            let name = format!("{below}{name}");
            if name.ends_with('/') {
                self.enter(name)?;
                continue;
            }
            let path = self.path.join(&name);
            let looked_at =
                |metadata: std::io::Result<Metadata>| metadata.map_err(|error| cannot("list", &path, error));
            let mut metadata = looked_at(std::fs::symlink_metadata(&path))?;
            if metadata.is_symlink() {
                metadata = looked_at(std::fs::metadata(self.directory.resolve("list", path.clone())?.real))?;
            }
            if metadata.is_dir() {
                // It may form a cycle, and skipping it would be silent.
                let what =
                    format!("cannot list {}: it is a link to a folder; name that folder", path.display());
                return Err(PortError::permanent(what));
            }
            // Sockets and devices have no content to read.
            if metadata.is_file() {
                return Ok(Some(Object { name, bytes: metadata.len(), etag: etag(&metadata) }));
            }
        }
    }
}

impl ObjectPages for DirectoryPages {
    fn root(&self) -> &str {
        &self.root
    }

    async fn next_page(&mut self) -> Result<Vec<Object>, PortError> {
        if let Some(name) = self.single.take() {
            let metadata =
                std::fs::metadata(&self.path).map_err(|error| cannot("list", &self.path, error))?;
            return Ok(vec![Object { name, bytes: metadata.len(), etag: etag(&metadata) }]);
        }
        let mut page = Vec::new();
        while page.len() < PAGE_OBJECTS {
            match self.next_object()? {
                Some(object) => page.push(object),
                None => break,
            }
        }
        Ok(page)
    }
}

#[cfg(test)]
mod tests;
