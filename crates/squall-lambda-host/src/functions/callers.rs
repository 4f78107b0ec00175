//! Who is answered by the Invoke API: only who signs with the access key of this run, and never a page in a browser.

use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderName, ORIGIN};
use hyper::http::request::Parts;

/// The types of content that programs send.
const CONTENT: [&str; 4] = [
    "application/json",
    "application/octet-stream",
    "application/x-amz-json-1.0",
    "application/x-amz-json-1.1",
];

/// The callers that are answered.
pub(super) struct Callers {
    hosts: [String; 2],
    access_key: String,
}

impl Callers {
    /// Those on this machine who connect to this port by its own name.
    pub(super) fn new(port: u16, access_key: String) -> Self {
        Self { hosts: [format!("127.0.0.1:{port}"), format!("localhost:{port}")], access_key }
    }

    /// Why a request is not answered; `None` if it is.
    pub(super) fn refusal(&self, head: &Parts) -> Option<&'static str> {
        let all = |name: &HeaderName| {
            let values = head.headers.get_all(name).into_iter();
            values.map(|value| value.to_str().unwrap_or_default()).collect::<Vec<_>>()
        };
        let is_ours = |host: &str| self.hosts.iter().any(|ours| ours.eq_ignore_ascii_case(host));
        // The request line may name a host, too.
        let named = head.uri.authority().map(|authority| authority.as_str());
        if !matches!(all(&HOST).as_slice(), [host] if is_ours(host)) || !named.is_none_or(is_ours) {
            return Some("the Host is not this one");
        }
        let from_a_page = |name: &HeaderName| *name == ORIGIN || name.as_str().starts_with("sec-fetch-");
        if head.headers.keys().any(from_a_page) {
            return Some("it comes from a browser");
        }
        match all(&AUTHORIZATION).as_slice() {
            [] => return Some("it is not signed"),
            [signature] if access_key(signature).is_some_and(|key| is_same(key, &self.access_key)) => {}
            _ => return Some("it is not signed with the access key of this run"),
        }
        let is_a_programs = |content: &&str| {
            let kind = content.split(';').next().unwrap_or_default().trim();
            CONTENT.iter().any(|known| known.eq_ignore_ascii_case(kind))
        };
        match all(&CONTENT_TYPE).as_slice() {
            [] => None,
            [content] if is_a_programs(content) => None,
            _ => Some("its content is neither JSON nor application/octet-stream"),
        }
    }
}

/// The access key of a signature, version 4, for Lambda:
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-signing-elements.html>.
fn access_key(authorization: &str) -> Option<&str> {
    let fields = authorization.strip_prefix("AWS4-HMAC-SHA256")?.trim_start();
    let (credential, _) = fields.strip_prefix("Credential=")?.split_once(',')?;
    match credential.trim_end().split('/').collect::<Vec<_>>().as_slice() {
        [key, _, _, "lambda", "aws4_request"] => Some(key),
        _ => None,
    }
}

/// Compares in a time that does not depend on where they differ.
fn is_same(given: &str, expected: &str) -> bool {
    let differ = given.bytes().zip(expected.bytes()).fold(0, |differ, (one, other)| differ | (one ^ other));
    given.len() == expected.len() && differ == 0
}
