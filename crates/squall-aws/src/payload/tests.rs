use super::*;

#[test]
fn bytes_are_what_they_were_and_as_long_as_foretold() {
    for length in 0..600_usize {
        let bytes: Vec<u8> = (0..length).map(|i| (i * 151 % 256).to_le_bytes()[0]).collect();
        let payload = to_payload(&bytes);
        assert_eq!(payload.len(), payload_len(length));
        assert_eq!(from_payload(&payload).unwrap(), bytes);
        assert!(serde_json::from_slice::<String>(&payload).is_ok(), "a payload is JSON");
    }
}

#[test]
fn a_payload_that_was_written_again_is_read_too() {
    let bytes = vec![0xff; 6];
    assert_eq!(to_payload(&bytes), b"\"////////\"");
    for again in ["  \"////////\"\n", r#""\/\/\/\/////""#] {
        assert_eq!(from_payload(again.as_bytes()).unwrap(), bytes);
    }
}

#[test]
fn rubbish_is_refused() {
    for rubbish in ["", "\"", "null", "{}", "[1]", "AAAA", "\"AAAA"] {
        assert!(matches!(from_payload(rubbish.as_bytes()), Err(PayloadError::NotAString(_))), "{rubbish}");
    }
    for rubbish in ["\"A\"", "\"AAA\"", "\"AA AA\"", "\"\u{fc}\"", "\"AAAA\"\"", "\"AAB=\""] {
        assert!(from_payload(rubbish.as_bytes()).is_err(), "{rubbish}");
    }
}
