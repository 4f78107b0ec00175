use std::io::Write;

use proptest::prelude::*;

use super::*;

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(4));
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn bzip2(text: &[u8]) -> Vec<u8> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn zstd(text: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 3).unwrap();
    encoder.include_checksum(true).unwrap();
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn skippable(content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap().to_le_bytes();
    [&[0x53, 0x2A, 0x4D, 0x18], &length[..], content].concat()
}

type Pack = fn(&[u8]) -> Vec<u8>;

const PACKERS: [(Packing, Pack); 3] = [(Packing::Gzip, gzip), (Packing::Zstd, zstd), (Packing::Bzip2, bzip2)];

/// Many lines that are not all alike.
fn lines(n: usize) -> Vec<u8> {
    (0..n).flat_map(|i| format!("line {i} {} ERROR\n", i * 7919 % 1013).into_bytes()).collect()
}

/// What comes out of packed bytes that come in pieces of these sizes, again and again, and how it ends.
fn unpacked(packed: &[u8], cuts: &[usize], limits: Limits) -> (Vec<u8>, Result<(), UnpackError>) {
    let mut rest = packed;
    let mut cut = cuts.iter().cycle();
    let next = move || {
        if rest.is_empty() {
            return Ok(None);
        }
        let (chunk, after) = rest.split_at((*cut.next().unwrap()).min(rest.len()));
        rest = after;
        Ok(Some(chunk.to_vec()))
    };
    let mut unpacked = Unpacked::new(Packing::of(packed), limits, Box::new(next));
    let mut plain = Vec::new();
    let end = loop {
        match unpacked.next_chunk() {
            Ok(Some(piece)) => {
                assert!(!piece.is_empty() && piece.len() <= PIECE_BYTES);
                plain.extend(piece);
            }
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    assert_eq!(unpacked.next_chunk(), end.clone().map(|()| None), "the end stays the end");
    assert_eq!(unpacked.plain_bytes(), plain.len() as u64);
    if end.is_ok() {
        assert_eq!(unpacked.packed_bytes(), packed.len() as u64);
    }
    (plain, end)
}

fn whole(packed: &[u8]) -> (Vec<u8>, Result<(), UnpackError>) {
    unpacked(packed, &[4 << 20], Limits::USUAL)
}

fn problem(packed: &[u8]) -> String {
    whole(packed).1.unwrap_err().to_string()
}

#[test]
fn the_compression_is_seen_from_the_first_bytes() {
    for (packing, pack) in PACKERS {
        assert_eq!(Packing::of(&pack(b"")), packing);
        assert_eq!(Packing::of(&pack(b"text")), packing);
    }
    assert_eq!(Packing::of(&skippable(b"index")), Packing::Zstd);
    for text in ["", "x", "BZh", "BZh9 is a word", "BZhello", "PAR1", "{\"a\":1}", "(\u{b5}/\u{fd}"] {
        assert_eq!(Packing::of(text.as_bytes()), Packing::Plain, "{text}");
    }
}

#[test]
fn every_compression_gives_the_plain_bytes() {
    let text = lines(50_000);
    for (packing, pack) in PACKERS {
        for text in [&b""[..], b"x", b"no line feed", &text] {
            assert_eq!(whole(&pack(text)), (text.to_vec(), Ok(())), "{packing:?}");
        }
    }
    assert_eq!(unpacked(&text, &[1000], Limits::USUAL), (text.clone(), Ok(())));
    assert_eq!(whole(b""), (Vec::new(), Ok(())));
}

#[test]
fn all_members_are_read_and_empty_ones_are_nothing() {
    for (packing, pack) in PACKERS {
        let packed = [pack(b""), pack(b"one\n"), pack(b""), pack(b""), pack(b"two\n"), pack(b"")].concat();
        assert_eq!(whole(&packed), (b"one\ntwo\n".to_vec(), Ok(())), "{packing:?}");
        assert_eq!(unpacked(&packed, &[1], Limits::USUAL), (b"one\ntwo\n".to_vec(), Ok(())), "{packing:?}");
    }
    let frames =
        [skippable(b"an index"), zstd(b"one\n"), skippable(b""), zstd(b"two\n"), skippable(&[7; 99])];
    assert_eq!(whole(&frames.concat()), (b"one\ntwo\n".to_vec(), Ok(())));
    assert_eq!(unpacked(&frames.concat(), &[1], Limits::USUAL), (b"one\ntwo\n".to_vec(), Ok(())));
}

#[test]
fn the_optional_fields_of_a_gzip_header_are_no_content() {
    let mut encoder = flate2::GzBuilder::new()
        .filename("access.log")
        .comment("of a day")
        .extra(vec![1, 2, 3, 4])
        .write(Vec::new(), flate2::Compression::fast());
    encoder.write_all(b"content").unwrap();
    let packed = encoder.finish().unwrap();
    assert_eq!(unpacked(&packed, &[1], Limits::USUAL), (b"content".to_vec(), Ok(())));
}

#[test]
fn what_is_compressed_twice_is_unpacked_twice_and_not_more_often() {
    let text = lines(20_000);
    for (_, outer) in PACKERS {
        for (_, inner) in PACKERS {
            let packed = outer(&[inner(&text), inner(b"more")].concat());
            assert_eq!(whole(&packed), ([&text[..], b"more"].concat(), Ok(())));
            assert_eq!(unpacked(&packed, &[1], Limits::USUAL).0, [&text[..], b"more"].concat());
        }
    }
    let thrice = gzip(&gzip(&gzip(b"text")));
    assert_eq!(whole(&thrice), (gzip(b"text"), Ok(())));
}

#[test]
fn what_follows_a_member_must_be_another() {
    for (packing, pack) in PACKERS {
        let text = lines(1000);
        let packed = pack(&text);
        let at = packed.len();
        let n = text.len();
        let member = packing.member();
        for (after, what) in [(&[0u8; 512][..], "zero bytes"), (b"garbage", "bytes"), (b"\xFF", "bytes")] {
            let (plain, end) = whole(&[&packed, after].concat());
            assert_eq!(plain, text);
            let expected = format!("has {what} that are no {member} at byte {at}, after {n} plain bytes");
            assert_eq!(end.unwrap_err().to_string(), expected);
        }
    }
}

#[test]
fn an_object_that_ends_early_says_so_after_what_it_has() {
    for (packing, pack) in PACKERS {
        let text = lines(200_000);
        let packed = [pack(b"first\n"), pack(&text)].concat();
        let begin = pack(b"first\n").len();
        for left in [begin + 1, begin + 3, begin + 9, packed.len() / 2, packed.len() - 5, packed.len() - 1] {
            let (plain, end) = whole(&packed[..left]);
            let expected = format!(
                "ends in the middle of the {} at byte {begin}, after {} plain bytes",
                packing.member(),
                plain.len()
            );
            assert_eq!(end.unwrap_err(), UnpackError::Corrupt(expected));
            assert!([b"first\n", &text[..]].concat().starts_with(&plain));
            if left == packed.len() / 2 {
                assert!(plain.len() > text.len() / 4, "{packing:?} gave {}", plain.len());
            }
        }
    }
}

#[test]
fn damaged_data_and_a_wrong_checksum_are_noticed() {
    let text = lines(1000);
    for (packing, pack) in PACKERS {
        let mut packed = pack(&text);
        let last = packed.len() - if packing == Packing::Gzip { 6 } else { 2 };
        packed[last] ^= 0x10;
        let problem = problem(&packed);
        assert!(problem.starts_with("has damaged data in the "), "{problem}");
    }
}

#[test]
fn what_precedes_the_damage_is_returned_whether_or_not_the_frame_is_small() {
    let text = lines(100_000);
    for (packing, pack) in PACKERS {
        let mut packed = pack(&text);
        let at = packed.len() * 3 / 4;
        packed[at..at + 40].fill(0x55);
        let (plain, end) = whole(&packed);
        assert!(matches!(end, Err(UnpackError::Corrupt(_))));
        assert!(plain.len() > text.len() / 3, "{packing:?} gave {} of {}", plain.len(), text.len());
        let (same, same_end) = unpacked(&packed, &[7], Limits::USUAL);
        assert!(same == plain, "{packing:?}: {} and {} bytes", plain.len(), same.len());
        assert_eq!(same_end, end);
    }
}

#[test]
fn a_bomb_is_given_up_after_what_it_may_become() {
    let limits = Limits { always_allowed_bytes: 1 << 20, ..Limits::USUAL };
    for (packing, pack) in PACKERS {
        let bomb = pack(&vec![b'a'; 40 << 20]);
        let (plain, end) = unpacked(&bomb, &[4 << 20], limits);
        assert!(
            matches!(&end, Err(UnpackError::Bomb(it)) if it.starts_with("becomes more than 200 times")),
            "{end:?}"
        );
        assert!(plain.len() > 1 << 20, "{packing:?}");
        let allowed = (1 << 20).max(200 * bomb.len()) + PIECE_BYTES;
        assert!(plain.len() <= allowed, "{packing:?} gave {}", plain.len());
        assert!(unpacked(&bomb, &[4 << 20], Limits::USUAL).1.is_ok());
        let twice = gzip(&bomb);
        let (plain, end) = unpacked(&twice, &[4 << 20], limits);
        assert!(matches!(end, Err(UnpackError::Bomb(_))), "{end:?}");
        let allowed = (1 << 20).max(200 * twice.len()) + PIECE_BYTES;
        assert!(plain.len() <= allowed, "{packing:?} gave {}", plain.len());
    }
}

#[test]
fn a_zstd_frame_that_asks_for_too_much_memory_is_refused() {
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
    encoder.window_log(28).unwrap();
    encoder.write_all(&lines(100)).unwrap();
    let packed = encoder.finish().unwrap();
    assert_eq!(problem(&packed), "has damaged data in the zstd frame at byte 0, after 0 plain bytes");
    let limits = Limits { most_zstd_window_log: 28, ..Limits::USUAL };
    assert_eq!(unpacked(&packed, &[100], limits), (lines(100), Ok(())));
}

#[test]
fn a_store_that_fails_is_passed_on_after_what_it_gave() {
    let packed = gzip(&lines(100));
    let mut chunks = vec![Err(DataError::Unavailable("no answer".to_owned())), Ok(Some(packed))];
    let next = Box::new(move || chunks.pop().unwrap());
    let mut unpacked = Unpacked::new(Packing::Gzip, Limits::USUAL, next);
    assert_eq!(unpacked.next_chunk(), Ok(Some(lines(100))));
    let error = UnpackError::Data(DataError::Unavailable("no answer".to_owned()));
    assert_eq!(unpacked.next_chunk(), Err(error.clone()));
    assert_eq!(unpacked.next_chunk(), Err(error));
}

#[test]
fn what_cannot_be_searched_says_what_it_is() {
    let mut tar = vec![0; 512];
    tar[..5].copy_from_slice(b"a.log");
    tar[257..262].copy_from_slice(b"ustar");
    let utf16: Vec<u8> = "2026-11-30 ERROR".bytes().flat_map(|byte| [0, byte]).collect();
    let heads: [(&[u8], &str); 13] = [
        (&utf16, "UTF-16"),
        (b"PAR1\x15\x04\x15", "Parquet"),
        (b"ORC\n\x03\x00\x0a", "ORC"),
        (b"PK\x03\x04\x14\0", "ZIP"),
        (b"\xFD7zXZ\0\0\x04", "xz"),
        (b"\x04\x22\x4D\x18\x64", "LZ4"),
        (b"\xFF\x06\0\0sNaPpY\x01", "Snappy"),
        (b"Obj\x01\x04\x16", "Avro"),
        (b"\xFF\xFEa\0b\0", "UTF-16"),
        (b"\xFF\xFE\0\0a\0\0\0", "UTF-32"),
        (b"SQLite format 3\0", "SQLite"),
        (b"%PDF-1.7\n", "PDF"),
        (&tar, "tar"),
    ];
    for (head, what) in heads {
        let reason = unreadable(head).unwrap();
        assert!(reason.starts_with(what) && reason.contains("not searched"), "{reason}");
    }
    for text in [
        "",
        "ORCHESTRATOR started\n",
        "PAR1 and PAR2 are up\n",
        "x^2\n",
        "PK is a key\n",
        "\u{feff}text",
        "7z ok",
    ] {
        assert_eq!(unreadable(text.as_bytes()), None, "{text}");
    }
}

proptest! {
    /// However the packed bytes are cut, and whatever they are, the same comes out.
    #[test]
    fn no_cut_and_no_damage_changes_what_comes_out(
        which in 0usize..3,
        sizes in prop::collection::vec(0usize..3000, 1..4),
        cuts in prop::collection::vec(1usize..200, 1..6),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        left in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let (_, pack) = PACKERS[which];
        let mut packed: Vec<u8> = sizes.iter().flat_map(|n| pack(&lines(*n))).collect();
        for (at, byte) in &damage {
            let at = at.index(packed.len());
            packed[at] = *byte;
        }
        if let Some(left) = left {
            packed.truncate(left.index(packed.len()));
        }
        let limits = Limits { always_allowed_bytes: 4 << 20, ..Limits::USUAL };
        let expected = unpacked(&packed, &[4 << 20], limits);
        prop_assert_eq!(&unpacked(&packed, &cuts, limits), &expected);
        prop_assert_eq!(&unpacked(&packed, &[1], limits), &expected);
        if damage.is_empty() && left.is_none() {
            let text: Vec<u8> = sizes.iter().flat_map(|n| lines(*n)).collect();
            prop_assert_eq!(expected, (text, Ok(())));
        }
    }
}
