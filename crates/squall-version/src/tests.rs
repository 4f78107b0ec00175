use super::*;

#[test]
fn the_version_is_the_manifests_with_the_commit() {
    assert_eq!(VERSION, format!("{} ({COMMIT})", env!("CARGO_PKG_VERSION")));
    assert!(!COMMIT.is_empty());
    assert!(COMMIT.chars().all(|it| it.is_ascii_alphanumeric() || matches!(it, '.' | '_' | '-')), "{COMMIT}");
}
