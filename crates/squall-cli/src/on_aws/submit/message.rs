//! The published message: the author's, with the locations of its files and its id.

use std::collections::BTreeMap;

use chrono::DateTime;
use serde_json::{Map, Value};
use squall_core::job::{Job, JobId, without_mark};
use squall_core::registry::Registry;
use squall_core::sources::Source;
use squall_core::workload::InputError;

/// Longest part of a fresh id that comes from the file's name.
const MOST_STEM_CHARS: usize = 60;

/// A job as its author wrote it, and its files.
#[derive(Debug)]
pub(crate) struct Draft {
    fields: Map<String, Value>,
    /// The id that its author gave it.
    pub(crate) id: Option<JobId>,
    /// Local files, by the names that the input uses: the location of each, as a path or URI.
    pub(crate) here: BTreeMap<String, String>,
    /// Files that are in S3 already, by the names that the input uses.
    pub(crate) in_s3: Vec<String>,
    /// Whether it names a list of objects, which are where the grid reads them.
    has_list: bool,
}

impl Draft {
    /// Reads a job, without looking into its files.
    ///
    /// # Errors
    /// The first error in it.
    pub(crate) fn new(registry: &Registry, message: &[u8]) -> Result<Self, InputError> {
        let job = Job::from_message(message)?;
        let fields = serde_json::from_slice(without_mark(message))
            .map_err(|error| InputError::new("job", error.to_string()))?;
        let mut draft =
            Self { fields, id: job.id, here: BTreeMap::new(), in_s3: Vec::new(), has_list: false };
        for source in registry.get(&job.workload)?.sources(&job.input_json)? {
            let name = source.name().to_owned();
            let place = job.files.get(&name).unwrap_or(&name).clone();
            draft.has_list |= matches!(source, Source::ObjectList(_));
            match source {
                _ if place.starts_with("s3://") => draft.in_s3.push(name),
                Source::Objects(_) => {
                    let problem =
                        format!("{place} is on this machine; a deployed grid reads s3://bucket/prefix");
                    return Err(InputError::new(format!("input, objects {name:?}"), problem));
                }
                // A list names objects, which the splitter looks up.
                Source::ObjectList(_) | Source::File(_) => drop(draft.here.insert(name, place)),
            }
        }
        Ok(draft)
    }

    /// Whether everything that it names is on this machine.
    pub(crate) fn is_all_here(&self) -> bool {
        self.in_s3.is_empty() && !self.has_list
    }

    /// The message, given the new locations of the local files. Its author's fields stay in their order, and the same
    /// job with the same files and id is the same message, byte for byte.
    pub(crate) fn message(mut self, id: &JobId, uploaded: &BTreeMap<String, String>) -> String {
        if !uploaded.is_empty() {
            let files = self.fields.entry("files").or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(files) = files {
                files.extend(uploaded.iter().map(|(name, uri)| (name.clone(), Value::from(uri.as_str()))));
            }
        }
        self.fields.insert("id".to_owned(), Value::from(id.as_str()));
        Value::Object(self.fields).to_string()
    }
}

/// An id for a job without one: its file's name, the time (microseconds since 1970), and digits that nobody can guess. An id is the
/// first job's that is published under it.
pub(crate) fn fresh_id(stem: &str, now_us: u64, digits: &str) -> Result<JobId, InputError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let stem: String = stem.chars().take(MOST_STEM_CHARS).map(|c| if allowed(c) { c } else { '-' }).collect();
    // No id begins with `-`.
    let stem = stem.trim_start_matches('-');
    let stem = if stem.is_empty() { "job" } else { stem };
    let time = i64::try_from(now_us).ok().and_then(DateTime::from_timestamp_micros).unwrap_or_default();
    JobId::new(format!("{stem}-{}-{digits}", time.format("%Y%m%d-%H%M%S")))
}

#[cfg(test)]
mod tests;
