//! Workers as threads: each takes one request at a time, like an execution environment of Lambda.

use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;

use crossbeam_channel::{Receiver, Sender, unbounded};
use futures::channel::oneshot;
use squall_core::ports::InvokeError;
use squall_grid::{InputCache, WorkConfig, work};

use super::ports::WorkerPorts;

struct Invocation {
    request: Vec<u8>,
    reply: oneshot::Sender<Result<Vec<u8>, InvokeError>>,
}

/// Threads that wait for requests; they end when the pool is dropped and their request is finished.
pub struct WorkerPool {
    requests: Sender<Invocation>,
}

impl WorkerPool {
    pub(super) fn start(
        n_workers: NonZeroUsize,
        config: WorkConfig,
        ports: &Arc<WorkerPorts>,
        inputs: &Arc<InputCache>,
    ) -> std::io::Result<Self> {
        let (requests, receiver) = unbounded();
        for index in 0..n_workers.get() {
            let (receiver, ports, inputs) = (receiver.clone(), Arc::clone(ports), Arc::clone(inputs));
            let name = format!("cascade-worker-{index}");
            thread::Builder::new()
                .name(name)
                .spawn(move || serve_requests(&receiver, &config, &ports, &inputs))?;
        }
        Ok(Self { requests })
    }

    pub(super) async fn ask(&self, request: Vec<u8>) -> Result<Vec<u8>, InvokeError> {
        let (reply, replied) = oneshot::channel();
        let gone = || InvokeError::Failed("the worker is gone".to_owned());
        self.requests.send(Invocation { request, reply }).map_err(|_| gone())?;
        replied.await.map_err(|_| gone())?
    }
}

fn serve_requests(
    requests: &Receiver<Invocation>,
    config: &WorkConfig,
    ports: &WorkerPorts,
    inputs: &InputCache,
) {
    for Invocation { request, reply } in requests {
        if reply.is_canceled() {
            continue;
        }
        let working = || futures::executor::block_on(work(ports, inputs, config, &request));
        let replied = match catch_unwind(AssertUnwindSafe(working)) {
            Ok(Ok(bytes)) => Ok(bytes),
            Ok(Err(error)) => Err(error.into()),
            Err(_) => Err(InvokeError::Failed("the worker panicked".to_owned())),
        };
        // The caller may have abandoned the request.
        let _ = reply.send(replied);
    }
}
