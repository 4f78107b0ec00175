use proptest::prelude::*;

use super::*;

#[test]
fn a_page_that_is_not_one_is_refused() {
    let bad = WirePage(vec![(3, "a".to_owned(), 1, String::new())]).to_bytes();
    let error = Page::from_blob(&bad).unwrap_err().to_string();
    assert_eq!(error, "cannot decode page of a listing: a name continues one that is shorter");
    // In the middle of a character.
    let bad = WirePage(vec![(0, "ä".to_owned(), 1, String::new()), (1, "b".to_owned(), 1, String::new())]);
    assert!(Page::from_blob(&bad.to_bytes()).is_err());
    assert!(Page::from_blob(b"rubbish").is_err());
}

#[test]
fn a_million_objects_are_a_hundred_lines() {
    let mut builder = ListingBuilder::new("logs", "s3://logs/");
    let (mut n_pages, mut largest) = (0, 0);
    for n in 0..1_000_000 {
        let name = format!("AWSLogs/123456789012/CloudTrail/eu-west-1/2026/11/30/{n:08}.json.gz");
        let etag = "\"d41d8cd98f00b204e9800998ecf8427e\"".to_owned();
        if let Some((_, blob)) = builder.add(Object { name, bytes: 5_000, etag }) {
            (n_pages, largest) = (n_pages + 1, largest.max(blob.len()));
        }
    }
    let (listing, last) = builder.finish();
    assert_eq!((listing.pages.len(), n_pages, last), (100, 100, None));
    assert_eq!((listing.n_objects(), listing.n_bytes()), (1_000_000, 5_000_000_000));
    assert!(crate::wire::encode(&listing).len() < 8_192);
    assert!(largest < 700_000, "{largest}");
}

proptest! {
    #[test]
    fn pages_survive(names in prop::collection::vec("[a-cäö/]{0,8}", 0..20)) {
        let object = |(at, name): (usize, &String)| Object { name: name.clone(), bytes: at as u64, etag: at.to_string() };
        let page = Page { objects: names.iter().enumerate().map(object).collect() };
        prop_assert_eq!(Page::from_blob(&page.to_blob().1), Ok(page));
    }
}
