//! A local server that records the service and operation of each request. It returns the minimum that an adapter needs to go
//! on, and refuses the rest.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::{mem, thread};

use squall_aws::{Connection, Settings};

/// The server, and the operations recorded since the last [`Recorder::take`].
pub(crate) struct Recorder {
    endpoint: String,
    noted: Arc<Mutex<Vec<String>>>,
}

impl Recorder {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let noted: Arc<Mutex<Vec<String>>> = Arc::default();
        let notes = Arc::clone(&noted);
        // It listens until the test process ends.
        thread::spawn(move || {
            for stream in listener.incoming() {
                let notes = Arc::clone(&notes);
                thread::spawn(move || serve(stream.unwrap(), &notes));
            }
        });
        Self { endpoint, noted }
    }

    /// A connection to the server.
    pub(crate) fn connection(&self) -> Connection {
        let region = Some("eu-west-1".to_owned());
        let settings = Settings { region, profile: None, endpoint_url: Some(self.endpoint.clone()) };
        Connection::with_keys(settings, "recorder", "recorder")
    }

    /// The operations since the last time, such as `s3:GetObject`, in the order of the requests.
    pub(crate) fn take(&self) -> Vec<String> {
        mem::take(&mut self.noted.lock().unwrap())
    }
}

#[derive(Default)]
struct Request {
    method: String,
    target: String,
    /// The service that the signature is for.
    service: String,
    /// `x-amz-target`: the operation, where the protocol is JSON.
    json_target: String,
    body: Vec<u8>,
}

/// Answers one request, and closes the connection.
fn serve(stream: TcpStream, notes: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(&stream);
    // A connection may be opened and not used.
    let Some(request) = read(&mut reader) else { return };
    let operation = operation(&request);
    let (status, header, body) = answer(&operation, &request);
    notes.lock().unwrap().push(operation);
    let body = if request.method == "HEAD" { String::new() } else { body };
    let length = body.len();
    let head =
        format!("HTTP/1.1 {status} -\r\n{header}Content-Length: {length}\r\nConnection: close\r\n\r\n");
    // The client may have closed the connection.
    drop((&stream).write_all((head + &body).as_bytes()));
}

fn read(reader: &mut impl BufRead) -> Option<Request> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let mut request = Request { method: words.next()?, target: words.next()?, ..Request::default() };
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        let value = value.trim();
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().unwrap(),
            "x-amz-target" => value.clone_into(&mut request.json_target),
            // `AWS4-HMAC-SHA256 Credential=KEY/20261130/eu-west-1/s3/aws4_request, …`
            "authorization" => {
                value.split('/').nth(3).unwrap_or_default().clone_into(&mut request.service);
            }
            "transfer-encoding" => panic!("a body of unknown length: {line}"),
            _ => {}
        }
    }
    request.body = vec![0; length];
    reader.read_exact(&mut request.body).ok()?;
    Some(request)
}

/// The service and the operation, from any of the services' protocols. An unknown request is named by its method and target,
/// which the table never lists.
fn operation(request: &Request) -> String {
    let Request { method, target, json_target, body, .. } = request;
    let service = match request.service.as_str() {
        "monitoring" => "cloudwatch",
        other => other,
    };
    let form = body.strip_prefix(b"Action=").map(|rest| rest.split(|byte| *byte == b'&').next().unwrap());
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let has = |name: &str| query.split('&').any(|it| it == name || it.starts_with(&format!("{name}=")));
    let named = query.split('&').find_map(|it| it.strip_prefix("x-id="));
    let name = if let Some((_, name)) = json_target.split_once('.') {
        name.to_owned()
    } else if let Some((_, name)) = path.split_once("/operation/") {
        name.to_owned()
    } else if let Some(name) = form {
        String::from_utf8_lossy(name).into_owned()
    } else {
        match (service, method.as_str()) {
            ("lambda", "POST") if path.ends_with("/invocations") => "Invoke".to_owned(),
            ("s3", _) if named.is_some() => named.unwrap().to_owned(),
            ("s3", "HEAD") => "HeadObject".to_owned(),
            ("s3", "GET") if has("list-type") => "ListObjectsV2".to_owned(),
            ("s3", "POST") if has("uploads") => "CreateMultipartUpload".to_owned(),
            ("s3", "POST") if has("uploadId") => "CompleteMultipartUpload".to_owned(),
            _ => format!("{method} {target}"),
        }
    };
    format!("{service}:{name}")
}

/// Status, further headers and body.
fn answer(operation: &str, request: &Request) -> (u16, &'static str, String) {
    let (status, header, body) = match operation {
        "dynamodb:GetItem" | "dynamodb:Query" | "dynamodb:Scan" => (200, "", "{}".to_owned()),
        "dynamodb:DescribeTable" => {
            let arn = "arn:aws:dynamodb:eu-west-1:123456789012:table/table";
            (200, "", format!(r#"{{"Table": {{"TableArn": "{arn}"}}}}"#))
        }
        // A failed condition: the adapters then read the current row.
        it if it.starts_with("dynamodb:") => {
            let code = "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException";
            (400, "", format!(r#"{{"__type": "{code}", "message": "the recorder refuses"}}"#))
        }
        "kinesis:ListShards" => {
            let keys = format!(r#"{{"StartingHashKey": "0", "EndingHashKey": "{}"}}"#, u128::MAX);
            let shard = format!(
                r#"{{"ShardId": "shardId-0", "HashKeyRange": {keys}, "SequenceNumberRange": {{"StartingSequenceNumber": "0"}}}}"#
            );
            (200, "", format!(r#"{{"Shards": [{shard}]}}"#))
        }
        "s3:CreateMultipartUpload" => {
            let upload =
                "<InitiateMultipartUploadResult><UploadId>1</UploadId></InitiateMultipartUploadResult>";
            (200, "", upload.to_owned())
        }
        "s3:UploadPart" => (200, "ETag: \"1\"\r\n", String::new()),
        "autoscaling:DescribeAutoScalingGroups" => (200, "", described(&request.body)),
        // With this code the group's adapter describes the group.
        _ => {
            let error = "<Error><Code>ValidationError</Code><Message>the recorder refuses</Message></Error>";
            (400, "", format!("<ErrorResponse>{error}</ErrorResponse>"))
        }
    };
    (status, header, body)
}

/// The requested group, with an instance that is not protected.
fn described(body: &[u8]) -> String {
    let body = String::from_utf8_lossy(body);
    let (_, name) = body.split_once("AutoScalingGroupNames.member.1=").unwrap_or_default();
    let name = name.split('&').next().unwrap_or_default();
    let sizes = "<MinSize>0</MinSize><MaxSize>1</MaxSize><DesiredCapacity>0</DesiredCapacity>";
    let instance = "<InstanceId>i-0a1b2c3d</InstanceId><LifecycleState>InService</LifecycleState>";
    let instances = format!("<Instances><member>{instance}</member></Instances>");
    let group =
        format!("<member><AutoScalingGroupName>{name}</AutoScalingGroupName>{sizes}{instances}</member>");
    let result = format!("<AutoScalingGroups>{group}</AutoScalingGroups>");
    let result = format!("<DescribeAutoScalingGroupsResult>{result}</DescribeAutoScalingGroupsResult>");
    format!("<DescribeAutoScalingGroupsResponse>{result}</DescribeAutoScalingGroupsResponse>")
}
