//! What an object is, by its first bytes.

/// How an object is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// It is not.
    Plain,
    /// Members of gzip, one after the other.
    Gzip,
    /// Frames of zstd, some of which may be skippable.
    Zstd,
    /// Streams of bzip2.
    Bzip2,
}

const ZSTD: &[u8] = &[0x28, 0xB5, 0x2F, 0xFD];
/// The first bytes of a frame without content, but for the first, of which the upper half is 5.
const ZSTD_SKIPPABLE: &[u8] = &[0x2A, 0x4D, 0x18];
/// What follows `BZh` and a digit: a block, or the end of an empty stream.
const BZIP2_BLOCK: &[u8] = &[0x31, 0x41, 0x59, 0x26, 0x53, 0x59];
const BZIP2_END: &[u8] = &[0x17, 0x72, 0x45, 0x38, 0x50, 0x90];

impl Packing {
    /// The compression of an object that begins with `head`: its first ten bytes or more, all of it if it is shorter.
    pub fn of(head: &[u8]) -> Self {
        match head {
            [0x1F, 0x8B, ..] => Self::Gzip,
            [first, rest @ ..] if first >> 4 == 5 && rest.starts_with(ZSTD_SKIPPABLE) => Self::Zstd,
            _ if head.starts_with(ZSTD) => Self::Zstd,
            // A text may begin with these letters, too.
            [b'B', b'Z', b'h', b'1'..=b'9', rest @ ..]
                if agrees(rest, BZIP2_BLOCK) || agrees(rest, BZIP2_END) =>
            {
                Self::Bzip2
            }
            _ => Self::Plain,
        }
    }

    /// The word for what these objects are made of.
    pub(super) fn member(self) -> &'static str {
        match self {
            Self::Plain => "text",
            Self::Gzip => "gzip member",
            Self::Zstd => "zstd frame",
            Self::Bzip2 => "bzip2 stream",
        }
    }

    /// Whether a member may have this byte at this place. `None` after those that tell.
    pub(super) fn may_begin_with(self, at: u64, byte: u8) -> Option<bool> {
        match (self, at) {
            (Self::Gzip, 0) => Some(byte == 0x1F),
            (Self::Gzip, 1) => Some(byte == 0x8B),
            (Self::Zstd, 0) => Some(byte == 0x28 || byte >> 4 == 5),
            (Self::Zstd, 1) => Some(matches!(byte, 0xB5 | 0x2A)),
            (Self::Zstd, 2) => Some(matches!(byte, 0x2F | 0x4D)),
            (Self::Zstd, 3) => Some(matches!(byte, 0xFD | 0x18)),
            (Self::Bzip2, 0) => Some(byte == b'B'),
            (Self::Bzip2, 1) => Some(byte == b'Z'),
            (Self::Bzip2, 2) => Some(byte == b'h'),
            (Self::Bzip2, 3) => Some(matches!(byte, b'1'..=b'9')),
            _ => None,
        }
    }
}

/// Whether they are equal as far as there are bytes.
fn agrees(bytes: &[u8], expected: &[u8]) -> bool {
    bytes.iter().zip(expected).all(|(byte, expected)| byte == expected)
}

/// Contents that a search for text would not find anything in, though it is there: their first bytes, and what to say. Those with letters only
/// are in [`BINARY`].
const UNREADABLE: &[(&[u8], &str)] = &[
    (b"PK\x03\x04", "ZIP archive: not searched; extract its files, or compress them with gzip or zstd"),
    (b"PK\x05\x06", "ZIP archive without files: not searched"),
    (b"PK\x07\x08", "ZIP archive in parts: not searched; extract its files"),
    (b"7z\xBC\xAF\x27\x1C", "7z archive: not searched; extract its files"),
    (b"Rar!\x1A\x07", "RAR archive: not searched; extract its files"),
    (b"\xFD7zXZ\0", "xz: not searched; compress it with gzip, zstd or bzip2"),
    (b"LZIP\x01", "lzip: not searched; compress it with gzip, zstd or bzip2"),
    (b"\x89LZO\0\r\n\x1A\n", "lzop: not searched; compress it with gzip, zstd or bzip2"),
    (b"\x1F\x9D", "compress (.Z): not searched; compress it with gzip, zstd or bzip2"),
    (b"\x04\x22\x4D\x18", "LZ4: not searched; compress it with gzip, zstd or bzip2"),
    (b"\x02\x21\x4C\x18", "LZ4: not searched; compress it with gzip, zstd or bzip2"),
    (b"\xFF\x06\0\0sNaPpY", "Snappy: not searched; compress it with gzip, zstd or bzip2"),
    (b"\x78\x01", "zlib: not searched; compress it with gzip, zstd or bzip2"),
    (b"\x78\x9C", "zlib: not searched; compress it with gzip, zstd or bzip2"),
    (b"\x78\xDA", "zlib: not searched; compress it with gzip, zstd or bzip2"),
    (b"Obj\x01", "Avro: not searched; export it as text or JSON lines"),
    (b"SEQ\x06", "Hadoop sequence file: not searched; export it as text or JSON lines"),
    (b"ARROW1\0\0", "Arrow: not searched; export it as text or JSON lines"),
    (b"\x89HDF\r\n\x1A\n", "HDF5: not searched; export it as text or JSON lines"),
    (b"SQLite format 3\0", "SQLite database: not searched; export its tables as text or JSON lines"),
    (b"ElfFile\0", "Windows event log (EVTX): not searched; export it as text or JSON lines"),
    (b"LPKSHHRH", "systemd journal: not searched; export it by journalctl, as text or JSON lines"),
    (b"\xD4\xC3\xB2\xA1", "packet capture: not searched; export it as text"),
    (b"\xA1\xB2\xC3\xD4", "packet capture: not searched; export it as text"),
    (b"%PDF-", "PDF: not searched; export it as text"),
    (b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", "Microsoft Office document: not searched; export it as text"),
    (b"\x7FELF", "program (ELF): not searched"),
    (b"\x89PNG\r\n\x1A\n", "image (PNG): not searched"),
    (b"\xFF\xD8\xFF", "image (JPEG): not searched"),
    (b"\xFF\xFE\0\0", "UTF-32 text: not searched; convert it to UTF-8"),
    (b"\0\0\xFE\xFF", "UTF-32 text: not searched; convert it to UTF-8"),
    (b"\xFF\xFE", "UTF-16 text: not searched; convert it to UTF-8"),
    (b"\xFE\xFF", "UTF-16 text: not searched; convert it to UTF-8"),
];

/// The same for those that begin as a text may, too: what follows must not be text.
const BINARY: &[(&[u8], &str)] = &[
    (b"PAR1", "Parquet: not searched; export it as text or JSON lines"),
    (b"PARE", "encrypted Parquet: not searched; export it as text or JSON lines"),
    (b"\x0A\x0D\x0D\x0A", "packet capture: not searched; export it as text"),
    // `x^`
    (b"\x78\x5E", "zlib: not searched; compress it with gzip, zstd or bzip2"),
    (b"ORC", "ORC: not searched; export it as text or JSON lines"),
];

/// Where the header of a tar archive says what it is.
const TAR_MAGIC_AT: usize = 257;

/// Why a plain content that begins with `head`, its first KiB or more, cannot be searched as text: a sentence for a person. `None`: it can.
pub fn unreadable(head: &[u8]) -> Option<&'static str> {
    if let Some((_, reason)) = UNREADABLE.iter().find(|(magic, _)| head.starts_with(magic)) {
        return Some(reason);
    }
    if let Some((magic, reason)) = BINARY.iter().find(|(magic, _)| head.starts_with(magic)) {
        let rest = head.get(magic.len()..).unwrap_or_default();
        let is_binary = |byte: &u8| *byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x1B);
        return rest.iter().take(32).any(is_binary).then_some(*reason);
    }
    if is_half_zeros(head) {
        return Some("UTF-16 text, by every other byte: not searched; convert it to UTF-8");
    }
    let is_tar = head.get(TAR_MAGIC_AT..).is_some_and(|it| it.starts_with(b"ustar"));
    is_tar.then_some("tar archive: not searched; extract its files, or compress them one by one")
}

/// Whether nearly every other byte is zero, and nearly none of the others: UTF-16 of mostly English text without a byte order mark.
fn is_half_zeros(head: &[u8]) -> bool {
    let head = head.get(..head.len().min(512)).unwrap_or_default();
    let zeros = |from: usize| head.iter().skip(from).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd, half) = (zeros(0), zeros(1), head.len() / 2);
    half >= 16 && even.max(odd) * 10 >= half * 9 && even.min(odd) * 10 <= half
}
