use super::*;
use squall_sim_time::Random;

#[test]
fn the_checkpoint_is_the_last_record_before_which_everything_is_done() {
    let mut progress = Progress::default();
    let numbers: Vec<u64> = ["a", "b", "c", "d"].map(|it| progress.read(it.to_owned(), 10)).to_vec();
    assert_eq!((progress.checkpoint(), progress.n_open(), progress.n_bytes()), (None, 4, 40));
    assert!(!progress.done(numbers[1]));
    assert!(!progress.done(numbers[1]), "twice is once");
    assert_eq!((progress.checkpoint(), progress.n_open(), progress.n_bytes()), (None, 4, 30));
    assert!(progress.done(numbers[0]));
    assert_eq!((progress.checkpoint(), progress.n_open()), (Some("b"), 2));
    assert!(!progress.done(numbers[0]), "long done");
    assert!(!progress.done(numbers[3]));
    let next = progress.read("e".to_owned(), 1);
    assert!(progress.done(numbers[2]));
    assert_eq!((progress.checkpoint(), progress.n_open(), progress.n_bytes()), (Some("d"), 1, 1));
    assert!(progress.done(next));
    assert_eq!((progress.checkpoint(), progress.n_open(), progress.n_bytes()), (Some("e"), 0, 0));
    assert!(!progress.done(next + 1), "never read");
}

#[test]
fn whatever_the_order_the_checkpoint_never_passes_what_is_not_done() {
    for seed in 0..500 {
        let mut random = Random::new(seed);
        let (mut progress, mut open, mut n_read) = (Progress::default(), Vec::new(), 0_u64);
        for _ in 0..100 {
            if random.chance(500) || open.is_empty() {
                open.push(progress.read(n_read.to_string(), 1));
                n_read += 1;
            } else {
                let position = usize::try_from(random.below(open.len() as u64)).unwrap_or(0);
                progress.done(open.swap_remove(position));
            }
            let first_open = open.iter().min().copied().unwrap_or(n_read);
            let expected = first_open.checked_sub(1).map(|it| it.to_string());
            assert_eq!(progress.checkpoint(), expected.as_deref(), "seed {seed}");
            assert_eq!(progress.n_bytes(), open.len(), "seed {seed}");
        }
    }
}
