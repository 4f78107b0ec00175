use futures::executor::block_on;
use squall_core::sources::Given;
use squall_memory::Memory;

use super::*;

/// A probe whose input has about so many bytes.
fn stored(memory: &Memory, n: usize) -> Digest {
    let input_json = format!("{{\"units\":{n}{}}}", " ".repeat(1_000_000));
    let bundle = Bundle { workload: "probe".to_owned(), input_json, given: Given::default() };
    let (digest, blob) = bundle.to_blob();
    block_on(memory.put_blob(digest, blob)).unwrap();
    digest
}

fn kept(inputs: &InputCache) -> Vec<Digest> {
    inputs.slots.lock().unwrap().iter().map(|kept| kept.digest).collect()
}

#[test]
fn inputs_are_kept_by_their_size_and_the_latest_always() {
    let memory = Memory::new(1, 1, 1);
    let digests: Vec<_> = (1..=6).map(|n| stored(&memory, n)).collect();
    // Each takes 6 MB: two fit into half of 26.
    let small = InputCache::new(squall_workloads::registry()).in_memory_of(26);
    for digest in &digests {
        block_on(small.get(&memory, *digest)).unwrap();
    }
    assert_eq!(kept(&small), digests[4..]);
    let tiny = InputCache::new(squall_workloads::registry()).in_memory_of(1);
    block_on(tiny.get(&memory, digests[0])).unwrap();
    block_on(tiny.get(&memory, digests[1])).unwrap();
    assert_eq!(kept(&tiny), digests[1..2], "what is in use is kept, whatever its size");
    let large = InputCache::new(squall_workloads::registry());
    for digest in &digests {
        block_on(large.get(&memory, *digest)).unwrap();
    }
    assert_eq!(kept(&large), digests[2..], "and no more than four");
}
