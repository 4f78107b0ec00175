use squall_core::data::MemorySource;
use squall_core::laws;

use super::*;

#[test]
fn it_keeps_the_laws() {
    let objects: [(&str, &[u8]); 4] =
        [("a", b"one\ntwo\n"), ("b", b""), ("c", b"three\nfour"), ("d", b"\n\n\n and so on, to the end\n")];
    let data = MemorySource::of("logs", &objects);
    let input = Input { objects: "logs".to_owned() };
    laws::check_with::<CountLines>(input, &data.given(), &data, 7).unwrap();
}
