use super::*;

#[test]
fn processes_are_kept_and_others_are_had_on_request() {
    let scratch = Scratch::new("kept");
    let programs = scratch.programs();
    let worker =
        WorkerRef::Command(scratch.python("say({'id': id, 'values': [os.getpid() for item in items]})"));
    let pid = |not: &[String]| {
        let mut worker = programs.take(&worker, &null(), not).unwrap();
        let answered = worker.ask(&texts(&["1"])).unwrap();
        (worker.name().to_owned(), answered.values[0].as_ref().unwrap().get().to_owned())
    };
    let first = pid(&[]);
    assert_eq!(first.0, "worker 1");
    assert_eq!(pid(&[]), first);
    let second = pid(&["worker 1".to_owned()]);
    assert_eq!(second.0, "worker 2");
    assert_ne!(second.1, first.1);
    assert_eq!(pid(&["worker 1".to_owned()]), second);
    // With other parameters it is another worker.
    let other = RawValue::from_string("1".to_owned()).unwrap();
    assert_eq!(programs.take(&worker, &other, &[]).unwrap().name(), "worker 3");
}

#[test]
fn the_environment_is_what_is_named() {
    let scratch = Scratch::new("environment");
    let programs = scratch.programs();
    let mut shows = command(&[
        "sh",
        "-c",
        "read hello; echo '{\"squall\":1,\"ready\":true}' >&3; read request
        names=$(env | cut -d= -f1 | sort | tr '\\n' ' '); echo \"{\\\"id\\\":1,\\\"values\\\":[\\\"$names\\\"]}\" >&3; read end",
    ]);
    shows.env.insert("MINE".to_owned(), "1".to_owned());
    shows.inherit_env = vec!["HOME".to_owned(), "NOT_THERE".to_owned()];
    let values = ask(&programs, &shows, &["1"]).unwrap();
    let names: String = serde_json::from_str(values[0].as_ref().unwrap()).unwrap();
    // Shells have some of their own.
    let names: Vec<_> =
        names.split_whitespace().filter(|name| !matches!(*name, "PWD" | "SHLVL" | "_")).collect();
    assert_eq!(names, ["HOME", "MINE", "PATH", "SQUALL_CONTRACT", "SQUALL_REPLIES_FD", "SQUALL_WORKER"]);
}

#[test]
fn a_worker_that_never_starts_is_not_tried_for_ever() {
    let scratch = Scratch::new("never");
    let programs = scratch.programs();
    let counts = command(&["sh", "-c", "echo x >> started; exit 1"]);
    for _ in 0..10 {
        assert_eq!(ask(&programs, &counts, &["1"]).unwrap_err().fault, Fault::NoHandshake);
    }
    assert_eq!(std::fs::read_to_string(scratch.0.join("started")).unwrap(), "x\nx\nx\n");
}

#[test]
fn only_declared_workers_run_where_commands_are_not_allowed() {
    let scratch = Scratch::new("declared");
    let doubles = scratch.python(DOUBLES);
    let named = BTreeMap::from([("doubler".to_owned(), doubles.clone())]);
    let programs = Programs::new(scratch.settings(CommandsAllowed::None, named));
    let take = |worker: &WorkerRef| match programs.take(worker, &null(), &[]) {
        Ok(worker) => worker.name().to_owned(),
        Err(failed) => failed.to_string(),
    };
    assert_eq!(take(&WorkerRef::Named("doubler".to_owned())), "worker 1");
    assert_eq!(
        take(&WorkerRef::Named("tripler".to_owned())),
        "cannot start: there is no worker `tripler`; expected one of: `doubler`"
    );
    assert_eq!(
        take(&WorkerRef::Command(doubles)),
        "cannot start: the job names a command; expected the name of a declared worker"
    );
}

#[test]
fn many_at_once_do_not_hold_each_others_channels_open() {
    let scratch = Scratch::new("many");
    let programs = scratch.programs();
    let dies = scratch.python("os._exit(1) if items == [0] else say({'id': id, 'values': items})");
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let (programs, dies) = (&programs, &dies);
            scope.spawn(move || {
                for round in 0..4 {
                    if (thread + round) % 2 == 0 {
                        assert_eq!(ask(programs, dies, &["0"]).unwrap_err().fault, Fault::Exited);
                    } else {
                        ask(programs, dies, &["1"]).unwrap();
                    }
                }
            });
        }
    });
}

#[test]
fn the_end_kills_what_is_at_work_and_starts_nothing_more() {
    let scratch = Scratch::new("end");
    let programs = scratch.programs();
    let sleeps = scratch.python("time.sleep(1000) if items == [0] else say({'id': id, 'values': items})");
    ask(&programs, &sleeps, &["1"]).unwrap();
    std::thread::scope(|scope| {
        let asked = scope.spawn(|| ask(&programs, &sleeps, &["0"]));
        crate::time::pause(std::time::Duration::from_millis(300));
        programs.end_all();
        assert_eq!(asked.join().unwrap().unwrap_err().fault, Fault::Killed);
    });
    let failed = ask(&programs, &sleeps, &["1"]).unwrap_err();
    assert_eq!(failed.to_string(), "cannot start: the job has ended");
    if cfg!(target_os = "linux") {
        assert_eq!(scratch.left_running(), Vec::<String>::new());
    }
}

#[cfg(target_os = "linux")]
#[test]
fn processes_of_earlier_jobs_do_not_pile_up() {
    let scratch = Scratch::new("earlier");
    let programs = scratch.programs();
    let worker = WorkerRef::Command(scratch.python(DOUBLES));
    for params in 0..12 {
        let params = RawValue::from_string(params.to_string()).unwrap();
        programs.take(&worker, &params, &[]).unwrap().ask(&texts(&["1"])).unwrap();
    }
    // Four of others, and the last.
    assert_eq!(scratch.left_running().len(), 5);
}
