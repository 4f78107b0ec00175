//! Writes a sample job: `term-sample DIR [POINTS [SCENARIOS [SEED]]]`.

use std::path::Path;

use anyhow::{Context, Result, bail};
use term_life::sample::{MAX_DRAWN, SampleRequest, sample};

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let Some(folder) = args.first().filter(|_| args.len() <= 4).map(Path::new) else {
        bail!("usage: term-sample DIR [POINTS [SCENARIOS [SEED]]]; by default 10000 100 1");
    };
    let number = |idx: usize, otherwise: u64, most: u64| match args.get(idx) {
        None => Ok(otherwise),
        Some(text) => text
            .parse()
            .ok()
            .filter(|number| *number <= most)
            .with_context(|| format!("{text:?} is not a whole number from 0 to {most}")),
    };
    let request = SampleRequest {
        n_points: number(1, 10_000, 10_000_000)?.max(1),
        n_scenarios: number(2, 100, MAX_DRAWN)?,
        seed: number(3, 1, u64::MAX)?,
    };
    std::fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    for (name, bytes) in sample(&request) {
        let path = folder.join(name);
        std::fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}
