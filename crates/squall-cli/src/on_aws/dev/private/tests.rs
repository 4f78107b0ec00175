use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use super::*;

fn place(name: &str) -> PathBuf {
    let place = std::env::temp_dir().join(format!("squall-private-{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&place);
    fs::create_dir_all(&place).unwrap();
    place
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o777
}

#[test]
fn a_run_keeps_its_files_to_itself() {
    let place = place("own");
    let dir = place.join("dev");
    fs::create_dir(&dir).unwrap();
    fs::set_permissions(&dir, Permissions::from_mode(0o777)).unwrap();
    folder(&dir).unwrap();
    folder(&dir.join("new")).unwrap();
    // An older run's, for everybody to read.
    fs::write(dir.join("env"), "old").unwrap();
    fs::set_permissions(dir.join("env"), Permissions::from_mode(0o644)).unwrap();
    write(&dir.join("env"), "new").unwrap();
    drop(create(&dir.join("log")).unwrap());
    drop(lasting(&dir.join("lock")).unwrap());
    assert_eq!((mode(&dir), mode(&dir.join("new"))), (0o700, 0o700));
    for name in ["env", "log", "lock"] {
        assert_eq!(mode(&dir.join(name)), 0o600, "{name}");
    }
    assert_eq!(fs::read_to_string(dir.join("env")).unwrap(), "new");
    fs::remove_dir_all(place).unwrap();
}

#[test]
fn a_run_follows_no_link() {
    let place = place("links");
    let (dir, victim) = (place.join("dev"), place.join("victim"));
    folder(&dir).unwrap();
    fs::write(&victim, "theirs").unwrap();
    for name in ["env", "env.part", "log", "lock"] {
        symlink(&victim, dir.join(name)).unwrap();
    }
    write(&dir.join("env"), "ours").unwrap();
    create(&dir.join("log")).unwrap().write_all(b"ours").unwrap();
    lasting(&dir.join("lock")).unwrap().write_all(b"ours").unwrap();
    assert_eq!(fs::read_to_string(&victim).unwrap(), "theirs");
    let link = place.join("link");
    symlink(&dir, &link).unwrap();
    for (path, why) in [(&link, "is no folder but a link or a file"), (&victim, "is no folder")] {
        let error = folder(path).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
    fs::remove_dir_all(place).unwrap();
}
