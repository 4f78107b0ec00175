//! A page of another origin, in a real browser: it can send what it likes, and reads, makes and starts nothing.
//!
//! The page comes from this machine too, so the browser itself has nothing against its requests to this machine. What it tries, it
//! tries on a server of the test as well, which shows that the requests leave the browser.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::spawn;
use std::time::Duration;

use serde_json::{Value, json};

use super::{CREATE, FUNCTIONS, functions_in, send, signed_with};
use crate::binaries::root;
use crate::deployed::Dev;
use crate::emulator::{another, keys, skipped};

/// Far longer than a browser takes to start on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// What the page tries on each server, and how it finds out what it may read. `TARGETS` is put in: name, address, path, body.
const PAGE: &str = r#"<!doctype html><meta charset="utf-8"><body><script>
const targets = TARGETS;
const within = (what, promise) => Promise.race([
  promise.then(it => what + ": " + it, error => what + ": refused"),
  new Promise(done => setTimeout(() => done(what + ": nothing"), 3000)),
]);
const made = (tag, fields, at) => { const it = Object.assign(document.createElement(tag), fields); (at || document.body).append(it); return it; };
const loaded = (tag, src) => new Promise((good, bad) => made(tag, { onload: () => good("read"), onerror: bad, src }));
const attempts = ({ base, path, body }) => [
  within("fetch", fetch(base + path + "?by=fetch", { method: "POST", body }).then(it => it.text()).then(() => "read")),
  within("fetch no-cors", fetch(base + path + "?by=no-cors", { method: "POST", mode: "no-cors", body }).then(it => it.type)),
  within("fetch signed", fetch(base + path + "?by=signed", { method: "POST", headers: { Authorization: "AWS4-HMAC-SHA256 x" }, body }).then(() => "read")),
  within("XHR", new Promise((good, bad) => {
    const xhr = new XMLHttpRequest(); xhr.open("POST", base + path + "?by=xhr"); xhr.onload = () => good("read"); xhr.onerror = bad; xhr.send(body);
  })),
  within("form", new Promise((good, bad) => {
    const name = "frame" + Math.random(), frame = made("iframe", { name });
    const form = made("form", { method: "POST", action: base + path + "?by=form", enctype: "text/plain", target: name });
    made("input", { name: body.slice(0, -1) + ',"x":"', value: '"}' }, form); form.submit();
    let n = 0; frame.onload = () => { try { if (frame.contentDocument.body.innerText) good("read"); } catch { bad(); } if (!frame.contentDocument) bad(); };
  })),
  within("script", loaded("script", base + path + "?by=script")),
  within("image", loaded("img", base + "/?Action=CreateTopic&Version=2010-03-31&Name=evil&by=img")),
  within("WebSocket", new Promise((good, bad) => { const it = new WebSocket(base.replace("http", "ws") + path + "?by=ws"); it.onopen = () => good("read"); it.onerror = bad; })),
  within("beacon", Promise.resolve(navigator.sendBeacon(base + path + "?by=beacon", body) ? "sent" : "not sent")),
];
(async () => {
  const report = {};
  for (const target of targets) report[target.name] = await Promise.all(attempts(target));
  await new Promise(done => setTimeout(done, 500));
  await fetch("/report", { method: "POST", body: JSON.stringify(report) });
})();
</script></body>"#;

/// Chromium, if this machine has it.
#[expect(clippy::disallowed_methods, reason = "where it is depends on the machine")]
fn chromium() -> Option<PathBuf> {
    if let Ok(named) = std::env::var("SQUALL_CHROMIUM") {
        return Some(PathBuf::from(named));
    }
    let path = std::env::var_os("PATH")?;
    let all = std::env::split_paths(&path).flat_map(|folder| NAMES.map(|name| folder.join(name)));
    let found = all.into_iter().find(|path| path.is_file());
    if found.is_none() {
        skipped("in a browser; SQUALL_CHROMIUM names Chromium where it is not on the PATH");
    }
    found
}

/// A browser on a page; it ends when this is dropped.
struct Browser(Child);

impl Browser {
    fn open(program: &PathBuf, url: &str) -> Self {
        let profile = root().join("target/tests/browser");
        let _ = std::fs::remove_dir_all(&profile);
        std::fs::create_dir_all(&profile).unwrap();
        let args = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking \
                    --disable-component-update --disable-sync --disable-dev-shm-usage";
        let child = Command::new(program)
            .args(args.split_whitespace())
            .args(["--remote-debugging-port=0", &format!("--user-data-dir={}", profile.display()), url])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Self(child.unwrap_or_else(|error| panic!("{} does not start: {error}", program.display())))
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Serves the page, takes its report, and lets it read and send everything else; the address, and what arrives: a line and a body.
fn serve(page: String) -> (String, Receiver<(String, String)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (arrive, arrived) = channel();
    spawn(move || {
        for stream in listener.incoming().flatten() {
            let (arrive, page) = (arrive.clone(), page.clone());
            spawn(move || answer(&stream, &arrive, &page));
        }
    });
    (address, arrived)
}

/// A connection that the browser opens in advance and never uses ends without a line.
fn answer(stream: &TcpStream, arrive: &Sender<(String, String)>, page: &str) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let Some((name, value)) = header.trim().split_once(':') else { break };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let line = line.strip_suffix(" HTTP/1.1\r\n")?.to_owned();
    let (kind, content) =
        if line == "GET /page" { ("text/html", page) } else { ("text/javascript", "'read by anybody'") };
    let allowed = "Access-Control-Allow-Origin: *\r\nAccess-Control-Allow-Headers: authorization";
    let n = content.len();
    write!(
        &mut &*stream,
        "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {n}\r\n{allowed}\r\nConnection: close\r\n\r\n{content}"
    )
    .ok()?;
    arrive.send((line, String::from_utf8_lossy(&body).into_owned())).ok()
}

#[test]
fn a_page_of_another_origin_reads_nothing_and_starts_nothing() {
    let Some(program) = chromium() else { return };
    let Some(data) = another() else { return };
    let Some(dev) = Dev::start("browser", &["--port", "0", "--endpoint", data.url()]) else { return };
    let (control, sent) = serve(String::new());
    let splitter = format!("{FUNCTIONS}/task-splitter/invocations");
    let job = std::fs::read_to_string(root().join("events/task-splitter/sns-job.json")).unwrap();
    let host = dev.var("AWS_ENDPOINT_URL_LAMBDA");
    let targets = json!([
        {"name": "control", "base": format!("http://{control}"), "path": "/anything", "body": "{}"},
        {"name": "emulator", "base": data.url(), "path": FUNCTIONS, "body": CREATE},
        {"name": "functions", "base": host, "path": splitter, "body": job},
    ]);
    let (own, arrived) = serve(PAGE.replace("TARGETS", &targets.to_string()));
    let browser = Browser::open(&program, &format!("http://{own}/page"));
    let report = loop {
        let (line, body) = arrived.recv_timeout(PATIENCE).expect("the page does not report");
        if line == "POST /report" {
            break serde_json::from_str::<Value>(&body).unwrap();
        }
    };
    drop(browser);
    // What is not guarded is reached and read in each of these ways.
    let ways: BTreeSet<String> =
        sent.try_iter().filter_map(|(line, _)| Some(line.split_once("by=")?.1.to_owned())).collect();
    for way in ["fetch", "no-cors", "signed", "xhr", "form", "script", "img", "ws", "beacon"] {
        assert!(ways.contains(way), "the page does not send {way}: {ways:?}");
    }
    let said = |target: &str, what: &str| {
        let all = report[target].as_array().unwrap();
        let said = all.iter().find_map(|it| it.as_str().unwrap().strip_prefix(&format!("{what}: ")));
        said.unwrap_or_else(|| panic!("{target}: no {what} in {report}")).to_owned()
    };
    for what in ["fetch", "fetch signed", "XHR", "script"] {
        assert_eq!(said("control", what), "read", "{report}");
    }
    for target in ["emulator", "functions"] {
        for what in ["fetch", "fetch signed", "XHR", "script", "image", "WebSocket"] {
            assert_eq!(said(target, what), "refused", "{target}: {what}: {report}");
        }
        assert_eq!(said(target, "fetch no-cors"), "opaque", "{report}");
        assert_ne!(said(target, "form"), "read", "{report}");
    }
    let address = data.url().strip_prefix("http://").unwrap();
    assert_eq!(functions_in(address), r#"{"Functions": []}"#);
    let (host, signature) = (format!("Host: {address}"), signed_with(&keys().id, "sns"));
    let list = "GET /?Action=ListTopics&Version=2010-03-31";
    let (status, _, topics) = send(address, list, &[&host, &signature], "");
    assert!(status == 200 && topics.contains("squall-jobs") && !topics.contains("evil"), "{topics}");
    assert_eq!(dev.billed(""), (0, 0));
    assert_eq!(String::from_utf8(dev.squall(&["jobs", "--json"]).stdout).unwrap().trim(), "[]");
}
