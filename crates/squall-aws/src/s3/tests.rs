use squall_core::ports::{Objects, chain};

use super::objects::location;
use super::*;
use crate::emulator;

mod answers;

/// A new bucket.
async fn bucket(connection: &Connection) -> String {
    let bucket = emulator::unique("bucket");
    client(connection.config().await).create_bucket().bucket(&bucket).send().await.unwrap();
    bucket
}

#[test]
fn a_location_is_a_bucket_and_a_key() {
    assert_eq!(location("s3://rates/eu/march.csv"), Some(("rates", "eu/march.csv")));
    for other in
        ["rates.csv", "s3://rates", "s3://rates/", "s3:///march.csv", "S3://rates/march.csv", "file://a/b"]
    {
        assert_eq!(location(other), None, "{other}");
    }
}

#[tokio::test]
async fn a_file_that_is_not_on_s3_is_refused_with_a_way_out() {
    let connection = emulator::connection_to("http://127.0.0.1:1").await;
    let error = S3Objects::new(&connection, "own").read("rates.csv").await.unwrap_err();
    assert!(matches!(error, PortError::Permanent { .. }));
    assert_eq!(
        chain(&error),
        "`rates.csv` is not s3://bucket/key; a published job names its files so, and `squall submit` uploads others"
    );
}

#[tokio::test]
async fn blobs_are_kept_as_promised() {
    let Some(connection) = emulator::connection().await else { return };
    let blobs = S3Blobs::new(&connection, bucket(&connection).await);
    assert_eq!(squall_contracts::blob_store(&blobs, "blobs").await, Ok(()));
}

#[tokio::test]
async fn an_upload_is_a_file_that_jobs_can_name() {
    let Some(connection) = emulator::connection().await else { return };
    let bucket = bucket(&connection).await;
    let blobs = S3Blobs::new(&connection, &bucket);
    let content = b"day,rate\n1,0.02\n";
    let uri = blobs.upload(content.to_vec(), None).await.unwrap();
    assert_eq!(uri, format!("s3://{bucket}/files/{}", Digest::of(content)));
    let files = S3Objects::new(&connection, &bucket);
    assert_eq!(files.read(&uri).await.unwrap(), content);
    assert_eq!(files.stat(&uri).await.unwrap().bytes, content.len() as u64);
    let again = blobs.upload(content.to_vec(), Some("3f9c")).await.unwrap();
    assert_eq!(again, format!("{uri}-3f9c"));
    assert_eq!(files.read(&again).await.unwrap(), content);
    // For another deployment this bucket is one of those that its settings let it read.
    let elsewhere = S3Objects::new(&connection, "another");
    assert_eq!(squall_contracts::objects(&elsewhere, &again, content).await, Ok(()));
}

/// In one piece, and in parts.
#[tokio::test]
async fn an_upload_replaces_nothing_and_other_content_under_a_name_is_not_used() {
    let Some(connection) = emulator::connection().await else { return };
    let bucket = bucket(&connection).await;
    let (blobs, files) = (S3Blobs::new(&connection, &bucket), S3Objects::new(&connection, &bucket));
    let s3 = client(connection.config().await);
    for content in [b"content".to_vec(), vec![7; PART_BYTES + 1]] {
        let (named, planted) = (Digest::of(&content), ByteStream::from_static(b"planted"));
        let key = format!("files/{named}");
        s3.put_object().bucket(&bucket).key(&key).body(planted).send().await.unwrap();
        let uri = blobs.upload(content.clone(), None).await.unwrap();
        let there = get(&blobs.client, "read what is there", &bucket, &key, false).await.unwrap();
        assert_eq!(there, b"planted");
        let error = files.read(&uri).await.unwrap_err();
        assert!(matches!(error, PortError::Permanent { .. }));
        assert_eq!(
            chain(&error),
            format!(
                "{uri} holds other content than its name says: SHA-256 {}, not {}; somebody else put it there, and it is not used. \
                 `squall submit --new-copies` uploads yours under another name; or let an administrator delete that object",
                Digest::of(b"planted").short(),
                named.short()
            )
        );
        // Nor by another deployment, whose settings let it read there.
        assert_eq!(
            chain(&S3Objects::new(&connection, "another").read(&uri).await.unwrap_err()),
            chain(&error)
        );
        let mine = blobs.upload(content.clone(), Some("mine")).await.unwrap();
        assert!(files.read(&mine).await.unwrap() == content);
    }
}

#[tokio::test]
async fn nothing_else_in_the_own_bucket_can_be_named() {
    let connection = emulator::connection_to("http://127.0.0.1:1").await;
    let files = S3Objects::new(&connection, "own");
    let digest = Digest::of(b"content");
    for key in [format!("blobs/{digest}"), "aws/lambda/record".to_owned(), "files/book.csv".to_owned()] {
        let uri = format!("s3://own/{key}");
        for error in [files.read(&uri).await.unwrap_err(), files.stat(&uri).await.unwrap_err()] {
            assert!(matches!(error, PortError::Permanent { .. }));
            let text = chain(&error);
            assert!(text.contains("is no uploaded file: in the deployment's own bucket"), "{text}");
        }
    }
    // A range does not show what the whole is, and a listing is none of anybody's business.
    let upload = format!("s3://own/files/{digest}");
    for error in [
        files.stat_listed(&upload).await.unwrap_err(),
        files.read_range(&upload, "\"etag\"", 0..1).await.unwrap_err(),
        files.list("s3://own/files/").await.unwrap_err(),
        files.list("s3://own").await.unwrap_err(),
    ] {
        assert!(matches!(error, PortError::Permanent { .. }));
        let text = chain(&error);
        assert!(text.contains("is in the deployment's own bucket, where a job may name files"), "{text}");
    }
}

#[tokio::test]
async fn a_damaged_blob_is_not_believed() {
    let Some(connection) = emulator::connection().await else { return };
    let bucket = bucket(&connection).await;
    let digest = Digest::of(b"content");
    let s3 = client(connection.config().await);
    let put = s3.put_object().bucket(&bucket).key(format!("blobs/{digest}"));
    put.body(ByteStream::from_static(b"contents")).send().await.unwrap();
    let error = S3Blobs::new(&connection, &bucket).blob(digest).await.unwrap_err();
    assert!(matches!(error, PortError::Unknown { .. }));
    let (read, found) = (digest.short(), Digest::of(b"contents").short());
    assert_eq!(
        chain(&error),
        format!("cannot read blob {read} from bucket {bucket}: what came has digest {found}; it was damaged")
    );
}

#[tokio::test]
async fn what_is_missing_is_named() {
    let Some(connection) = emulator::connection().await else { return };
    let bucket = bucket(&connection).await;
    let files = S3Objects::new(&connection, "own");
    for (uri, thing) in [
        (format!("s3://{bucket}/march.csv"), format!("s3://{bucket}/march.csv")),
        ("s3://no-such-bucket/march.csv".to_owned(), "bucket no-such-bucket".to_owned()),
    ] {
        let error = files.read(&uri).await.unwrap_err();
        assert!(matches!(error, PortError::Permanent { .. }));
        let text = error.to_string();
        assert!(
            text.starts_with(&format!("cannot read {uri}: {thing} does not exist in us-east-1 ")),
            "{text}"
        );
    }
    let error =
        S3Blobs::new(&connection, "no-such-bucket").upload(b"content".to_vec(), None).await.unwrap_err();
    assert!(error.to_string().contains("bucket no-such-bucket does not exist in us-east-1"), "{error}");
}
