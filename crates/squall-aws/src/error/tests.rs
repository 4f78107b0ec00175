use std::fmt::Write as _;
use std::net::TcpListener;
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::credential_fn::provide_credentials_fn;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::error::ErrorMetadata;
use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};
use expect_test::expect;

use super::*;
use crate::emulator;

type Failed = SdkError<ErrorMetadata, HttpResponse>;

fn aws() -> Whereto {
    Whereto { region: Some("eu-west-1".to_owned()), ..Whereto::default() }
}

fn emulated() -> Whereto {
    let endpoint_url = Some("http://127.0.0.1:4566".to_owned());
    Whereto { region: Some("us-east-1".to_owned()), endpoint_url, ..Whereto::default() }
}

fn said(status: u16, code: &str, message: &str) -> Failed {
    let meta = ErrorMetadata::builder().code(code).message(message).build();
    Failed::service_error(meta, HttpResponse::new(status.try_into().unwrap(), SdkBody::empty()))
}

fn unreached(error: impl Into<Box<dyn Error + Send + Sync>>) -> Failed {
    Failed::dispatch_failure(ConnectorError::other(error.into(), None))
}

/// Hyper's error for a name that is not found.
#[derive(Debug, thiserror::Error)]
#[error("client error (Connect)")]
struct Hyper(#[source] DnsError);

#[derive(Debug, thiserror::Error)]
#[error("dns error")]
struct DnsError(#[source] io::Error);

fn table(failures: &[(Whereto, Failed)]) -> String {
    failures.iter().fold(String::new(), |mut text, (whereto, error)| {
        let Problem { kind, sentence } = problem(whereto, "table squall", error);
        writeln!(text, "{kind:?}: {sentence}").unwrap();
        text
    })
}

#[test]
fn every_answer_is_a_sentence() {
    let denied = "User: arn:aws:iam::1:user/ann is not authorized to perform: dynamodb:GetItem";
    expect![[r#"
        Permanent: table squall does not exist in eu-west-1
        Permanent: table squall does not exist in us-east-1 (at http://127.0.0.1:4566)
        Refused: AWS in eu-west-1 is throttling (ProvisionedThroughputExceededException)
        Refused: AWS in eu-west-1 is throttling (ThrottlingException)
        Refused: AWS in eu-west-1 is throttling (SlowDown)
        Permanent: the AWS credentials have expired; renew them, for instance with `aws sso login`
        Permanent: AWS does not accept the credentials: The security token included in the request is invalid
        Permanent: access denied: User: arn:aws:iam::1:user/ann is not authorized to perform: dynamodb:GetItem
        Unknown: AWS in eu-west-1 failed (HTTP 500): Internal server error
        Unknown: http://127.0.0.1:4566 failed (HTTP 502)
        Refused: AWS in eu-west-1 failed (HTTP 400): Stream squall-tasks is being updated
        Refused: AWS in eu-west-1 failed (HTTP 400): Scaling activity 7 is in progress and blocks this action
        Permanent: One or more parameter values were invalid
        Permanent: http://127.0.0.1:4566 rejected the request (HTTP 418)
    "#]]
    .assert_eq(&table(&[
        (aws(), said(400, "ResourceNotFoundException", "Requested resource not found")),
        (emulated(), said(404, "NoSuchBucket", "The specified bucket does not exist")),
        (aws(), said(400, "ProvisionedThroughputExceededException", "slower")),
        (aws(), said(400, "ThrottlingException", "Rate exceeded")),
        (aws(), said(503, "SlowDown", "Please reduce your request rate.")),
        (aws(), said(400, "ExpiredTokenException", "The security token included in the request is expired")),
        (
            aws(),
            said(
                400,
                "UnrecognizedClientException",
                "The security token included in the request is invalid.",
            ),
        ),
        (aws(), said(400, "AccessDeniedException", denied)),
        (aws(), said(500, "InternalServerError", "Internal server error")),
        (emulated(), said(502, "", "")),
        (aws(), said(400, "ResourceInUseException", "Stream squall-tasks is being updated")),
        (
            aws(),
            said(
                400,
                "ScalingActivityInProgress",
                "Scaling activity 7 is in progress and blocks this action",
            ),
        ),
        (aws(), said(400, "ValidationException", "One or more parameter values were invalid.")),
        (emulated(), said(418, "", "")),
    ]));
}

/// Without `s3:ListBucket` a misspelt key is forbidden, not missing.
#[test]
fn a_key_that_s3_does_not_tell_about_may_be_misspelt() {
    let told = |thing| problem(&aws(), thing, &said(403, "AccessDenied", "Access Denied")).sentence;
    assert_eq!(told("table squall"), "access denied: Access Denied");
    assert_eq!(
        told("s3://books/bokk.csv"),
        "access denied: Access Denied; or it does not exist, which S3 tells only to readers who may list the bucket"
    );
}

#[test]
fn no_answer_is_a_sentence_too() {
    let refused = || io::Error::from(io::ErrorKind::ConnectionRefused);
    let reset = io::Error::from(io::ErrorKind::ConnectionReset);
    let nowhere = || Hyper(DnsError(io::Error::other("Name or service not known")));
    let sso = || CredentialsError::provider_error(io::Error::other("the SSO session has expired"));
    let garbled = HttpResponse::new(200.try_into().unwrap(), SdkBody::empty());
    expect![[r#"
        Refused: nothing answers at http://127.0.0.1:4566 (connection refused); is it running?
        Refused: AWS in eu-west-1 does not answer (connection refused); is the network up?
        Unknown: nothing answers at http://127.0.0.1:4566 (connection reset); is it running?
        Refused: cannot resolve an AWS endpoint in eu-west-1; check the region name and the network
        Refused: nothing answers at http://127.0.0.1:4566 (no such host); is the name right?
        Unknown: AWS in eu-west-1 did not answer in time
        Unknown: http://127.0.0.1:4566 sent an unreadable response (HTTP 200)
        Permanent: no AWS credentials were found; set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run `aws sso login`
        Permanent: profile march has no AWS credentials; check that it is in ~/.aws/config, or run `aws sso login --profile march`
        Permanent: the AWS credentials could not be loaded: the SSO session has expired; check AWS_PROFILE, or run `aws sso login`
        Permanent: no usable AWS credentials were found; `squall dev` writes those of its run to .dev/env, other emulators take any: AWS_ACCESS_KEY_ID=test and AWS_SECRET_ACCESS_KEY=test
        Permanent: no usable AWS credentials were found; `squall dev` writes those of its run to .dev/env, other emulators take any: AWS_ACCESS_KEY_ID=test and AWS_SECRET_ACCESS_KEY=test
        Refused: the AWS credentials provider timed out
        Permanent: the table name is empty
        Permanent: the endpoint 127.0.0.1:4566 is not a URL; it begins with http:// or https://
        Permanent: no region is set; set AWS_REGION, or AWS_PROFILE to a profile that has a region
    "#]]
    .assert_eq(&table(&[
        (emulated(), unreached(refused())),
        (aws(), unreached(refused())),
        (emulated(), unreached(reset)),
        (aws(), unreached(nowhere())),
        (emulated(), unreached(nowhere())),
        (aws(), Failed::timeout_error("3.1 s")),
        (emulated(), Failed::response_error("invalid JSON", garbled)),
        (aws(), unreached(CredentialsError::not_loaded_no_source())),
        (
            Whereto { profile: Some("march".to_owned()), ..aws() },
            unreached(CredentialsError::not_loaded_no_source()),
        ),
        (aws(), unreached(sso())),
        (emulated(), unreached(CredentialsError::not_loaded_no_source())),
        (emulated(), unreached(sso())),
        (aws(), unreached(CredentialsError::provider_timed_out(Duration::from_secs(5)))),
        (aws(), Failed::construction_failure("the table name is empty")),
        (
            Whereto { endpoint_url: Some("127.0.0.1:4566".to_owned()), ..aws() },
            unreached("endpoint must contain scheme"),
        ),
        (Whereto::default(), unreached("no endpoint")),
    ]));
}

#[tokio::test]
async fn the_services_words_are_kept_for_the_log_in_one_line() {
    let connection = emulator::connection_to("http://127.0.0.1:1").await;
    let meta = ErrorMetadata::builder()
        .code("AccessDeniedException")
        .message("not authorized")
        .custom("aws_request_id", "4KJH")
        .build();
    let error = Failed::service_error(meta, HttpResponse::new(400.try_into().unwrap(), SdkBody::empty()));
    let error = port_error(&connection, "read job march", error);
    assert_eq!(
        chain(&error),
        "cannot read job march: access denied: not authorized: AccessDeniedException, request 4KJH"
    );
}

/// The SDK's actual error, as people read it.
async fn asked(connection: &Connection) -> String {
    let client = aws_sdk_dynamodb::Client::new(connection.config().await);
    let error = client.list_tables().send().await.unwrap_err();
    let error = port_error(connection, "list the tables", error);
    let kind = if error.is_permanent() {
        "permanent"
    } else if error.may_be_done() {
        "unknown"
    } else {
        "refused"
    };
    format!("{kind}: {}", chain(&error))
}

fn connection(
    region: Option<&'static str>,
    endpoint_url: &str,
    credentials: SharedCredentialsProvider,
) -> Connection {
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(region.map(Region::from_static))
        .credentials_provider(credentials)
        .endpoint_url(endpoint_url);
    Connection::of_config(config.build())
}

fn test_credentials() -> SharedCredentialsProvider {
    SharedCredentialsProvider::new(Credentials::new("test", "test", None, None, "tests"))
}

#[tokio::test]
async fn nothing_listens() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{port}");
    let connection = connection(Some("us-east-1"), &url, test_credentials());
    assert_eq!(
        asked(&connection).await,
        format!(
            "refused: cannot list the tables: nothing answers at {url} (connection refused); is it running?"
        )
    );
}

/// An endpoint of DynamoDB's own, as in `AWS_ENDPOINT_URL_DYNAMODB`.
#[derive(Debug)]
struct OfDynamoDb(String);

impl LoadServiceConfig for OfDynamoDb {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        (key.service_id() == "DynamoDB" && key.env() == "AWS_ENDPOINT_URL").then(|| self.0.clone())
    }
}

#[tokio::test]
async fn an_endpoint_of_the_services_own_is_named() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{port}");
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("us-east-1"))
        .credentials_provider(test_credentials())
        .endpoint_url("http://127.0.0.1:1")
        .service_config(OfDynamoDb(url.clone()));
    let error = asked(&Connection::of_config(config.build())).await;
    assert!(error.contains(&format!("nothing answers at {url} (connection refused)")), "{error}");
}

#[test]
fn every_service_is_known_by_its_errors() {
    let services = [
        service_of::<aws_sdk_autoscaling::Error>(),
        service_of::<aws_sdk_cloudformation::Error>(),
        service_of::<aws_sdk_cloudwatch::Error>(),
        service_of::<aws_sdk_dynamodb::Error>(),
        service_of::<aws_sdk_kinesis::Error>(),
        service_of::<aws_sdk_lambda::Error>(),
        service_of::<aws_sdk_s3::Error>(),
        service_of::<aws_sdk_sns::Error>(),
        service_of::<aws_sdk_sqs::Error>(),
    ];
    assert_eq!(services, SERVICES.map(|(_, id)| Some(id)));
    assert_eq!(service_of::<ErrorMetadata>(), None);
}

#[tokio::test]
async fn no_region_is_set() {
    let connection = connection(None, "http://127.0.0.1:1", test_credentials());
    assert_eq!(
        asked(&connection).await,
        "permanent: cannot list the tables: no region is set; set AWS_REGION, or AWS_PROFILE to a profile that \
         has a region"
    );
}

#[tokio::test]
async fn no_credentials_are_found() {
    // The chain's error when none of its providers has credentials.
    let none = provide_credentials_fn(async || Err(CredentialsError::not_loaded("no providers in chain")));
    let empty = SharedCredentialsProvider::new(none);
    let connection = connection(Some("us-east-1"), "http://127.0.0.1:1", empty);
    assert_eq!(
        asked(&connection).await,
        "permanent: cannot list the tables: no usable AWS credentials were found; `squall dev` writes those \
         of its run to .dev/env, other emulators take any: AWS_ACCESS_KEY_ID=test and AWS_SECRET_ACCESS_KEY=test"
    );
}
