//! Shared by the parts that need a server or credentials: this binary as another process, a small HTTP server, and the
//! cost of a process so far.

use std::io::{BufRead, BufReader, Read};
use std::net::{Ipv4Addr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::rc::Rc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::{LocalSet, spawn_local};

/// This binary again, in another role, with credentials that sign but give no access.
pub(crate) fn myself(role: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this binary has a path"));
    command.arg(role).env("AWS_ACCESS_KEY_ID", "test").env("AWS_SECRET_ACCESS_KEY", "test");
    command
}

/// A server in its own process, killed when this is dropped.
pub(crate) struct Server {
    process: Child,
    /// Its address, `HOST:PORT`.
    pub(crate) address: String,
}

impl Server {
    /// Starts this binary in the role of a server, which reports its address.
    pub(crate) fn start(role: &str, args: &[&str]) -> Self {
        let mut command = myself(role);
        command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().expect("a server starts");
        let mut address = String::new();
        let said = process.stdout.take().expect("its output is ours");
        BufReader::new(said).read_line(&mut address).expect("a server says where it is");
        Self { process, address: address.trim().to_owned() }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A server's process: prints its address, and ends with its parent.
pub(crate) fn be_a_server(answer: impl Fn(&str, &[u8]) -> Option<Answer> + 'static) {
    ends_with_its_parent();
    let listener = listener();
    println!("{}", listener.local_addr().expect("a listener has an address"));
    serve(listener, answer);
}

/// Ends this process when its parent does.
pub(crate) fn ends_with_its_parent() {
    std::thread::spawn(|| {
        let _ = std::io::stdin().read(&mut [0]);
        std::process::exit(0);
    });
}

pub(crate) fn listener() -> TcpListener {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free")
}

/// The answer to a request.
pub(crate) struct Answer {
    /// Header lines, each with its line ending.
    pub(crate) headers: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn new(body: impl Into<Vec<u8>>) -> Self {
        Self { headers: String::new(), body: body.into() }
    }
}

/// Answers every request on one thread, forever. `answer` receives the head and the body; if it has no answer, the
/// request waits.
pub(crate) fn serve(listener: TcpListener, answer: impl Fn(&str, &[u8]) -> Option<Answer> + 'static) {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts");
    let answer = Rc::new(answer);
    LocalSet::new().block_on(&runtime, async {
        listener.set_nonblocking(true).expect("a listener need not wait");
        let listener = tokio::net::TcpListener::from_std(listener).expect("a listener is a listener");
        while let Ok((stream, _)) = listener.accept().await {
            let answer = Rc::clone(&answer);
            spawn_local(async move {
                // A broken connection is the other end's problem.
                let _ = connection(stream, &*answer).await;
            });
        }
    });
}

async fn connection(
    mut stream: TcpStream,
    answer: &impl Fn(&str, &[u8]) -> Option<Answer>,
) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut read = Vec::with_capacity(1 << 16);
    loop {
        let Some((head_len, len)) = whole(&read) else {
            read.reserve(1 << 14);
            if stream.read_buf(&mut read).await? == 0 {
                return Ok(());
            }
            continue;
        };
        let head = std::str::from_utf8(&read[..head_len]).unwrap_or_default();
        let Some(Answer { headers, body }) = answer(head, &read[head_len..len]) else {
            return std::future::pending().await;
        };
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n{headers}\r\n", body.len());
        stream.write_all(&[head.as_bytes(), &body].concat()).await?;
        read.drain(..len);
    }
}

/// The lengths of a message's head and of the whole message, once all of it has arrived.
pub(crate) fn whole(read: &[u8]) -> Option<(usize, usize)> {
    const END: &[u8] = b"\r\n\r\n";
    let head_len = read.windows(END.len()).position(|window| window == END)? + END.len();
    let head = std::str::from_utf8(&read[..head_len]).unwrap_or_default();
    let body_len = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    let len = head_len + body_len.unwrap_or(0);
    (read.len() >= len).then_some((head_len, len))
}

/// Processor time of the threads that a process has, nanoseconds
/// (<https://docs.kernel.org/scheduler/sched-stats.html>): ticks are too coarse for a start of a millisecond.
pub(crate) fn cpu_ns(pid: u32) -> u64 {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).expect("the process is there");
    let of_thread = |path: std::path::PathBuf| {
        let said = std::fs::read_to_string(path.join("schedstat")).ok()?;
        said.split_whitespace().next()?.parse::<u64>().ok()
    };
    threads.filter_map(|thread| of_thread(thread.ok()?.path())).sum()
}
