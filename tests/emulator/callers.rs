//! Who is answered by the emulator and by the functions' host: only who has the keys of the run, and no page in a browser. Everybody
//! on the machine can connect to them.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use expect_test::expect;

use super::{Emulator, another, keys};
use crate::deployed::Dev;

mod browser;

const CREATE: &str = r#"{"FunctionName":"evil","Runtime":"python3.11","Role":"arn:aws:iam::000000000000:role/x","Handler":"x.y","Code":{"ZipFile":"UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA=="}}"#;
const FUNCTIONS: &str = "/2015-03-31/functions";

/// A signature with an access key for a service, as far as it is looked at.
fn signed_with(access_key: &str, service: &str) -> String {
    let credential = format!("{access_key}/20261130/us-east-1/{service}/aws4_request");
    format!("Authorization: AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=00")
}

/// Sends a request with these header lines only, and returns the status, and the reply's head and body.
fn send(address: &str, request: &str, headers: &[&str], body: &str) -> (u16, String, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    // A Runtime API that answers keeps its caller waiting for an invocation.
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let lines: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
    let length = body.len();
    write!(
        stream,
        "{request} HTTP/1.1\r\n{lines}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
    .unwrap();
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).unwrap();
    let reply = String::from_utf8_lossy(&reply).into_owned();
    let (head, body) = reply.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), head.to_ascii_lowercase(), body.to_owned())
}

/// The ports on which a process listens; empty where the system does not say.
fn ports_of(pid: u32) -> Vec<u16> {
    let Ok(open) = std::fs::read_dir(format!("/proc/{pid}/fd")) else { return Vec::new() };
    let links = open.filter_map(|it| std::fs::read_link(it.ok()?.path()).ok());
    let sockets: BTreeSet<String> = links
        .filter_map(|it| Some(it.to_str()?.strip_prefix("socket:[")?.trim_end_matches(']').to_owned()))
        .collect();
    let all = std::fs::read_to_string(format!("/proc/{pid}/net/tcp")).unwrap();
    let listening = all.lines().filter_map(|line| {
        let fields: Vec<_> = line.split_whitespace().collect();
        let is_its_own = fields[3] == "0A" && sockets.contains(fields[9]);
        is_its_own.then(|| u16::from_str_radix(fields[1].split_once(':').unwrap().1, 16).unwrap())
    });
    listening.collect()
}

/// Asks every port of an emulator for an invocation, as another user of the machine may: there is none for them, from any
/// function that runs.
pub(crate) fn nobody_is_handed_an_invocation(emulator: &Emulator) {
    let ports = ports_of(emulator.process.id());
    assert!(ports.len() > 1 || !cfg!(target_os = "linux"), "no function runs: {ports:?}");
    for port in ports {
        let address = format!("127.0.0.1:{port}");
        let next = "GET /2018-06-01/runtime/invocation/next";
        let (status, _, body) = send(&address, next, &[&format!("Host: {address}")], "");
        assert!(matches!(status, 403 | 404), "{address}: {status} {body}");
    }
}

/// The names of the functions that the emulator has.
fn functions_in(address: &str) -> String {
    let host = format!("Host: {address}");
    let (status, _, body) =
        send(address, &format!("GET {FUNCTIONS}"), &[&host, &signed_with(&keys().id, "lambda")], "");
    assert_eq!(status, 200, "{body}");
    body
}

#[test]
fn the_emulator_answers_only_signed_requests_of_programs() {
    let Some(emulator) = another() else { return };
    let address = emulator.url().strip_prefix("http://").unwrap();
    let port = address.split_once(':').unwrap().1;
    let (host, ours) = (format!("Host: {address}"), signed_with(&keys().id, "lambda"));
    let (named, elsewhere) =
        (format!("Host: LocalHost:{port}"), format!("Host: 127.0.0.1.evil.example:{port}"));
    let (theirs, digits) = (signed_with("test", "lambda"), signed_with("000000000000", "lambda"));
    let near = signed_with(&keys().id[..keys().id.len() - 1], "lambda");
    let code = signed_with(&keys().id, "codebuild");
    let (create, list) = (format!("POST {FUNCTIONS}"), format!("GET {FUNCTIONS}"));
    let presigned = |key: &str| {
        format!(
            "{list}?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={key}%2F20261130%2Fus-east-1%2Flambda%2Faws4_request&X-Amz-Signature=00"
        )
    };
    let (wrong, right) = (presigned("AKIAIOSFODNN7EXAMPLE"), presigned(&keys().id));
    let text = "Content-Type: text/plain";
    let cases: [(&str, &str, &[&str]); 30] = [
        ("ours", &list, &[&host, &ours]),
        ("by name", &list, &[&named, &ours]),
        ("presigned", &right, &[&host]),
        ("a page creates a function", &create, &[&host, text, "Origin: https://evil.example"]),
        ("a page with the key", &create, &[&host, text, "Origin: https://evil.example", &ours]),
        ("a page without origin", &create, &[&host, text, "Origin: null", &ours]),
        ("a page of the emulator", &create, &[&host, text, &format!("Origin: http://{address}"), &ours]),
        ("a link", &list, &[&host, "Sec-Fetch-Site: none", &ours]),
        ("an image", &list, &[&host, "sec-fetch-mode: no-cors", &ours]),
        ("a preflight", &format!("OPTIONS {FUNCTIONS}"), &[&host, "Origin: https://evil.example"]),
        ("a preflight without origin", &format!("OPTIONS {FUNCTIONS}"), &[&host]),
        ("another host", &create, &["Host: evil.example", text, &ours]),
        ("a host that begins alike", &create, &[&elsewhere, &ours]),
        ("another port", &create, &["Host: 127.0.0.1:1", &ours]),
        ("no port", &create, &["Host: localhost", &ours]),
        ("two hosts", &create, &[&host, &host, &ours]),
        ("unsigned", &create, &[&host]),
        ("unsigned, from a form", &create, &[&host, "Content-Type: application/x-www-form-urlencoded"]),
        ("another key", &create, &[&host, &theirs]),
        ("an account for a key", &create, &[&host, &digits]),
        ("most of the key", &create, &[&host, &near]),
        ("another scheme", &create, &[&host, &format!("Authorization: AWS {}:00", keys().id)]),
        ("two signatures", &create, &[&host, &theirs, &ours]),
        ("two credentials", &create, &[&host, &format!("{theirs}, {}", &ours["Authorization: ".len()..])]),
        ("presigned by another", &wrong, &[&host]),
        ("presigned by both", &wrong, &[&host, &ours]),
        ("the old way", &format!("{list}?AWSAccessKeyId={}", keys().id), &[&host]),
        (
            "a service that no run needs",
            "POST /",
            &[&host, &code, "X-Amz-Target: CodeBuild_20161006.CreateProject"],
        ),
        ("the same in disguise", "POST /", &[&host, &ours, "X-Amz-Target: CodeBuild_20161006.ListProjects"]),
        ("its own pages", "GET /_ministack/health", &[&host, &ours]),
    ];
    let mut table = String::new();
    for (case, request, headers) in cases {
        let body = if request.starts_with("POST") { CREATE } else { "" };
        let (status, head, body) = send(address, request, headers, body);
        assert!(!head.contains("access-control-"), "{case}: {head}");
        let why = if status == 403 { body.trim_end() } else { "" };
        table.push_str(format!("{case}: {status} {why}").trim_end());
        table.push('\n');
    }
    expect![[r#"
        ours: 200
        by name: 200
        presigned: 200
        a page creates a function: 403 refused: it comes from a browser
        a page with the key: 403 refused: it comes from a browser
        a page without origin: 403 refused: it comes from a browser
        a page of the emulator: 403 refused: it comes from a browser
        a link: 403 refused: it comes from a browser
        an image: 403 refused: it comes from a browser
        a preflight: 403 refused: it comes from a browser
        a preflight without origin: 403 refused: it is not signed
        another host: 403 refused: the Host is not this emulator's
        a host that begins alike: 403 refused: the Host is not this emulator's
        another port: 403 refused: the Host is not this emulator's
        no port: 403 refused: the Host is not this emulator's
        two hosts: 400
        unsigned: 403 refused: it is not signed
        unsigned, from a form: 403 refused: it is not signed
        another key: 403 refused: it is not signed with the access key of this run
        an account for a key: 403 refused: it is not signed with the access key of this run
        most of the key: 403 refused: it is not signed with the access key of this run
        another scheme: 403 refused: it is not signed with the access key of this run
        two signatures: 403 refused: it is not signed with the access key of this run
        two credentials: 403 refused: it is not signed with the access key of this run
        presigned by another: 403 refused: it is not signed with the access key of this run
        presigned by both: 403 refused: it is not signed with the access key of this run
        the old way: 403 refused: it is not signed with the access key of this run
        a service that no run needs: 403 refused: 'codebuild' is not among the services of this run
        the same in disguise: 400
        its own pages: 403 refused: it is about the emulator itself
    "#]]
    .assert_eq(&table);
    assert_eq!(functions_in(address), r#"{"Functions": []}"#);
}

#[test]
fn a_run_answers_to_keys_of_its_own_and_leaves_the_environment_behind() {
    use std::os::unix::fs::PermissionsExt;

    let Some(dev) = Dev::start("keys", &["--port", "0"]) else { return };
    let key = dev.var("AWS_ACCESS_KEY_ID");
    assert_ne!(key, keys().id);
    assert_eq!(key.len(), "squall".len() + 32);
    let address = dev.var("AWS_ENDPOINT_URL").strip_prefix("http://").unwrap();
    let host = format!("Host: {address}");
    let asks = |key: &str, service: &str| send(address, "GET /", &[&host, &signed_with(key, service)], "").0;
    assert_eq!([asks(key, "s3"), asks(&keys().id, "s3"), asks("test", "s3")], [200, 403, 403]);
    // Neither functions that run code, nor instances.
    assert_eq!([asks(key, "lambda"), asks(key, "ec2"), asks(key, "cloudformation")], [403; 3]);
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&dev.folder), 0o700);
    for name in ["env", "functions.env", "functions.log", "emulator.log", "pump.toml", "lock"] {
        assert_eq!(mode(&dev.folder.join(name)), 0o600, "{name}");
    }
    // What started it has this variable.
    let said = |pid: &str, what: &str| {
        String::from_utf8_lossy(&std::fs::read(format!("/proc/{pid}/{what}")).unwrap_or_default())
            .into_owned()
    };
    let me = dev.pid().to_string();
    if cfg!(target_os = "linux") {
        assert!(said(&me, "environ").contains("SQUALL_ENDPOINT_KEYS="));
        let all =
            std::fs::read_dir("/proc").unwrap().filter_map(|it| it.ok()?.file_name().into_string().ok());
        let children: Vec<_> = all
            .filter(|pid| said(pid, "status").lines().any(|line| line == format!("PPid:\t{me}")))
            .collect();
        assert!(!children.is_empty());
        for child in children {
            assert!(
                !said(&child, "environ").contains("SQUALL_ENDPOINT_KEYS="),
                "{}",
                said(&child, "cmdline")
            );
            assert!(!said(&child, "cmdline").contains(key), "{}", said(&child, "cmdline"));
        }
    }
}
