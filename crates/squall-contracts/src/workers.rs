//! The contract of every set of workers.

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use squall_core::ports::{InvokeError, Workers};

use super::{Broken, same};

/// The suite's workers must fail a request that starts with this, and answer any other with itself.
pub const FAIL: &[u8] = b"fail";

/// Workers that answer each request with itself, but fail those that start with [`FAIL`], on `n_stripes` stripes or
/// more. `too_large` is a length that no request may have, if there is such a limit.
///
/// # Errors
/// The first broken promise.
pub async fn workers(workers: &impl Workers, n_stripes: u32, too_large: Option<usize>) -> Result<(), Broken> {
    let every_byte: Vec<u8> = (0..=255).collect();
    let large = every_byte.repeat(4 << 10);
    for stripe in 0..n_stripes {
        for request in [&Vec::new(), &b"\"{}\\ \n".to_vec(), &every_byte, &large] {
            let reply = answered(workers, stripe, request).await?;
            same("the reply is the worker's, as long as it is", &reply.len(), &request.len())?;
            same("the reply is the worker's, byte for byte", &(reply == *request), &true)?;
        }
    }
    for request in [FAIL.to_vec(), [FAIL, &every_byte].concat()] {
        match workers.invoke(0, request).await {
            Err(InvokeError::Failed(reason)) if !reason.is_empty() => {}
            other => return Err(format!("a worker that fails is failed, with a reason: found {other:?}")),
        }
    }
    if let Some(too_large) = too_large {
        match workers.invoke(0, vec![0; too_large]).await {
            Err(InvokeError::Impossible(_)) => {}
            Err(other) => return Err(format!("a request that is too large is impossible: found {other:?}")),
            Ok(_) => return Err("a request that is too large was answered".to_owned()),
        }
    }
    // Replies must not be mixed up, in whatever order they arrive.
    let asked = (0_u32..200).map(async |n| {
        let request = n.to_le_bytes().repeat(1 + n as usize % 50);
        Ok::<_, Broken>((answered(workers, n, &request).await? == request, n))
    });
    let mut replies: FuturesUnordered<_> = asked.collect();
    let mut n_replies = 0;
    while let Some(reply) = replies.next().await {
        let (right, n) = reply?;
        same(&format!("the reply to request {n} is its own"), &right, &true)?;
        n_replies += 1;
    }
    same("every request is answered", &n_replies, &200)
}

async fn answered(workers: &impl Workers, stripe: u32, request: &[u8]) -> Result<Vec<u8>, Broken> {
    let reply = workers.invoke(stripe, request.to_vec()).await;
    reply.map_err(|error| format!("invoke a worker of stripe {stripe}: {error}"))
}

#[cfg(test)]
mod tests;
