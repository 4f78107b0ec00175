use super::*;

fn settings() -> Settings {
    Settings {
        region: Some("eu-west-1".to_owned()),
        profile: None,
        endpoint_url: Some("http://127.0.0.1:1".to_owned()),
    }
}

#[tokio::test]
async fn what_the_operator_says_is_used() {
    let connection = Connection::new(settings());
    assert_eq!(connection.loaded().map(|_| ()), None, "nothing is loaded before the first call");
    assert_eq!(connection.region().await.as_deref(), Some("eu-west-1"));
    let config = connection.loaded().unwrap();
    assert_eq!(config.endpoint_url(), Some("http://127.0.0.1:1"));
    assert_eq!(config.retry_config().unwrap().max_attempts(), 3, "the SDK's standard retries");
    let timeouts = config.timeout_config().unwrap();
    assert_eq!(timeouts.connect_timeout(), Some(CONNECT_TIMEOUT));
    assert_eq!(timeouts.read_timeout(), Some(READ_TIMEOUT));
    assert_eq!(timeouts.operation_timeout(), None, "a call with its retries takes as long as they take");
}

#[tokio::test]
async fn clones_load_once() {
    let connection = Connection::new(settings());
    let clone = connection.clone();
    assert!(std::ptr::eq(connection.config().await, clone.config().await));
}

#[tokio::test]
async fn a_client_is_made_at_the_first_call_and_once() {
    let connection = Connection::new(settings());
    let client = Client::new(&connection, |config| config.region().map(ToString::to_string));
    assert!(connection.loaded().is_none());
    let first = client.get().await;
    assert_eq!(first.as_deref(), Some("eu-west-1"));
    assert!(std::ptr::eq(first, client.get().await));
}
