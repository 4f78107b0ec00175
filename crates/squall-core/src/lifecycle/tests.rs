mod closing;
mod queue;
mod resend;

use super::*;
use crate::code::CodeVersion;
use crate::collate::tests::{booked, published, received, result};
use crate::collate::{Missing, Received};
use crate::digest::{Digest, Fingerprint};
use crate::job::JobId;
use crate::prices::NanoUsd;
use crate::receipt::{Receipt, Timeline};
use crate::rows::{BucketProgress, Ending, JobRow, JobStatus};
use crate::workload::Coverage;
use roaring::RoaringBitmap;
