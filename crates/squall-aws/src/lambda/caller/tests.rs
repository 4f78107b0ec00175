use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use aws_config::{BehaviorVersion, Region};
use aws_credential_types::Credentials;
use aws_credential_types::provider::future;
use aws_sdk_lambda::primitives::Blob;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::lambda::{LambdaWorkers, invoke_client};
use squall_core::ports::{InvokeError, Workers};

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

fn credentials(expiry: Option<SystemTime>) -> Credentials {
    Credentials::new("AKIDEXAMPLE", SECRET, Some("a token".to_owned()), expiry, "test")
}

/// Answers the first request with nothing, and returns it: its head and its body.
async fn recorded(listener: TcpListener) -> (String, Vec<u8>) {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut read = Vec::new();
    loop {
        stream.read_buf(&mut read).await.unwrap();
        let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = String::from_utf8(read[..end].to_vec()).unwrap();
        let length =
            head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
        if read.len() >= end + 4 + length.unwrap_or(0_usize) {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
            return (head, read[end + 4..].to_vec());
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn sha256(bytes: &[u8]) -> Vec<u8> {
    Sha256::digest(bytes).to_vec()
}

/// RFC 2104.
fn hmac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut block = key.to_vec();
    block.resize(64, 0);
    let padded = |pad: u8| block.iter().map(|byte| byte ^ pad).collect::<Vec<u8>>();
    let inner = sha256(&[&padded(0x36), text].concat());
    sha256(&[padded(0x5c), inner].concat())
}

/// The signature that a request must have: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>.
fn signature_of(head: &str, body: &[u8]) -> (String, String) {
    let mut lines = head.lines();
    let path = lines.next().unwrap().split(' ').nth(1).unwrap().to_owned();
    let headers: BTreeMap<String, String> = lines
        .map(|line| line.split_once(':').unwrap())
        .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
        .collect();
    let authorization = &headers["authorization"];
    let part = |name: &str| {
        let (_, rest) = authorization.split_once(&format!("{name}=")).unwrap();
        rest.split(',').next().unwrap().to_owned()
    };
    let (signed, scope) = (part("SignedHeaders"), part("Credential"));
    let scope = scope.split_once('/').unwrap().1;
    let canonical_headers: String =
        signed.split(';').map(|name| format!("{name}:{}\n", headers[name])).collect();
    // Every service but S3 escapes the path once more.
    let escaped_again = path.replace('%', "%25");
    let canonical = format!("POST\n{escaped_again}\n\n{canonical_headers}\n{signed}\n{}", hex(&sha256(body)));
    let to_sign = format!(
        "AWS4-HMAC-SHA256\n{}\n{scope}\n{}",
        headers["x-amz-date"],
        hex(&sha256(canonical.as_bytes()))
    );
    let key =
        scope.split('/').fold(format!("AWS4{SECRET}").into_bytes(), |key, part| hmac(&key, part.as_bytes()));
    (part("Signature"), hex(&hmac(&key, to_sign.as_bytes())))
}

fn config(url: &str, provider: SharedCredentialsProvider) -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .endpoint_url(url)
        .credentials_provider(provider)
        .time_source(aws_smithy_async::time::SystemTimeSource::new())
        .build()
}

/// Held against an implementation of the published rules, which agrees with the SDK's own client.
#[tokio::test]
async fn a_request_is_signed_as_the_rules_say_and_goes_where_the_sdk_sends_it() {
    let payload = br#""c3F1YWxs""#.to_vec();
    for function in ["cascade-worker", "arn:aws:lambda:eu-west-1:123456789012:function:a b$é"] {
        let mut seen = Vec::new();
        for by_the_sdk in [true, false] {
            let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
            let url = format!("http://{}", listener.local_addr().unwrap());
            let config = config(&url, SharedCredentialsProvider::new(credentials(None)));
            let recording = tokio::spawn(recorded(listener));
            if by_the_sdk {
                let request = invoke_client(&config).invoke().function_name(function);
                request.payload(Blob::new(payload.clone())).send().await.unwrap();
            } else {
                let workers = LambdaWorkers::new(&Connection::of_config(config), vec![function.to_owned()]);
                // An empty answer is no reply.
                assert!(workers.invoke(0, b"squall".to_vec()).await.is_err());
            }
            let (head, body) = recording.await.unwrap();
            assert_eq!(body, payload);
            assert!(head.to_lowercase().contains("x-amz-security-token: a token"), "{head}");
            let (found, expected) = signature_of(&head, &body);
            assert_eq!(found, expected, "by the SDK: {by_the_sdk}; {head}");
            seen.push(head.lines().next().unwrap().to_owned());
        }
        assert_eq!(seen[0], seen[1], "the same path");
    }
}

#[derive(Debug, Clone, Default)]
struct Counting {
    n_asked: Arc<AtomicU32>,
    lasting: Option<Duration>,
    /// Answers, before it has none.
    n_answers: Option<u32>,
}

impl ProvideCredentials for Counting {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async move {
            let n_before = self.n_asked.fetch_add(1, Ordering::Relaxed);
            tokio::task::yield_now().await;
            if self.n_answers.is_some_and(|n| n <= n_before) {
                return Err(CredentialsError::not_loaded("as asked"));
            }
            Ok(credentials(self.lasting.map(|lasting| SystemTime::UNIX_EPOCH + lasting)))
        })
    }
}

#[tokio::test]
async fn credentials_are_asked_for_once_and_again_before_they_expire() {
    for (lasting, expire_s) in [(None, 900), (Some(Duration::from_secs(3_600)), 3_540)] {
        let counting = Counting { lasting, ..Counting::default() };
        let provider = SharedCredentialsProvider::new(counting.clone());
        let keys = Keys::new(provider);
        let at = |s| SystemTime::UNIX_EPOCH + Duration::from_secs(s);
        let n_asked = || counting.n_asked.load(Ordering::Relaxed);
        let many = futures::future::join_all((0..100).map(|_| keys.at(at(0)))).await;
        assert!(many.iter().all(Result::is_ok));
        assert_eq!(n_asked(), 1);
        keys.at(at(expire_s - 1)).await.unwrap();
        assert_eq!(n_asked(), 1);
        keys.at(at(expire_s)).await.unwrap();
        assert_eq!(n_asked(), 2);
    }
}

#[tokio::test]
async fn credentials_that_are_still_good_are_used_while_others_cannot_be_had() {
    let at = |s| SystemTime::UNIX_EPOCH + Duration::from_secs(s);
    let counting =
        Counting { lasting: Some(Duration::from_secs(3_600)), n_answers: Some(1), ..Counting::default() };
    let keys = Keys::new(SharedCredentialsProvider::new(counting.clone()));
    keys.at(at(0)).await.unwrap();
    assert!(keys.at(at(3_599)).await.is_ok());
    assert!(keys.at(at(3_600)).await.is_err());
    assert_eq!(counting.n_asked.load(Ordering::Relaxed), 3);
    // Those of a provider that always gives nearly expired ones are used for a moment all the same.
    let counting = Counting { lasting: Some(Duration::from_secs(30)), ..Counting::default() };
    let keys = Keys::new(SharedCredentialsProvider::new(counting.clone()));
    futures::future::join_all((0..100).map(|_| keys.at(at(0)))).await;
    assert_eq!(counting.n_asked.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn what_the_configuration_lacks_is_said() {
    let told = async |config: SdkConfig| {
        let workers = LambdaWorkers::new(&Connection::of_config(config), vec!["worker".to_owned()]);
        match workers.invoke(0, Vec::new()).await {
            Err(InvokeError::Impossible(reason)) => reason,
            other => panic!("{other:?}"),
        }
    };
    let behavior = BehaviorVersion::latest();
    let no_region = told(SdkConfig::builder().behavior_version(behavior).build()).await;
    assert!(no_region.contains("no region is set; set AWS_REGION"), "{no_region}");
    let region = Region::new("eu-west-1");
    let no_keys = told(SdkConfig::builder().behavior_version(behavior).region(region).build()).await;
    assert!(no_keys.contains("no AWS credentials were found"), "{no_keys}");
}

#[tokio::test]
async fn without_an_endpoint_of_its_own_it_is_that_of_the_region() {
    for (region, fips, expected) in [
        ("eu-west-1", false, "https://lambda.eu-west-1.amazonaws.com"),
        ("us-east-1", true, "https://lambda-fips.us-east-1.amazonaws.com"),
        ("cn-north-1", false, "https://lambda.cn-north-1.amazonaws.com.cn"),
    ] {
        let config = SdkConfig::builder().use_fips(fips).build();
        assert_eq!(endpoint(&config, None, region).await.unwrap(), expected);
    }
    let local = Some("http://127.0.0.1:4566/".to_owned());
    let config = SdkConfig::builder().build();
    assert_eq!(endpoint(&config, local.clone(), "eu-west-1").await.unwrap(), "http://127.0.0.1:4566");
    // As the SDK does.
    let config = SdkConfig::builder().use_fips(true).build();
    assert!(endpoint(&config, local, "eu-west-1").await.is_err());
}
