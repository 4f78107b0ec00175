//! A request as a rule sees it.

use bytes::Bytes;
use hyper::header::{AUTHORIZATION, USER_AGENT};
use hyper::http::request::Parts;

/// A request on its way.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// The service that it was signed for and its operation, such as `kinesis:PutRecords`, `s3:PutObject`,
    /// `sns:Publish` or `lambda:Invoke`; for an unsigned request its method, such as `:GET`.
    pub(crate) action: String,
    /// Its body.
    pub(crate) body: Bytes,
    pub(super) head: Parts,
}

impl Request {
    pub(super) fn new(head: Parts, body: Bytes) -> Self {
        let header = |name| head.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        // Credential=KEY/DATE/REGION/SERVICE/aws4_request
        let signed =
            header(AUTHORIZATION.as_str()).split([',', ' ']).find_map(|it| it.strip_prefix("Credential="));
        let service = signed.and_then(|scope| scope.split('/').nth_back(1)).unwrap_or_default();
        let operation = match (service, header("x-amz-target").split_once('.')) {
            (_, Some((_, operation))) => operation.to_owned(),
            ("s3", None) => object_operation(&head),
            ("lambda", None) if head.uri.path().ends_with("/invocations") => "Invoke".to_owned(),
            _ => form_operation(&body).unwrap_or_else(|| head.method.to_string()),
        };
        Self { action: format!("{service}:{operation}"), body, head }
    }

    /// The program that sent it, if it names itself in its user agent.
    pub(crate) fn program(&self) -> Option<&str> {
        let agents = self.head.headers.get_all("x-amz-user-agent").iter();
        let agents = agents.chain(self.head.headers.get_all(USER_AGENT));
        agents
            .filter_map(|it| it.to_str().ok())
            .flat_map(|it| it.split(' '))
            .find_map(|it| it.strip_prefix("app/"))
    }

    /// The path, such as `/2015-03-31/functions/cascade-worker-0/invocations`.
    pub(crate) fn path(&self) -> &str {
        self.head.uri.path()
    }

    /// Number of records in a `PutRecords`; 0 for any other request.
    pub(crate) fn n_records(&self) -> usize {
        if self.action == "kinesis:PutRecords" { super::records::number(&self.body) } else { 0 }
    }
}

/// `PutObject` for `PUT /bucket/key`; the method itself for a request to a bucket.
fn object_operation(head: &Parts) -> String {
    let has_key =
        head.uri.path().trim_start_matches('/').split_once('/').is_some_and(|(_, key)| !key.is_empty());
    let method = head.method.as_str();
    let asks = |name: &str| {
        let query = head.uri.query().unwrap_or_default();
        query.split('&').any(|pair| pair.split('=').next() == Some(name))
    };
    match method {
        "GET" if !has_key && asks("list-type") => "ListObjectsV2".to_owned(),
        _ if !has_key => method.to_owned(),
        "POST" if asks("uploads") => "CreateMultipartUpload".to_owned(),
        "POST" if asks("uploadId") => "CompleteMultipartUpload".to_owned(),
        "PUT" if asks("partNumber") => "UploadPart".to_owned(),
        "DELETE" if asks("uploadId") => "AbortMultipartUpload".to_owned(),
        _ => format!("{}{}Object", &method[..1], method[1..].to_lowercase()),
    }
}

/// The action of the query protocol.
fn form_operation(body: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(body).ok()?;
    text.split('&').find_map(|pair| pair.strip_prefix("Action=")).map(str::to_owned)
}

#[cfg(test)]
mod tests;
