//! The pool of processes, by worker.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::hash::{BuildHasher, RandomState};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::Pid;
use serde_json::value::RawValue;
use squall_workloads::external::contract::{CONTRACT, Ready, Reply, cancel_line, hello_line, request_line};
use squall_workloads::external::listed;
use squall_workloads::external::workers::{Answered, Command, Failed, Fault, Worker, WorkerRef, Workers};

use crate::conversation::{Channel, Conversation, quoted};
use crate::process::{Process, Surroundings, kill};
use crate::time::{now, seconds};

/// How long a program may take to end by itself, once it is told to.
const LEAVE: Duration = Duration::from_secs(2);
/// What a worker says first.
const READY: &str = "{\"squall\":1,\"ready\":true}";
/// Most processes that are kept while only others are used: of other workers, or with other params, such as those of an earlier job.
const MAX_IDLE_OF_OTHERS: usize = 4;
/// Starts that fail in a row, after which a worker is not started for some time.
const MAX_FAILED_STARTS: u32 = 3;
/// For how long.
const REST: Duration = Duration::from_secs(30);

/// What jobs may run, and where.
pub struct Settings {
    /// The folder in which programs run.
    pub folder: PathBuf,
    /// Where they are looked up: folders, as in `PATH`.
    pub search: OsString,
    /// The variables that they may inherit, if they are named.
    pub environment: BTreeMap<String, OsString>,
    /// Whether jobs may name commands.
    pub commands: CommandsAllowed,
    /// The workers that jobs may name.
    pub named: BTreeMap<String, Command>,
}

/// Whether jobs may name commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandsAllowed {
    /// Any command.
    Any,
    /// None: only workers that are declared.
    None,
}

/// Programs as workers: processes that are started when they are needed, kept for the next request, and ended with this.
pub struct Programs {
    settings: Settings,
    /// What the tokens of all processes begin with.
    token: String,
    pool: Mutex<Pool>,
}

#[derive(Default)]
struct Pool {
    n_started: u64,
    idle: Vec<Talk>,
    /// All that run, to end them from another thread.
    running: BTreeMap<u64, (Pid, String)>,
    failed_starts: BTreeMap<String, FailedStarts>,
    is_ended: bool,
}

/// Starts of a worker that failed, one after another.
struct FailedStarts {
    n: u32,
    last: Failed,
    at: Instant,
}

/// A process that has shaken hands.
struct Talk {
    number: u64,
    name: String,
    key: String,
    timeout: Duration,
    next_id: u64,
    conversation: Conversation,
    ready: Ready,
}

impl Programs {
    /// Programs, of which none runs yet.
    pub fn new(settings: Settings) -> Self {
        let token = format!("squall-{}-{:016x}-", std::process::id(), RandomState::new().hash_one(0));
        Self { settings, token, pool: Mutex::default() }
    }

    /// Kills every process, and starts no more. Any thread may call it.
    pub fn end_all(&self) {
        let (running, idle) = {
            let mut pool = self.pool();
            pool.is_ended = true;
            let idle = std::mem::take(&mut pool.idle);
            let mut running = std::mem::take(&mut pool.running);
            running.retain(|number, _| idle.iter().all(|talk| talk.number != *number));
            (running, idle)
        };
        for (group, token) in running.into_values() {
            kill(group, &token);
        }
        // What idles is waiting for input, so its end is enough.
        let mut leaving: Vec<Process> =
            idle.into_iter().map(|talk| talk.conversation.into_process()).collect();
        leaving.iter_mut().for_each(|process| process.input = None);
        let until = now() + LEAVE;
        for process in leaving {
            process.end(until.saturating_duration_since(now()));
        }
        crate::usage::kill_all_with(&self.token);
    }

    fn pool(&self) -> MutexGuard<'_, Pool> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The command of a worker.
    fn command<'a>(&'a self, worker: &'a WorkerRef) -> Result<&'a Command, Failed> {
        let refused = |reason: String| Failed { fault: Fault::CannotStart, reason };
        match (worker, self.settings.commands) {
            (WorkerRef::Command(command), CommandsAllowed::Any) => Ok(command),
            (WorkerRef::Command(_), CommandsAllowed::None) => {
                Err(refused("the job names a command; expected the name of a declared worker".to_owned()))
            }
            (WorkerRef::Named(name), _) => self.settings.named.get(name).ok_or_else(|| {
                let known = listed(self.settings.named.keys());
                refused(format!("there is no worker `{name}`; expected one of: {known}"))
            }),
        }
    }

    /// Starts a process of a worker.
    ///
    /// A further one, beside others, may be refused where the first is not: its failure says nothing of the next.
    fn start(&self, key: &str, command: &Command, params: &RawValue, is_first: bool) -> Result<Talk, Failed> {
        let number = {
            let mut pool = self.pool();
            if pool.is_ended {
                return Err(Failed { fault: Fault::CannotStart, reason: "the job has ended".to_owned() });
            }
            let failed = pool.failed_starts.get(key).filter(|failed| failed.n >= MAX_FAILED_STARTS);
            if let Some(failed) = failed.filter(|failed| now().duration_since(failed.at) < REST) {
                return Err(failed.last.clone());
            }
            pool.n_started += 1;
            pool.n_started
        };
        let token = format!("{}{number}-", self.token);
        let Settings { folder, search, environment, .. } = &self.settings;
        let surroundings = Surroundings { folder, search, environment };
        let started = Process::start(command, &surroundings, token.clone()).and_then(|process| {
            let group = process.group();
            let is_ended = {
                let mut pool = self.pool();
                pool.running.insert(number, (group, token));
                pool.is_ended
            };
            if is_ended {
                return Err(Failed { fault: Fault::CannotStart, reason: "the job has ended".to_owned() });
            }
            Talk::begin(number, key, command, params, process)
        });
        let mut pool = self.pool();
        match started {
            Ok(talk) => {
                pool.failed_starts.remove(key);
                Ok(talk)
            }
            Err(failed) => {
                pool.running.remove(&number);
                if is_first {
                    let n = pool.failed_starts.get(key).map_or(0, |before| before.n);
                    let last = FailedStarts { n: n.saturating_add(1), last: failed.clone(), at: now() };
                    pool.failed_starts.insert(key.to_owned(), last);
                }
                Err(failed)
            }
        }
    }
}

impl Drop for Programs {
    fn drop(&mut self) {
        self.end_all();
    }
}

impl Talk {
    /// Shakes hands.
    fn begin(
        number: u64,
        key: &str,
        command: &Command,
        params: &RawValue,
        process: Process,
    ) -> Result<Self, Failed> {
        let mut conversation = Conversation::new(process, command);
        let hello = hello_line(params, command.timeout_s);
        let line = conversation.exchange(&hello, seconds(command.start_timeout_s)).map_err(|failed| {
            let reason = match failed.fault {
                Fault::TimedOut => {
                    format!("{}; a worker replies to the first line with {READY}", failed.reason)
                }
                fault => format!("{fault}: {}", failed.reason),
            };
            let fault = if failed.fault.is_of_start() { failed.fault } else { Fault::NoHandshake };
            Failed { fault, reason }
        })?;
        let failed = |fault, reason| Err(conversation.with_what_it_printed(Failed { fault, reason }));
        let no_handshake = |problem: &str| {
            let reason = format!("its first reply is {}{problem}; expected {READY}", quoted(&line));
            failed(Fault::NoHandshake, reason)
        };
        let ready: Ready = match serde_json::from_slice(&line) {
            Ok(ready) => ready,
            Err(error) => return no_handshake(&format!(": {error}")),
        };
        if ready.squall != CONTRACT {
            return failed(Fault::OtherVersion, format!("it speaks {}; expected {CONTRACT}", ready.squall));
        }
        if let Some(reason) = &ready.error {
            return failed(Fault::NotReady, reason.clone());
        }
        if !ready.ready {
            return no_handshake("");
        }
        Ok(Self {
            number,
            name: format!("worker {number}"),
            key: key.to_owned(),
            timeout: seconds(command.timeout_s),
            next_id: 1,
            conversation,
            ready,
        })
    }

    /// Asks for values. `is_well` says afterwards whether the process can be asked again.
    fn ask(&mut self, items: &[Cow<'_, str>], is_well: &mut bool) -> Result<Answered, Failed> {
        *is_well = false;
        if self.conversation.has_more() {
            let reason = "another line came after its last reply".to_owned();
            return Err(self
                .conversation
                .with_what_it_printed(Failed { fault: Fault::AnsweredTwice, reason }));
        }
        let id = self.next_id;
        self.next_id += 1;
        let deadline_ms = u64::try_from(self.timeout.as_millis()).unwrap_or(u64::MAX);
        let request = request_line(id, deadline_ms, items.iter().map(AsRef::as_ref));
        let started = now();
        let line = match self.conversation.exchange(&request, self.timeout) {
            Ok(line) => line,
            Err(failed) => {
                if failed.fault == Fault::TimedOut && self.conversation.is_sent() {
                    // A program that listens meanwhile lives on.
                    let cancelled = self.conversation.exchange(&cancel_line(id), LEAVE);
                    *is_well = cancelled.is_ok_and(|line| replies_to(&line, id));
                }
                return Err(failed);
            }
        };
        let took_us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        match read(&line, id, items.len()) {
            Ok(values) => {
                *is_well = true;
                Ok(Answered { values, took_us })
            }
            Err(failed) if failed.fault.is_said() => {
                *is_well = true;
                Err(failed)
            }
            Err(failed) => Err(self.conversation.with_what_it_printed(failed)),
        }
    }
}

/// Whether a line is a reply to this request, whatever it says.
fn replies_to(line: &[u8], id: u64) -> bool {
    serde_json::from_slice::<Reply<'_>>(line).is_ok_and(|reply| reply.id == id)
}

/// The values of a reply.
fn read(line: &[u8], id: u64, n_items: usize) -> Result<Vec<Result<Box<RawValue>, String>>, Failed> {
    let failed = |fault, reason| Err(Failed { fault, reason });
    let reply: Reply<'_> = match serde_json::from_slice(line) {
        Ok(reply) => reply,
        Err(error) => return failed(Fault::NotAReply, format!("{}: {error}", quoted(line))),
    };
    if reply.id != id {
        return failed(Fault::OtherId, format!("it replied to {}; expected {id}", reply.id));
    }
    if let Some(reason) = reply.error {
        return failed(Fault::Refused, reason);
    }
    let Some(values) = reply.values else {
        return failed(Fault::NotAReply, format!("{} has neither `values` nor `error`", quoted(line)));
    };
    if values.len() != n_items {
        return failed(Fault::WrongCount, format!("{}; expected {n_items}", values.len()));
    }
    let mut values: Vec<_> = values.into_iter().map(|value| Ok(value.to_owned())).collect();
    for (position, reason) in reply.errors.0 {
        match position.parse::<usize>().ok().and_then(|position| values.get_mut(position)) {
            Some(value) => *value = Err(reason),
            None => {
                let expected = format!("expected positions from 0 to {}", n_items.saturating_sub(1));
                return failed(Fault::NotAReply, format!("it has an error at {position:?}; {expected}"));
            }
        }
    }
    Ok(values)
}

impl Workers for Programs {
    fn take(
        &self,
        worker: &WorkerRef,
        params: &RawValue,
        not: &[String],
    ) -> Result<Box<dyn Worker + '_>, Failed> {
        let command = self.command(worker)?;
        let key = format!("{worker:?} {}", params.get());
        let idle = {
            let mut pool = self.pool();
            let fits = |talk: &Talk| talk.key == key && !not.contains(&talk.name);
            let position = pool.idle.iter().position(fits);
            position.map(|position| pool.idle.remove(position))
        };
        let talk = match idle {
            Some(talk) if talk.conversation.process().ended().is_none() => talk,
            idle => {
                // One that ended while it idled has failed no request.
                if let Some(talk) = idle {
                    self.pool().running.remove(&talk.number);
                }
                self.start(&key, command, params, not.is_empty())?
            }
        };
        Ok(Box::new(Held { programs: self, name: talk.name.clone(), talk: Some(talk) }))
    }
}

/// A process in use.
struct Held<'a> {
    programs: &'a Programs,
    name: String,
    /// `None` once it has failed.
    talk: Option<Talk>,
}

impl Held<'_> {
    fn end(&mut self) {
        if let Some(talk) = self.talk.take() {
            self.programs.pool().running.remove(&talk.number);
        }
    }
}

impl Worker for Held<'_> {
    fn name(&self) -> &str {
        &self.name
    }

    fn ask(&mut self, items: &[Cow<'_, str>]) -> Result<Answered, Failed> {
        let Some(talk) = &mut self.talk else {
            return Err(Failed { fault: Fault::Exited, reason: "it was ended before".to_owned() });
        };
        let mut is_well = false;
        let answered = talk.ask(items, &mut is_well);
        if !is_well {
            self.end();
        }
        answered
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let Some(talk) = self.talk.take() else { return };
        let mut pool = self.programs.pool();
        let leaving = if pool.is_ended {
            Some(talk)
        } else {
            let of_others = pool.idle.iter().filter(|idle| idle.key != talk.key).count();
            let oldest = pool.idle.iter().position(|idle| idle.key != talk.key);
            let oldest =
                oldest.filter(|_| of_others > MAX_IDLE_OF_OTHERS).map(|place| pool.idle.remove(place));
            pool.idle.push(talk);
            oldest
        };
        if let Some(talk) = &leaving {
            pool.running.remove(&talk.number);
        }
        // To end a process takes some milliseconds.
        drop(pool);
        drop(leaving);
    }
}

/// How an idle process ended when it was told to.
pub(crate) struct Retired {
    /// What it said of itself.
    pub(crate) ready: Ready,
    /// Where it replied.
    pub(crate) channel: Channel,
    /// How it ended; `None` if it had to be killed.
    pub(crate) ended: Option<Failed>,
    /// How many of the processes that it started were left.
    pub(crate) n_left: usize,
}

impl Programs {
    /// Tells an idle process to end; `None` if there is none of this name.
    pub(crate) fn retire(&self, name: &str) -> Option<Retired> {
        let talk = {
            let mut pool = self.pool();
            let position = pool.idle.iter().position(|talk| talk.name == name)?;
            let talk = pool.idle.swap_remove(position);
            pool.running.remove(&talk.number);
            talk
        };
        let Talk { conversation, ready, number, .. } = talk;
        let channel = conversation.channel;
        let mut process = conversation.into_process();
        process.input = None;
        let ended = process.ended_within(LEAVE);
        let n_with_itself = crate::usage::count_with(&format!("{}{number}-", self.token));
        let n_left = n_with_itself.saturating_sub(usize::from(ended.is_none()));
        drop(process);
        Some(Retired { ready, channel, ended, n_left })
    }
}
