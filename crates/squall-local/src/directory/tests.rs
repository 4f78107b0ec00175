use std::fs;
use std::os::unix::fs::symlink;

use futures::executor::block_on;
use squall_core::ports::chain;

use super::*;

/// A folder of its own, removed when the test ends.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("squall-directory-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, content: &[u8]) {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn listed(directory: &Directory, prefix: &str) -> (String, Vec<Object>) {
    block_on(async {
        let mut pages = directory.list(prefix).await.unwrap();
        let mut objects = Vec::new();
        loop {
            let page = pages.next_page().await.unwrap();
            if page.is_empty() {
                return (pages.root().to_owned(), objects);
            }
            objects.extend(page);
        }
    })
}

#[test]
fn files_are_listed_as_keys_are_sorted() {
    let folder = Folder::new("sorted");
    for name in ["a/c", "a-b", "a.log", "b/x/y", "b/x.log", "empty", "z"] {
        folder.write(&format!("logs/{name}"), name.as_bytes());
    }
    fs::create_dir(folder.0.join("logs/nothing")).unwrap();
    let directory = Directory::new(&folder.0);
    let (root, objects) = listed(&directory, "logs");
    let names: Vec<_> = objects.iter().map(|object| object.name.as_str()).collect();
    assert_eq!(
        (root.as_str(), names),
        ("logs/", vec!["a-b", "a.log", "a/c", "b/x.log", "b/x/y", "empty", "z"])
    );
    let mut sorted = objects.clone();
    sorted.sort_by(|one, other| one.name.cmp(&other.name));
    assert_eq!(objects, sorted);
    let bytes = block_on(directory.read_range("logs/b/x/y", &objects[4].etag, 1..4)).unwrap();
    assert_eq!(bytes, b"/x/");
    assert_eq!(listed(&directory, "logs/").1, objects);
    assert_eq!(listed(&directory, "logs/nothing").1, []);
}

/// As on S3, where a prefix may end within a name and where nothing may begin with it.
#[test]
fn the_beginning_of_names_is_a_listing() {
    let folder = Folder::new("beginning");
    for name in ["app-1.log", "app-2/x.log", "other.log", "deep/app-3.log"] {
        folder.write(name, b"text");
    }
    let directory = Directory::new(&folder.0);
    let names = |prefix: &str| {
        let (root, objects) = listed(&directory, prefix);
        objects.into_iter().map(|it| format!("{root}{}", it.name)).collect::<Vec<_>>()
    };
    assert_eq!(names("app-"), ["./app-1.log", "./app-2/x.log"]);
    assert_eq!(names("deep/ap"), ["deep/app-3.log"]);
    assert_eq!(names("nothing"), [""; 0]);
    assert_eq!(names("no/such/folder/"), [""; 0]);
    let uri = format!("file://{}/deep/a", folder.0.display());
    assert_eq!(names(&uri), [format!("file://{}/deep/app-3.log", folder.0.display())]);
    assert!(block_on(directory.list("../beg")).is_err(), "a folder beside the job's");
}

#[test]
fn one_file_is_a_listing_too() {
    let folder = Folder::new("single");
    folder.write("huge.log", b"0123456789");
    let directory = Directory::new(&folder.0);
    let (root, objects) = listed(&directory, "huge.log");
    let Object { name, bytes, etag } = &objects[0];
    assert_eq!((root.as_str(), name.as_str(), *bytes, objects.len()), ("", "huge.log", 10, 1));
    assert_eq!(block_on(directory.read_range(name, etag, 8..10)).unwrap(), b"89");
    assert_eq!(block_on(directory.stat("huge.log")).unwrap(), objects[0]);
}

#[test]
fn a_file_that_changed_is_refused_by_name() {
    let folder = Folder::new("changed");
    folder.write("a.log", b"0123456789");
    let directory = Directory::new(&folder.0);
    let object = block_on(directory.stat("a.log")).unwrap();
    folder.write("a.log", b"01234567890");
    let error = chain(&block_on(directory.read_range("a.log", &object.etag, 0..10)).unwrap_err());
    assert!(error.contains("a.log changed since it was listed (ETag a-"), "{error}");
}

#[test]
fn what_is_not_there_is_named() {
    let folder = Folder::new("missing");
    let directory = Directory::new(&folder.0);
    let error = chain(&block_on(directory.list("s3://logs/2026")).unwrap_err());
    assert_eq!(error, "`s3://` cannot be read here; expected a path or a `file://` URI");
    assert!(block_on(directory.stat(".")).is_err());
}

/// Reading one of these would take all memory, or wait for ever.
#[test]
fn only_regular_files_are_read() {
    let folder = Folder::new("devices");
    let directory = Directory::new(&folder.0).allowing(["/dev"]);
    for (name, problem) in [("/dev/zero", "it is no regular file"), (".", "it is a folder")] {
        let read = block_on(directory.read(name)).unwrap_err().to_string();
        assert!(read.ends_with(problem), "{read}");
        let looked_at = block_on(directory.stat(name)).unwrap_err().to_string();
        assert!(looked_at.ends_with(problem), "{looked_at}");
    }
    assert!(block_on(directory.list("/dev/zero")).is_err());
}

/// What the names of a job lead to: the first word of what is read, or why nothing is.
fn read(directory: &Directory, name: &str) -> String {
    match block_on(directory.read(name)) {
        Ok(bytes) => String::from_utf8(bytes).unwrap(),
        Err(error) => chain(&error),
    }
}

#[test]
fn names_lead_below_the_folder_and_nowhere_else() {
    let folder = Folder::new("below");
    for name in ["job/data/book.csv", "job-2/book.csv", "secret", "shared/eod/book.csv"] {
        folder.write(name, name.as_bytes());
    }
    let [secret, job] = ["secret", "job"].map(|name| folder.0.join(name).canonicalize().unwrap());
    for (link, to) in [
        ("to-secret", "../secret"),
        ("to-data", "data"),
        ("up", ".."),
        ("to-root", "/"),
        ("to-link", "to-secret"),
        ("data/to-secret", "../../secret"),
    ] {
        symlink(to, job.join(link)).unwrap();
    }
    let directory = Directory::new(&job);
    let uri = |path: &Path| format!("file://{}", path.display());
    let within = ["data/book.csv", "./data/../data/book.csv", "to-data/book.csv", "up/job/data/book.csv"];
    let absolute = job.join("data/book.csv");
    for name in within.map(str::to_owned).into_iter().chain([absolute.display().to_string(), uri(&absolute)])
    {
        assert_eq!(read(&directory, &name), "job/data/book.csv", "{name}");
    }
    let below_root = format!("to-root{}", secret.display());
    let outside = [
        "../secret",
        "data/../../secret",
        "to-secret",
        "to-link",
        "up/secret",
        "data/to-secret",
        &below_root,
    ];
    let (secret, other) = (&secret, "../job-2/book.csv");
    for name in outside.map(str::to_owned).into_iter().chain([
        secret.display().to_string(),
        uri(secret),
        other.to_owned(),
    ]) {
        let (read, looked_at) =
            (read(&directory, &name), block_on(directory.stat(&name)).unwrap_err().to_string());
        let range = block_on(directory.read_range(&name, "", 0..1)).unwrap_err().to_string();
        let listed = block_on(directory.list(&name)).unwrap_err().to_string();
        for problem in [read, looked_at, range, listed] {
            let job = job.display();
            let why =
                format!("is not below the job's folder {job}; --allow DIR lets a job read another folder");
            assert!(problem.starts_with("cannot ") && problem.ends_with(&why), "{name}: {problem}");
        }
    }
    assert!(
        read(&directory, "to-secret")
            .contains(&format!("/to-secret: it is {}, which is not", secret.display()))
    );
    // In a listing, a link is an object like others.
    let mut pages = block_on(directory.list("data")).unwrap();
    let problem = block_on(pages.next_page()).unwrap_err().to_string();
    assert!(problem.contains("data/to-secret: it is ") && problem.contains("--allow DIR"), "{problem}");
    // What is allowed is a folder, not the names that begin like it.
    let directory = directory.allowing([folder.0.join("shared")]);
    assert_eq!(read(&directory, "../shared/eod/book.csv"), "shared/eod/book.csv");
    assert!(read(&directory, "../secret").contains("--allow DIR"));
    assert!(read(&Directory::new(job.join("gone")), "/etc/passwd").contains("--allow DIR"));
}

#[test]
fn a_folder_without_a_name_is_the_current_one() {
    assert!(read(&Directory::new(""), "Cargo.toml").starts_with("[package]"));
    assert!(read(&Directory::new(""), "../squall-core/Cargo.toml").contains("--allow DIR"));
}

#[test]
fn a_file_that_is_too_large_to_read_whole_is_refused() {
    let folder = Folder::new("large");
    // Without content, so it takes no room.
    fs::File::create(folder.0.join("large.csv")).unwrap().set_len(4_000_000_001).unwrap();
    let error = block_on(Directory::new(&folder.0).read("large.csv")).unwrap_err();
    let told = chain(&error);
    assert!(told.ends_with("large.csv: it has 5 GB; a file has at most 4 GB, so split it"), "{told}");
}
