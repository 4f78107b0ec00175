//! Capacity, demand and the maximum over time, a panel per policy.

use std::fmt::Write;

use squall_sim::fleet::simulate::{Sample, Summary};

use super::Compared;

const LEFT: usize = 50;
const PLOT: usize = 1_000;
const PANEL: usize = 110;
const TALL: usize = 70;
const HEAD: usize = 46;
/// Most labels on the time axis.
const N_TICKS: u64 = 15;

pub(super) fn drawing(max: u32, compared: &[Compared]) -> String {
    let n_panels: usize = compared.iter().map(|it| it.rows.len()).sum();
    let (width, height) = (LEFT + PLOT + 20, compared.len() * HEAD + n_panels * PANEL);
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
         height=\"{height}\" font-family=\"sans-serif\" font-size=\"11\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    let mut top = 0;
    for it in compared {
        let _ = writeln!(
            text,
            "<text x=\"{LEFT}\" y=\"{}\" font-size=\"14\">{}, first seed: <tspan fill=\"#8b949e\">queued and running \
             runs</tspan>, <tspan fill=\"#1f6feb\">booting and serving instances</tspan>, <tspan \
             fill=\"#cf222e\">the maximum</tspan></text>",
            top + 24,
            escaped(&it.name)
        );
        top += HEAD;
        let longest = it.rows.iter().flat_map(|(_, _, scores)| scores.first());
        let last_us = longest.flat_map(|score| score.samples.last()).map(|it| it.at_us).max().unwrap_or(0);
        let span_us = last_us.max(it.span_us).max(1);
        let samples = it.rows.iter().flat_map(|(_, _, scores)| &scores[0].samples);
        let highest = samples.map(|it| it.demand.max(it.capacity)).max().unwrap_or(0).max(max).max(1);
        for (contender, summary, scores) in &it.rows {
            panel(&mut text, top, &contender.name(), summary, &scores[0].samples, (span_us, highest, max));
            top += PANEL;
        }
    }
    text + "</svg>\n"
}

fn panel(
    text: &mut String,
    top: usize,
    name: &str,
    summary: &Summary,
    samples: &[Sample],
    (span_us, highest, max): (u64, u32, u32),
) {
    let base = top + TALL;
    let x = |at_us: u64| LEFT + usize::try_from(at_us * PLOT as u64 / span_us).unwrap_or(0).min(PLOT);
    let y = |n: u32| base - TALL * n as usize / highest as usize;
    let (demand, capacity) = columns(samples, x);
    let area = steps(&demand, y);
    let _ = write!(
        text,
        "<text x=\"{LEFT}\" y=\"{}\">{}: {:.0} s wait (p50), {:.0} s (p95), {:.0} instance-hours</text>\n\
         <path d=\"M{LEFT} {base}{area}V{base}Z\" fill=\"#d0d7de\"/>\n\
         <path d=\"M{LEFT} {base}{}\" fill=\"none\" stroke=\"#1f6feb\"/>\n\
         <path d=\"M{LEFT} {m}H{r}\" stroke=\"#cf222e\" stroke-dasharray=\"4 4\"/>\n\
         <path d=\"M{LEFT} {top}V{base}H{r}\" fill=\"none\" stroke=\"#57606a\"/>\n\
         <text x=\"{e}\" y=\"{}\" text-anchor=\"end\">{max}</text><text x=\"{e}\" y=\"{base}\" text-anchor=\"end\">0</text>\n",
        top.saturating_sub(5),
        escaped(name),
        summary.wait_s[0],
        summary.wait_s[1],
        summary.instance_h,
        steps(&capacity, y),
        y(max) + 4,
        m = y(max),
        r = LEFT + PLOT,
        e = LEFT - 4,
    );
    let middle = top + TALL / 2;
    let _ = writeln!(
        text,
        "<text transform=\"translate(14 {middle}) rotate(-90)\" text-anchor=\"middle\">instances</text>"
    );
    let (unit_us, unit) = unit(span_us);
    let every = (span_us / unit_us / N_TICKS + 1).max(1);
    for i in (0..=span_us / unit_us).step_by(usize::try_from(every).unwrap_or(1)) {
        let at = x(i * unit_us);
        let _ = writeln!(
            text,
            "<path d=\"M{at} {base}v4\" stroke=\"#57606a\"/><text x=\"{at}\" y=\"{}\" text-anchor=\"middle\">{unit} {i}</text>",
            base + 16
        );
    }
}

fn unit(span_us: u64) -> (u64, &'static str) {
    const MINUTE_US: u64 = 60_000_000;
    match span_us / MINUTE_US {
        0..=239 => (MINUTE_US, "min"),
        240..=5_759 => (60 * MINUTE_US, "h"),
        _ => (1_440 * MINUTE_US, "day"),
    }
}

/// The maximum of each pixel column, and its last value.
type Column = (usize, u32, u32);

fn columns(samples: &[Sample], x: impl Fn(u64) -> usize) -> (Vec<Column>, Vec<Column>) {
    let (mut demand, mut capacity): (Vec<Column>, Vec<Column>) = (Vec::new(), Vec::new());
    for sample in samples {
        for (line, n) in [(&mut demand, sample.demand), (&mut capacity, sample.capacity)] {
            match line.last_mut().filter(|it| it.0 == x(sample.at_us)) {
                Some(column) => (column.1, column.2) = (column.1.max(n), n),
                None => line.push((x(sample.at_us), n.max(line.last().map_or(0, |it| it.2)), n)),
            }
        }
    }
    (demand, capacity)
}

fn steps(columns: &[Column], y: impl Fn(u32) -> usize) -> String {
    let mut path = String::new();
    for (x, most, last) in columns {
        let _ = write!(path, "H{x}V{}V{}", y(*most), y(*last));
    }
    path
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}
