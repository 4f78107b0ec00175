use std::sync::Mutex;

use squall_core::data::Borders;
use squall_core::digest::Digest;
use squall_core::sources::{ListingBuilder, Object};
use squall_memory::{Memory, MemoryObjects};

use super::*;

/// Objects that count what is read of them.
struct Counted {
    objects: MemoryObjects,
    blobs: Memory,
    reads: Mutex<Vec<(String, Range<u64>)>>,
}

impl Objects for Counted {
    type Pages = <MemoryObjects as Objects>::Pages;

    async fn read(&self, reference: &str) -> Result<Vec<u8>, PortError> {
        self.objects.read(reference).await
    }

    async fn list(&self, prefix: &str) -> Result<Self::Pages, PortError> {
        self.objects.list(prefix).await
    }

    async fn stat(&self, location: &str) -> Result<Object, PortError> {
        self.objects.stat(location).await
    }

    async fn read_range(&self, location: &str, etag: &str, range: Range<u64>) -> Result<Vec<u8>, PortError> {
        self.reads.lock().unwrap().push((location.to_owned(), range.clone()));
        self.objects.read_range(location, etag, range).await
    }
}

impl BlobStore for Counted {
    async fn put_blob(&self, digest: Digest, bytes: Vec<u8>) -> Result<(), PortError> {
        self.blobs.put_blob(digest, bytes).await
    }

    async fn blob(&self, digest: Digest) -> Result<Vec<u8>, PortError> {
        self.blobs.blob(digest).await
    }
}

const POLICY: ReadPolicy = ReadPolicy { chunk_bytes: 100, n_ahead: 2, read_on_bytes: 10 };

/// Two objects of 10,000 and 1,000 bytes, and what a thread that reads these bytes of them does.
fn read<T: Send>(from: u64, to: u64, thread: impl FnOnce(&mut ThreadData) -> T + Send) -> (T, Counted) {
    let store =
        Counted { objects: MemoryObjects::default(), blobs: Memory::new(1, 1, 1), reads: Mutex::default() };
    let mut builder = ListingBuilder::new("logs", "");
    for (name, bytes) in [("a", 10_000), ("b", 1_000)] {
        let content: Vec<u8> = (0..bytes).map(|i: u32| i.to_le_bytes()[0]).collect();
        store.objects.put(name, content);
        builder.add(block_on(store.objects.stat(name)).unwrap());
    }
    let (listing, page) = builder.finish();
    let (digest, blob) = page.unwrap();
    block_on(store.put_blob(digest, blob)).unwrap();
    let inputs = InputCache::new(squall_workloads::registry());
    let extent = Extent { source: 0, from, to, borders: Borders::Exact };
    let (reader, mut data) = connect(vec![extent], &POLICY);
    let done = std::thread::scope(|scope| {
        let thread = scope.spawn(move || thread(&mut data));
        block_on(reader.read_for_thread(&store, &inputs, &[listing], &POLICY));
        thread.join().unwrap()
    });
    (done, store)
}

#[test]
fn the_head_of_an_object_is_read_wherever_its_part_begins() {
    let ((head, chunk), _) = read(5_000, 6_000, |data| {
        data.next_part().unwrap().unwrap();
        let head = data.head().unwrap();
        (head, data.next_chunk().unwrap().unwrap())
    });
    assert_eq!((head.len(), &head[..3]), (10_000, &[0, 1, 2][..]));
    assert_eq!(chunk[0], 5_000u32.to_le_bytes()[0], "the part goes on where it was");
    let (head, _) = read(0, 1, |data| data.head().unwrap());
    assert!(head.is_empty(), "without a part");
}

#[test]
fn what_is_not_wanted_of_a_part_is_not_read() {
    let (parts, store) = read(0, 11_000, |data| {
        let mut parts = Vec::new();
        while let Some(part) = data.next_part().unwrap() {
            data.next_chunk().unwrap().unwrap();
            parts.push(part.object.name);
        }
        parts
    });
    assert_eq!(parts, ["a", "b"]);
    let reads = store.reads.into_inner().unwrap();
    let of = |name: &str| reads.iter().filter(|(read, _)| read == name).count();
    // What was read ahead, and no more of the hundred chunks.
    assert!((1..=8).contains(&of("a")), "{reads:?}");
    assert!((1..=8).contains(&of("b")), "{reads:?}");
}

#[test]
fn each_read_behind_a_part_is_larger_up_to_a_chunk() {
    let (lengths, _) = read(0, 50, |data| {
        data.next_part().unwrap().unwrap();
        let mut lengths = Vec::new();
        while let Some(bytes) = data.read_on().unwrap() {
            lengths.push(bytes.len());
        }
        lengths
    });
    assert_eq!(lengths[..6], [10, 20, 40, 80, 100, 100]);
    assert_eq!(lengths.iter().sum::<usize>(), 9_950);
}
