//! The conversation with one process: a line out, a line back, within limits, without blocking on any of its channels.

use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use squall_core::job::brief;
use squall_workloads::external::contract::Ready;
use squall_workloads::external::workers::{Command, Failed, Fault};

use crate::lines::{Lines, Tail};
use crate::process::Process;
use crate::time::{now, timespec};
use crate::usage;

/// How often the program's process is looked at while it is waited for, and the processes that it started.
const LOOK: Duration = Duration::from_millis(50);
const WIDE_LOOK: Duration = Duration::from_millis(500);
/// How long a program that closed a channel may take to end.
const ENDING: Duration = Duration::from_millis(200);
/// Most bytes that are read at a time.
const CHUNK_BYTES: usize = 64 << 10;

/// Where a program replies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Channel {
    /// It has not replied yet.
    Unknown,
    /// On the descriptor that is meant for it.
    Own,
    /// On standard output.
    Output,
}

/// A process, and what it wrote.
pub(crate) struct Conversation {
    process: Process,
    pub(crate) channel: Channel,
    replies: Lines,
    /// Standard output line by line, while replies may come there.
    output: Lines,
    printed: Tail,
    errors: Tail,
    limits: Limits,
    /// When the process is looked at next, and all of its processes.
    look: Instant,
    wide_look: Instant,
    /// Whether the last line was sent in full.
    is_sent: bool,
}

/// How much a program may use.
#[derive(Debug, Clone, Copy)]
struct Limits {
    memory_bytes: u64,
    output_bytes: usize,
    n_processes: u64,
}

/// Which channels have not ended.
struct Open {
    input: bool,
    replies: bool,
    output: bool,
    errors: bool,
}

fn failed(fault: Fault, reason: impl Into<String>) -> Failed {
    Failed { fault, reason: reason.into() }
}

impl Conversation {
    pub(crate) fn new(process: Process, command: &Command) -> Self {
        let output_bytes = usize::try_from(command.output_mb.saturating_mul(1_000_000)).unwrap_or(usize::MAX);
        Self {
            process,
            channel: Channel::Unknown,
            replies: Lines::default(),
            output: Lines::default(),
            printed: Tail::default(),
            errors: Tail::default(),
            limits: Limits {
                memory_bytes: command.memory_mb.saturating_mul(1_000_000),
                output_bytes,
                n_processes: command.processes.into(),
            },
            look: now() + LOOK,
            wide_look: now() + LOOK,
            is_sent: true,
        }
    }

    pub(crate) fn process(&self) -> &Process {
        &self.process
    }

    pub(crate) fn into_process(self) -> Process {
        self.process
    }

    /// Sends a line, and waits for the program's next.
    ///
    /// # Errors
    /// When there is none within the limits; the reason ends with what the program printed.
    pub(crate) fn exchange(&mut self, line: &[u8], patience: Duration) -> Result<Vec<u8>, Failed> {
        let until = now().checked_add(patience);
        match self.await_line(line, until) {
            Ok(line) => {
                // What it prints from here on is told with the next failure.
                self.printed.forget();
                self.errors.forget();
                Ok(line)
            }
            Err(failed) => Err(self.with_what_it_printed(failed)),
        }
    }

    /// Whether the program has all of the last line, so that another can follow.
    pub(crate) fn is_sent(&self) -> bool {
        self.is_sent
    }

    /// Whether it has written another line, without a request.
    pub(crate) fn has_more(&mut self) -> bool {
        let mut open = Open { input: false, replies: true, output: true, errors: true };
        // What cannot be read is seen at the next request.
        let _ = self.read_all(&mut open);
        self.take_line().is_some()
    }

    /// The failure with the end of what the program printed.
    pub(crate) fn with_what_it_printed(&self, Failed { fault, mut reason }: Failed) -> Failed {
        for (channel, tail) in [("standard error", &self.errors), ("standard output", &self.printed)] {
            let text = tail.text();
            if !text.is_empty() {
                reason += &format!("; on {channel}: {text}");
            }
        }
        Failed { fault, reason }
    }

    fn await_line(&mut self, line: &[u8], until: Option<Instant>) -> Result<Vec<u8>, Failed> {
        let mut pending = line;
        let mut open = Open { input: true, replies: true, output: true, errors: true };
        let started = now();
        self.is_sent = false;
        self.write(&mut pending, &mut open);
        loop {
            let time = now();
            if until.is_some_and(|until| time >= until) {
                let waited = time.duration_since(started).as_secs_f64();
                return Err(failed(Fault::TimedOut, format!("after {waited:.3} s")));
            }
            let wait = until.map_or(LOOK, |until| until.duration_since(time).min(LOOK));
            self.wait(!pending.is_empty() && open.input, &open, wait);
            self.write(&mut pending, &mut open);
            self.is_sent = pending.is_empty();
            self.read_all(&mut open)?;
            if let Some(line) = self.take_line() {
                // Requests that are answered at once are looked at as often.
                self.look_widely()?;
                return Ok(line);
            }
            let can_reply = match self.channel {
                Channel::Unknown => open.replies || open.output,
                Channel::Own => open.replies,
                Channel::Output => open.output,
            };
            if !can_reply || !open.input {
                return Err(self.closed(can_reply));
            }
            if now() >= self.look {
                self.look = now() + LOOK;
                if let Some(ended) = self.process.ended() {
                    // Its children may hold the channels open; what it wrote is there.
                    self.read_all(&mut open)?;
                    return self.take_line().ok_or(ended);
                }
                self.check_memory(usage::of_process(self.process.group()))?;
            }
            self.look_widely()?;
        }
    }

    /// Looks at all of its processes, if it is time.
    fn look_widely(&mut self) -> Result<(), Failed> {
        if now() < self.wide_look {
            return Ok(());
        }
        self.wide_look = now() + WIDE_LOOK;
        let used = usage::of_group(self.process.group(), self.process.token());
        self.check_memory(used.bytes)?;
        let (n, most) = (used.n_processes, self.limits.n_processes);
        if n > most {
            return Err(failed(
                Fault::TooManyProcesses,
                format!("it has {n}; expected at most {most} (processes)"),
            ));
        }
        Ok(())
    }

    fn check_memory(&self, bytes: u64) -> Result<(), Failed> {
        if bytes <= self.limits.memory_bytes {
            return Ok(());
        }
        // More exactly, which takes longer: processes that came of one share memory.
        let bytes = usage::shared_bytes(self.process.group(), self.process.token());
        if bytes <= self.limits.memory_bytes {
            return Ok(());
        }
        let (used, most) = (bytes.div_ceil(1_000_000), self.limits.memory_bytes / 1_000_000);
        Err(failed(
            Fault::TooMuchMemory,
            format!("it uses {used} MB; expected at most {most} MB (memory_mb)"),
        ))
    }

    /// What it means that a channel has ended.
    fn closed(&mut self, can_reply: bool) -> Failed {
        match self.process.ended_within(ENDING) {
            Some(ended) => {
                let mut open = Open { input: false, replies: true, output: true, errors: true };
                // It has ended, so this is all there is.
                let _ = self.read_all(&mut open);
                ended
            }
            None if can_reply => failed(Fault::NotAReply, "it closed its standard input"),
            None => failed(Fault::NotAReply, "it closed the channel of its replies"),
        }
    }

    /// Waits until a channel is ready, at most so long.
    fn wait(&self, writes: bool, open: &Open, wait: Duration) {
        let process = &self.process;
        let input = process.input.as_ref().filter(|_| writes).map(AsFd::as_fd);
        let reads: [(BorrowedFd<'_>, bool); 3] = [
            (process.replies.as_fd(), open.replies),
            (process.output.as_fd(), open.output),
            (process.errors.as_fd(), open.errors),
        ];
        let mut ready: Vec<PollFd<'_>> = input.iter().map(|fd| PollFd::new(fd, PollFlags::OUT)).collect();
        let reads = reads.iter().filter(|(_, is_open)| *is_open);
        ready.extend(reads.map(|(fd, _)| PollFd::new(fd, PollFlags::IN)));
        // A wait that is interrupted is a shorter one.
        let _ = poll(&mut ready, Some(&timespec(wait)));
    }

    fn write(&self, pending: &mut &[u8], open: &mut Open) {
        let Some(input) = &self.process.input else {
            open.input = false;
            return;
        };
        while !pending.is_empty() {
            match rustix::io::write(input, pending) {
                Ok(n) => *pending = pending.get(n..).unwrap_or_default(),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return,
                Err(_) => {
                    open.input = false;
                    return;
                }
            }
        }
    }

    /// Reads what is there.
    fn read_all(&mut self, open: &mut Open) -> Result<(), Failed> {
        let most = self.limits.output_bytes;
        let (replies, output, printed) = (&mut self.replies, &mut self.output, &mut self.printed);
        let channel = self.channel;
        read(self.process.replies.as_fd(), &mut open.replies, |chunk| {
            replies.push(chunk);
            replies.len() <= most
        });
        read(self.process.output.as_fd(), &mut open.output, |chunk| {
            if channel == Channel::Own {
                printed.push(chunk);
            } else {
                output.push(chunk);
            }
            printed.n_bytes <= most && output.len() <= most
        });
        let errors = &mut self.errors;
        read(self.process.errors.as_fd(), &mut open.errors, |chunk| {
            errors.push(chunk);
            errors.n_bytes <= most
        });
        let mb = most / 1_000_000;
        for (channel, n_bytes) in
            [("standard error", self.errors.n_bytes), ("standard output", self.printed.n_bytes)]
        {
            if n_bytes > most {
                let reason = format!("on {channel}; expected at most {mb} MB while it computes (output_mb)");
                return Err(failed(Fault::PrintedTooMuch, reason));
            }
        }
        if self.replies.len() > most || self.output.len() > most {
            return Err(failed(Fault::ReplyTooLong, format!("expected at most {mb} MB (output_mb)")));
        }
        Ok(())
    }

    /// The next line of the channel on which the program replies, or may.
    fn take_line(&mut self) -> Option<Vec<u8>> {
        if self.channel != Channel::Output
            && let Some(line) = self.replies.next()
        {
            let line = line.to_vec();
            if self.channel == Channel::Unknown {
                self.channel = Channel::Own;
                while let Some(printed) = self.output.next() {
                    self.printed.push(printed);
                    self.printed.push(b"\n");
                }
            }
            return Some(line);
        }
        if self.channel == Channel::Own {
            return None;
        }
        while let Some(line) = self.output.next() {
            // A log of JSON lines is no handshake.
            let is_reply = match self.channel {
                Channel::Unknown => serde_json::from_slice::<Ready>(line).is_ok(),
                _ => line.starts_with(b"{"),
            };
            if is_reply {
                let line = line.to_vec();
                self.channel = Channel::Output;
                return Some(line);
            }
            self.printed.push(line);
            self.printed.push(b"\n");
        }
        None
    }
}

/// Reads until there is nothing more for now, the channel ends, or `take` has enough.
fn read(fd: BorrowedFd<'_>, is_open: &mut bool, mut take: impl FnMut(&[u8]) -> bool) {
    if !*is_open {
        return;
    }
    let mut chunk = [0; CHUNK_BYTES];
    loop {
        match rustix::io::read(fd, &mut chunk) {
            Ok(0) => {
                *is_open = false;
                return;
            }
            Ok(n) => {
                if !take(chunk.get(..n).unwrap_or_default()) || n < CHUNK_BYTES {
                    return;
                }
            }
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => return,
            Err(_) => {
                *is_open = false;
                return;
            }
        }
    }
}

/// A line that is no reply, for people.
pub(crate) fn quoted(line: &[u8]) -> String {
    brief(&String::from_utf8_lossy(line))
}
