use super::*;
use crate::pump::Mark;

/// A directory of its own, removed when the test ends.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("squall-checkpoints-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        Self(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn marks() -> Marks {
    let after = Mark::After("4959".to_owned());
    [("a", after), ("b", Mark::Finished), ("c", Mark::TrimHorizon), ("d", Mark::Latest)]
        .map(|(id, mark)| (id.to_owned(), mark))
        .into()
}

#[test]
fn checkpoints_outlive_the_one_who_stored_them() {
    let directory = Directory::new("outlive");
    let files = CheckpointFiles::new(&directory.0);
    assert_eq!(files.load("tasks--consumer").unwrap(), None);
    files.store("tasks--consumer", &Marks::new()).unwrap();
    files.store("tasks--consumer", &marks()).unwrap();
    let files = CheckpointFiles::new(&directory.0);
    assert_eq!(files.load("tasks--consumer").unwrap(), Some(marks()));
    assert_eq!(files.load("results--collector").unwrap(), None);
    let names: Vec<_> = fs::read_dir(&directory.0).unwrap().map(|it| it.unwrap().file_name()).collect();
    assert_eq!(names, ["tasks--consumer.json"], "nothing is left beside it");
}

#[test]
fn an_arn_is_a_file_name_too() {
    let directory = Directory::new("arn");
    let files = CheckpointFiles::new(&directory.0);
    let name = "arn:aws:kinesis:us-east-1:000000000000:stream/tasks--consumer";
    files.store(name, &marks()).unwrap();
    assert_eq!(files.load(name).unwrap(), Some(marks()));
}

#[test]
fn checkpoints_that_cannot_be_understood_are_not_taken_for_none() {
    let directory = Directory::new("broken");
    fs::create_dir_all(&directory.0).unwrap();
    fs::write(directory.0.join("tasks.json"), "{").unwrap();
    let error = CheckpointFiles::new(&directory.0).load("tasks").unwrap_err();
    assert!(error.to_string().starts_with("cannot parse the checkpoints in "), "{error}");
}
