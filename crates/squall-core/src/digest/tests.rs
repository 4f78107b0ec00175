use super::*;

#[test]
fn digests_agree_with_the_published_vector() {
    // FIPS 180-2, appendix B.1.
    assert_eq!(
        Digest::of(b"abc").to_string(),
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    );
}

#[test]
fn a_digest_is_read_as_it_is_written() {
    let digest = Digest::of(b"abc");
    assert_eq!(Digest::from_hex(&digest.to_string()), Some(digest));
    for other in
        ["", "ba", &digest.to_string()[2..], &format!("{digest}00"), &digest.to_string().to_uppercase()]
    {
        assert_eq!(Digest::from_hex(other), None, "{other}");
    }
}

#[test]
fn fingerprints_tell_every_part_apart() {
    let input = Digest::of(b"input");
    let base = Fingerprint::of_task("job", input, 1, 2, b"slice");
    for other in [
        Fingerprint::of_task("jo", input, 1, 2, b"bslice"),
        Fingerprint::of_task("job", Digest::of(b"other"), 1, 2, b"slice"),
        Fingerprint::of_task("job", input, 2, 2, b"slice"),
        Fingerprint::of_task("job", input, 1, 3, b"slice"),
        Fingerprint::of_task("job", input, 1, 2, b"slicf"),
    ] {
        assert_ne!(base, other);
    }
}

#[test]
fn sums_of_fingerprints_do_not_depend_on_the_order() {
    let input = Digest::of(b"input");
    let [a, b, c] = [1, 2, 3].map(|index| Fingerprint::of_task("job", input, index, 1, b""));
    assert_eq!(a.plus(b).plus(c), c.plus(a).plus(b));
}
