use futures::executor::block_on;
use squall_aws::payload::{from_payload, to_payload};

use squall_core::wire::{Message, SubtaskReply, SubtaskRequest};

use super::*;
use crate::tests::events;
use crate::tests::grid::{Grid, WORK};

#[test]
fn request_json_is_answered() {
    let grid = Grid::with_sample_job();
    let request: Base64Data = events::read("cascade-worker", "request.json");
    let (_, digest) = SubtaskRequest::from_bytes_with_digest(&request).unwrap();
    let response = block_on(handle(&grid.ports, &grid.inputs, &WORK, request)).unwrap();
    let reply = SubtaskReply::from_bytes(&response).unwrap();
    assert_eq!((reply.request, reply.memory_mb), (digest, 1_769));
    assert!(reply.outcome.is_ok());
}

#[test]
fn requests_and_replies_travel_as_the_consumers_adapter_writes_and_reads_them() {
    for bytes in [&b""[..], b"a", b"ab", &[0, 255, 62, 63]] {
        let data: Base64Data = serde_json::from_slice(&to_payload(bytes)).unwrap();
        assert_eq!(data.0, bytes);
        assert_eq!(from_payload(&serde_json::to_vec(&data).unwrap()).unwrap(), bytes);
    }
}

#[test]
fn rubbish_fails_the_invocation_and_says_what_it_is() {
    let grid = Grid::new();
    let request = serde_json::from_str(r#""bm90IGEgcmVxdWVzdA==""#).unwrap();
    let failure = block_on(handle(&grid.ports, &grid.inputs, &WORK, request)).unwrap_err();
    let expected = "WorkPermanent: no reply: cannot read the request: cannot decode subtask request: not a message of this grid";
    assert_eq!(format!("{failure:?}"), expected);
}

#[test]
fn a_request_whose_input_is_not_there_fails_the_invocation() {
    let grid = Grid::new();
    let request = events::read("cascade-worker", "request.json");
    let failure = block_on(handle(&grid.ports, &grid.inputs, &WORK, request)).unwrap_err();
    let failure = format!("{failure:?}");
    assert!(
        failure.starts_with(
            "WorkPermanent: no reply: cannot run the subtask: cannot read the input: there is no blob"
        ),
        "{failure}"
    );
}
