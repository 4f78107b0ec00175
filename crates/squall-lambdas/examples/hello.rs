//! A function that echoes its input, on the bare runtime: the baseline for measuring ours.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::Value;

fn main() -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(run(service_fn(async |event: LambdaEvent<Value>| Ok::<_, Error>(event.payload))))
}
