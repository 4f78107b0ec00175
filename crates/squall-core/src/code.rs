//! The code that computes a job: a workload's version and the build that contains it. Two of them never meet in one
//! job.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;

/// The build of rows written before rows named one.
pub const BUILD_BEFORE_NAMES: &str = "before 0.2.0";

/// The code that computes a job, as its row and its tasks carry it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeVersion {
    /// [`Workload::VERSION`](crate::workload::Workload::VERSION).
    pub workload: u32,
    /// The build: a release and its commit, such as `0.2.0 (0a1b2c3d4e5f)`. Empty when the binary names none.
    pub build: String,
}

impl CodeVersion {
    /// The code of a binary that names no build.
    pub fn unnamed(workload: u32) -> Self {
        Self { workload, build: String::new() }
    }

    /// The short form, for messages that are too numerous to carry the text.
    pub fn id(&self) -> CodeId {
        CodeId {
            workload: self.workload,
            build: u64::from_le_bytes(Digest::of(self.build.as_bytes()).start()),
        }
    }

    /// The code of rows written before rows named one. The workloads that shipped then are version 1.
    pub(crate) fn before_names() -> Self {
        Self { workload: 1, build: BUILD_BEFORE_NAMES.to_owned() }
    }
}

impl fmt::Display for CodeVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "version {}", self.workload)?;
        if self.build.is_empty() { Ok(()) } else { write!(f, " of build {}", self.build) }
    }
}

/// A [`CodeVersion`] in 12 bytes: the workload's version, and the start of the SHA-256 of the build's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeId {
    /// [`Workload::VERSION`](crate::workload::Workload::VERSION).
    pub workload: u32,
    /// The start of the SHA-256 of the build's name, little-endian.
    pub build: u64,
}

/// The job was made by code other than this binary's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the job was made by {workload} {made}; this is {workload} {here}")]
pub struct OtherCode {
    /// The workload's name.
    pub workload: String,
    /// The code that made the job.
    pub made: CodeVersion,
    /// The code of this binary.
    pub here: CodeVersion,
}
