use super::*;

#[test]
fn a_key_says_what_is_in_the_file() {
    let digest = Digest::of(b"content");
    assert_eq!(key_of(digest, None), format!("files/{digest}"));
    for key in [key_of(digest, None), key_of(digest, Some("3f9c")), key_of(digest, Some("a-B-7"))] {
        assert_eq!(content_of(&key), Some(digest), "{key}");
    }
}

#[test]
fn every_other_key_is_no_upload() {
    let digest = Digest::of(b"content").to_string();
    let (upper, short) = (digest.to_uppercase(), &digest[1..]);
    for key in [
        digest.clone(),
        format!("blobs/{digest}"),
        format!("aws/lambda/{digest}"),
        format!("/files/{digest}"),
        format!("files//{digest}"),
        format!("files/{digest}/"),
        format!("files/{digest}/book.csv"),
        format!("files/{digest}.csv"),
        format!("files/{digest}-"),
        format!("files/{digest}-a/b"),
        format!("files/{digest}-{}", "a".repeat(65)),
        format!("files/x/{digest}"),
        format!("files/{upper}"),
        format!("files/{short}"),
        format!("files/{digest}0"),
        format!("files/g{short}"),
        format!("files/+{short}"),
        format!("files/é{}", &digest[2..]),
        "files/".to_owned(),
        "files/book.csv".to_owned(),
        String::new(),
    ] {
        assert_eq!(content_of(&key), None, "{key}");
    }
}
