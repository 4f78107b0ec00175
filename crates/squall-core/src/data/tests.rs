use proptest::prelude::*;

use super::*;

fn text(data: &mut dyn Data) -> Result<Vec<(String, String)>, DataError> {
    let mut found = Vec::new();
    while let Some(part) = data.next_part()? {
        let mut bytes = Vec::new();
        while let Some(chunk) = data.next_chunk()? {
            bytes.extend(chunk);
        }
        assert_eq!(bytes.len() as u64, part.to - part.from);
        found.push((part.object.name, String::from_utf8(bytes).unwrap()));
    }
    Ok(found)
}

fn extent(from: u64, to: u64, borders: Borders) -> Extent {
    Extent { source: 0, from, to, borders }
}

fn source() -> MemorySource {
    MemorySource::of("logs", &[("a", b"0123456789"), ("b", b""), ("c", b"abc"), ("d", b"xyz"), ("e", b"")])
}

#[test]
fn exact_extents_cut_objects() {
    let read = |from, to| text(&mut source().data(vec![extent(from, to, Borders::Exact)])).unwrap();
    let pairs = |found: Vec<(String, String)>| {
        found.iter().map(|(name, text)| format!("{name}:{text}")).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(pairs(read(0, 16)), "a:0123456789 c:abc d:xyz");
    assert_eq!(pairs(read(3, 11)), "a:3456789 c:a");
    assert_eq!(pairs(read(10, 13)), "c:abc");
    assert_eq!(pairs(read(5, 5)), "");
    assert_eq!(pairs(read(15, 99)), "d:z");
}

/// An item may need what stands before it in its object, and never what stands in another.
#[test]
fn an_extent_may_reach_back_within_its_first_object() {
    let read = |from, to, before| {
        let parts = text(&mut source().data(vec![extent(from, to, Borders::ExactAfter(before))])).unwrap();
        parts.iter().map(|(name, text)| format!("{name}:{text}")).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(read(3, 11, 2), "a:123456789 c:a");
    assert_eq!(read(3, 11, 99), "a:0123456789 c:a");
    assert_eq!(read(10, 13, 99), "c:abc", "its first byte is an object's first");
    assert_eq!(read(12, 14, 1), "c:bc d:x");
    assert_eq!(read(5, 5, 3), "");
}

#[test]
fn whole_objects_belong_to_one_extent_each() {
    let names = |from, to| {
        let found = text(&mut source().data(vec![extent(from, to, Borders::WholeObjects)])).unwrap();
        found.into_iter().map(|(name, _)| name).collect::<String>()
    };
    assert_eq!((names(0, 16), names(0, 1), names(1, 10)), ("abcde".into(), "a".into(), String::new()));
    assert_eq!((names(10, 13), names(13, 16)), ("bc".into(), "de".into()));
}

#[test]
fn reading_on_goes_to_the_end_of_the_object() {
    let source = source();
    let mut data = source.data(vec![extent(0, 2, Borders::Exact)]);
    data.next_part().unwrap().unwrap();
    assert_eq!(data.next_chunk().unwrap().unwrap(), b"01");
    assert_eq!(data.next_chunk().unwrap(), None);
    assert_eq!(data.read_on().unwrap().unwrap(), b"2345678");
    assert_eq!(data.read_on().unwrap().unwrap(), b"9");
    assert_eq!(data.read_on().unwrap(), None);
}

#[test]
fn an_object_that_changed_is_named() {
    let mut source = source();
    source.change("logs/c", b"ABC");
    let error = text(&mut source.data(vec![extent(0, 16, Borders::Exact)])).unwrap_err();
    assert_eq!(error, DataError::Gone("logs/c changed since it was listed".to_owned()));
}

#[test]
fn no_page_is_asked_for_that_an_extent_does_not_touch() {
    let names: Vec<String> = (0..25_000).map(|n| format!("{n:05}")).collect();
    let objects: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b"0123456789"[..])).collect();
    let source = MemorySource::of("many", &objects);
    let given = source.given();
    assert_eq!((given.listings[0].n_objects(), given.listings[0].n_bytes()), (25_000, 250_000));
    assert_eq!(given.listings[0].pages.len(), 3);
    for (from, to, n_pages) in
        [(0, 100_000, 1), (100_000, 200_000, 1), (99_999, 100_001, 2), (240_000, 250_000, 1)]
    {
        let mut parts = Parts::new(&given.listings, vec![extent(from, to, Borders::Exact)]);
        let (mut asked, mut n_parts) = (0, 0);
        loop {
            match parts.advance() {
                Next::Page(page) => {
                    asked += 1;
                    parts.give(&source.page(page).unwrap());
                }
                Next::Part(_) => n_parts += 1,
                Next::End => break,
            }
        }
        assert_eq!((asked, n_parts), (n_pages, (to.div_ceil(10) - from / 10)), "{from}..{to}");
    }
}

proptest! {
    /// However a source is cut, every byte is in one extent and every object whole in one.
    #[test]
    fn extents_that_touch_share_nothing(
        sizes in prop::collection::vec(0_usize..9, 1..12),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
    ) {
        let contents: Vec<Vec<u8>> = (b'a'..).zip(&sizes).map(|(letter, size)| vec![letter; *size]).collect();
        let names: Vec<String> = (0..contents.len()).map(|n| format!("{n:02}")).collect();
        let objects: Vec<(&str, &[u8])> =
            names.iter().zip(&contents).map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
        let source = MemorySource::of("logs", &objects);
        let total: u64 = sizes.iter().map(|&size| size as u64).sum();
        let mut borders: Vec<u64> = cuts.iter().map(|cut| cut.index(usize::try_from(total).unwrap() + 1) as u64).collect();
        borders.extend([0, total]);
        borders.sort_unstable();
        borders.dedup();
        let read = |how| -> Vec<(String, String)> {
            if total == 0 {
                return text(&mut source.data(vec![extent(0, 0, how)])).unwrap();
            }
            borders.windows(2).flat_map(|pair| text(&mut source.data(vec![extent(pair[0], pair[1], how)])).unwrap()).collect()
        };
        let bytes: String = read(Borders::Exact).into_iter().map(|(_, text)| text).collect();
        prop_assert_eq!(bytes.into_bytes(), contents.concat());
        let whole: Vec<String> = read(Borders::WholeObjects).into_iter().map(|(name, _)| name).collect();
        prop_assert_eq!(whole, names);
    }
}
