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
