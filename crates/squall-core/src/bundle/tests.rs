use super::*;

fn bundle(files: &[(&str, &[u8])]) -> Bundle {
    Bundle {
        workload: "probe".to_owned(),
        input_json: r#"{"units": 3}"#.to_owned(),
        given: Given::files(files.iter().map(|(name, bytes)| ((*name).to_owned(), bytes.to_vec())).collect()),
    }
}

#[test]
fn a_bundle_survives_under_its_digest() {
    let bundle = bundle(&[("positions.csv", b"1,2"), ("market.json", b"{}")]);
    let (digest, bytes) = bundle.to_blob();
    assert_eq!(digest, Digest::of(&bytes));
    assert_eq!(Bundle::from_blob(&bytes), Ok(bundle));
}

#[test]
fn files_are_distinguished_by_name_and_content() {
    let names: [&[(&str, &[u8])]; 4] = [&[], &[("a", b"b")], &[("b", b"b")], &[("a", b"c")]];
    let digests: std::collections::BTreeSet<_> =
        names.iter().map(|files| bundle(files).to_blob().0).collect();
    assert_eq!(digests.len(), names.len());
}

#[test]
fn damaged_bundles_are_refused() {
    let (_, bytes) = bundle(&[("a", b"b")]).to_blob();
    for cut in 0..bytes.len() {
        assert!(Bundle::from_blob(&bytes[..cut]).is_err());
    }
}
