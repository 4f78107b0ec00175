use squall_core::ports::{Objects, chain};

use super::objects::location;
use super::*;
use crate::emulator;

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
    let error = S3Objects::new(&connection).read("rates.csv").await.unwrap_err();
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
    let uri = blobs.upload(content.to_vec()).await.unwrap();
    assert_eq!(uri, format!("s3://{bucket}/files/{}", Digest::of(content)));
    assert_eq!(squall_contracts::objects(&S3Objects::new(&connection), &uri, content).await, Ok(()));
}

#[tokio::test]
async fn what_was_uploaded_is_not_sent_again() {
    let Some(connection) = emulator::connection().await else { return };
    let bucket = bucket(&connection).await;
    let blobs = S3Blobs::new(&connection, &bucket);
    let key = format!("files/{}", Digest::of(b"content"));
    let s3 = client(connection.config().await);
    // Other content under its key shows that it was not overwritten.
    s3.put_object().bucket(&bucket).key(&key).body(ByteStream::from_static(b"there")).send().await.unwrap();
    let uri = blobs.upload(b"content".to_vec()).await.unwrap();
    assert_eq!(S3Objects::new(&connection).read(&uri).await.unwrap(), b"there");
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
    let files = S3Objects::new(&connection);
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
    let error = S3Blobs::new(&connection, "no-such-bucket").upload(b"content".to_vec()).await.unwrap_err();
    assert!(error.to_string().contains("bucket no-such-bucket does not exist in us-east-1"), "{error}");
}
