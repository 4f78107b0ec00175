//! Signatures, compiled: one automaton finds where a record may have one, another tells which patterns a record has.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use regex_automata::meta::{BuildError, Cache, Config, Regex};
use regex_automata::util::syntax;
use regex_automata::{Input, MatchKind, PatternID, PatternSet};
use regex_syntax::hir::{
    Class, ClassBytes, ClassBytesRange, ClassUnicode, ClassUnicodeRange, Hir, HirKind, Look, Repetition,
};
use squall_core::workload::InputError;

use super::input::{PatternInput, SignatureInput};
use crate::reading::{check_name, quoted};

const MAX_SIGNATURES: usize = 200;
const MAX_PATTERNS: usize = 2_000;
const MAX_WITHIN: usize = 1_000;
/// Most records that all windows have together: so many hits may be open at once.
const MAX_WINDOWS: usize = 10_000;
/// Most bytes of a pattern.
const MAX_PATTERN_BYTES: usize = 10_000;
/// What an automaton may take, bytes: a pattern of a few characters can ask for any size.
const MAX_AUTOMATON_BYTES: usize = 20 << 20;
/// What each thread keeps of an automaton's states, bytes.
const CACHE_BYTES: usize = 16 << 20;

/// All signatures of a job.
#[derive(Debug)]
pub struct Signatures {
    /// In the order of the input.
    pub all: Vec<Signature>,
    /// Finds the lines that may begin a hit, among others.
    candidates: Regex,
    /// Tells whether a record that is not a line may.
    anchors: Regex,
    /// Which patterns a record has.
    patterns: Regex,
    /// The signature whose hits each pattern begins, if any.
    begun: Vec<Option<usize>>,
    /// What threads need to search, while none does: what they learn is of use to the next slice.
    idle: Mutex<Vec<Caches>>,
}

/// What a thread learns of the automata while it searches.
#[derive(Debug)]
struct Caches {
    candidates: Cache,
    anchors: Cache,
    patterns: Cache,
}

/// A signature: which patterns its records have.
#[derive(Debug)]
pub struct Signature {
    /// Its name.
    pub name: String,
    /// In how many records, from the one of the hit on, its patterns are looked for.
    pub within: usize,
    /// Whether hits are counted by a capture.
    pub is_grouped: bool,
    all: Vec<usize>,
    any: Vec<usize>,
    none: Vec<usize>,
    groups: Vec<Group>,
}

/// A capture that says a hit's group.
#[derive(Debug)]
struct Group {
    pattern: usize,
    regex: Regex,
    capture: usize,
}

/// What a thread needs to search.
#[derive(Debug)]
pub struct Searcher<'a> {
    signatures: &'a Signatures,
    /// Some until it is dropped.
    caches: Option<Caches>,
}

impl Drop for Searcher<'_> {
    fn drop(&mut self) {
        let mut idle = self.signatures.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.extend(self.caches.take());
    }
}

/// Which patterns some records have.
#[derive(Debug, Clone)]
pub struct Found(PatternSet);

impl Signatures {
    /// Compiles signatures.
    ///
    /// # Errors
    /// Names the field, its value and what would be right.
    pub fn compile(inputs: &[SignatureInput]) -> Result<Signatures, InputError> {
        if inputs.is_empty() {
            return Err(InputError::new("input.signatures", "is empty; at least one is needed"));
        }
        if inputs.len() > MAX_SIGNATURES {
            let problem = format!("has {}; a job has at most {MAX_SIGNATURES}", inputs.len());
            return Err(InputError::new("input.signatures", problem));
        }
        let of_one = |it: &SignatureInput| {
            let alone = usize::from(it.regex.is_some()) + usize::from(it.literal.is_some());
            alone + it.all_of.len() + it.any_of.len() + it.none_of.len()
        };
        let n_patterns: usize = inputs.iter().map(of_one).sum();
        if n_patterns > MAX_PATTERNS {
            let problem = format!("have {n_patterns} patterns; a job has at most {MAX_PATTERNS}");
            return Err(InputError::new("input.signatures", problem));
        }
        let windows = inputs.iter().map(|it| it.within).filter(|within| *within > 1);
        let windows = windows.fold(0, usize::saturating_add);
        if windows > MAX_WINDOWS {
            let problem = format!("look within {windows} records together; expected at most {MAX_WINDOWS}");
            return Err(InputError::new("input.signatures", problem));
        }
        let (mut names, mut all) = (HashSet::new(), Vec::with_capacity(inputs.len()));
        let (mut whole, mut anchors) = (Vec::with_capacity(n_patterns), Vec::new());
        for (idx, input) in inputs.iter().enumerate() {
            let place = |field: &str| format!("input.signatures[{idx}].{field}");
            check_name(&input.name).map_err(|problem| InputError::new(place("name"), problem))?;
            if input.name.is_empty() {
                return Err(InputError::new(place("name"), "is empty; a name is needed"));
            }
            if !names.insert(input.name.as_str()) {
                return Err(InputError::new(
                    place("name"),
                    format!("{} is already one; each must be unique", quoted(&input.name)),
                ));
            }
            if !(1..=MAX_WITHIN).contains(&input.within) {
                return Err(InputError::new(
                    place("within"),
                    format!("{}; expected 1 to {MAX_WITHIN} records", input.within),
                ));
            }
            let signature = signature(input, &place, &mut whole)?;
            anchors.extend(signature.anchors().iter().filter_map(|pattern| whole.get(*pattern).cloned()));
            all.push(signature);
        }
        let too_large = |error: BuildError| {
            let problem = match error.size_limit() {
                Some(_) => format!(
                    "their patterns take more than {} MB together; make repetitions smaller",
                    MAX_AUTOMATON_BYTES >> 20
                ),
                None => format!("cannot be compiled: {error}"),
            };
            InputError::new("input.signatures", problem)
        };
        let build = |config: Config, patterns: &[Hir]| {
            Regex::builder().configure(config).build_many_from_hir(patterns).map_err(too_large)
        };
        let patterns = build(config().match_kind(MatchKind::All), &whole)?;
        let lines: Vec<Hir> = anchors.iter().map(over_lines).collect();
        let (candidates, anchors) = (build(config(), &lines)?, build(config(), &anchors)?);
        let mut left = MAX_AUTOMATON_BYTES;
        for (idx, (signature, input)) in all.iter_mut().zip(inputs).enumerate() {
            let Some(name) = &input.group_by else { continue };
            let place = || format!("input.signatures[{idx}].group_by");
            for pattern in signature.all.iter().chain(&signature.any) {
                let Some(hir) = whole.get(*pattern).filter(|hir| has_capture(hir, name)) else { continue };
                let group = build(config().nfa_size_limit(Some(left)), std::slice::from_ref(hir))?;
                left = left.saturating_sub(group.memory_usage());
                let capture = group.group_info().to_index(PatternID::ZERO, name);
                let regex = |capture| Group { pattern: *pattern, regex: group, capture };
                signature.groups.extend(capture.map(regex));
            }
            if signature.groups.is_empty() {
                let name = quoted(name);
                let problem =
                    format!("{name} is no capture of its patterns; name one as in (?<host>[0-9.]+)");
                return Err(InputError::new(place(), problem));
            }
        }
        let mut begun = vec![None; whole.len()];
        for (idx, signature) in all.iter().enumerate() {
            for pattern in signature.anchors() {
                if let Some(begun) = begun.get_mut(*pattern) {
                    *begun = Some(idx);
                }
            }
        }
        Ok(Signatures { all, candidates, anchors, patterns, begun, idle: Mutex::default() })
    }

    /// Number of patterns.
    pub fn n_patterns(&self) -> usize {
        self.begun.len()
    }

    /// The memory that the automata take, and what threads learn of them, at most as a rule, bytes.
    pub fn bytes(&self) -> u64 {
        /// Threads that search at the same time in a function.
        const THREADS: usize = 6;
        let joint =
            self.candidates.memory_usage() + self.anchors.memory_usage() + self.patterns.memory_usage();
        let groups = self.all.iter().flat_map(|it| &it.groups).map(|group| group.regex.memory_usage());
        let caches = 3 * THREADS * CACHE_BYTES.min(joint.saturating_mul(4));
        (joint + groups.sum::<usize>() + caches) as u64
    }

    /// The signatures whose hits a record with these patterns may begin, each once, in their order.
    pub fn begun_by<'a>(&'a self, found: &'a Found) -> impl Iterator<Item = (usize, &'a Signature)> {
        let begun = found.0.iter().filter_map(|pattern| *self.begun.get(pattern.as_usize())?);
        let mut last = None;
        // Patterns are in the order of their signatures.
        let begun = begun.filter(move |idx| last.replace(*idx) != Some(*idx));
        begun.filter_map(|idx| Some((idx, self.all.get(idx)?)))
    }

    /// What a thread needs to search for them.
    pub fn searcher(&self) -> Searcher<'_> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let fresh = || Caches {
            candidates: self.candidates.create_cache(),
            anchors: self.anchors.create_cache(),
            patterns: self.patterns.create_cache(),
        };
        Searcher { signatures: self, caches: Some(idle.unwrap_or_else(fresh)) }
    }
}

impl Searcher<'_> {
    /// The last byte of the first text from `from` on that may be of a signature's first pattern; it is on that pattern's line.
    pub fn candidate(&mut self, text: &[u8], from: usize) -> Option<usize> {
        let input = Input::new(text).range(from..).earliest(true);
        let caches = self.caches.as_mut()?;
        let found = self.signatures.candidates.search_half_with(&mut caches.candidates, &input)?;
        Some(found.offset().saturating_sub(1).max(from))
    }

    /// Whether a record, which need not be a line, may begin a hit.
    pub fn may_begin(&mut self, record: &[u8]) -> bool {
        let input = Input::new(record).earliest(true);
        let search =
            |caches: &mut Caches| self.signatures.anchors.search_half_with(&mut caches.anchors, &input);
        self.caches.as_mut().and_then(search).is_some()
    }

    /// Which patterns a record has.
    pub fn patterns(&mut self, record: &[u8]) -> Found {
        let patterns = &self.signatures.patterns;
        let mut found = PatternSet::new(patterns.pattern_len());
        if let Some(caches) = &mut self.caches {
            patterns.which_overlapping_matches_with(&mut caches.patterns, &Input::new(record), &mut found);
        }
        Found(found)
    }
}

impl Found {
    /// Whether it has a pattern.
    pub fn has(&self, pattern: usize) -> bool {
        PatternID::new(pattern).is_ok_and(|id| self.0.contains(id))
    }

    /// The patterns.
    pub fn iter(&self) -> impl Iterator<Item = usize> {
        self.0.iter().map(|pattern| pattern.as_usize())
    }
}

impl Signature {
    /// The patterns of which a hit's record has one.
    fn anchors(&self) -> &[usize] {
        match self.all.first() {
            Some(_) => self.all.get(..1).unwrap_or_default(),
            None => &self.any,
        }
    }

    /// Whether records that have these patterns, together, make a hit.
    pub fn is_met(&self, has: impl Fn(usize) -> bool) -> bool {
        self.all.iter().all(|pattern| has(*pattern))
            && (self.any.is_empty() || self.any.iter().any(|pattern| has(*pattern)))
            && !self.none.iter().any(|pattern| has(*pattern))
    }

    /// The group of a hit's record: what the first of its patterns that has the capture matched; nothing if none did.
    pub fn group<'a>(&self, found: &Found, record: &'a [u8]) -> &'a [u8] {
        let matched = |group: &Group| {
            let mut captures = group.regex.create_captures();
            group.regex.captures(record, &mut captures);
            captures.get_group(group.capture).and_then(|span| record.get(span.range()))
        };
        self.groups.iter().filter(|group| found.has(group.pattern)).find_map(matched).unwrap_or_default()
    }
}

fn config() -> Config {
    Config::new()
        .utf8_empty(false)
        .nfa_size_limit(Some(MAX_AUTOMATON_BYTES))
        .hybrid_cache_capacity(CACHE_BYTES)
}

fn signature(
    input: &SignatureInput,
    place: &impl Fn(&str) -> String,
    whole: &mut Vec<Hir>,
) -> Result<Signature, InputError> {
    let of_list = |field: &'static str, list: &[PatternInput]| {
        let texts = list.iter().enumerate().map(move |(i, it)| (format!("{field}[{i}]"), it.clone()));
        texts.collect::<Vec<_>>()
    };
    let alone = match (&input.regex, &input.literal) {
        (Some(_), Some(_)) => {
            let problem = "is there beside regex; a signature has one of them, or any_of and all_of";
            return Err(InputError::new(place("literal"), problem));
        }
        (Some(regex), None) => Some(("regex".to_owned(), PatternInput::Regex(regex.clone()))),
        (None, Some(literal)) => Some((
            "literal".to_owned(),
            PatternInput::Literal(super::input::LiteralInput { literal: literal.clone() }),
        )),
        (None, None) => None,
    };
    let all: Vec<_> = alone.into_iter().chain(of_list("all_of", &input.all_of)).collect();
    let any = of_list("any_of", &input.any_of);
    if all.is_empty() && any.is_empty() {
        let problem = "has nothing to look for; give regex, literal, all_of or any_of";
        return Err(InputError::new(place("regex"), problem));
    }
    let mut parsed = |list: Vec<(String, PatternInput)>| -> Result<Vec<usize>, InputError> {
        let mut patterns = Vec::with_capacity(list.len());
        for (field, pattern) in list {
            let refused = |problem: String| InputError::new(place(&field), problem);
            patterns.push(whole.len());
            whole.push(hir(&pattern, input.ignore_case).map_err(refused)?);
        }
        Ok(patterns)
    };
    let (all, any) = (parsed(all)?, parsed(any)?);
    let none = parsed(of_list("none_of", &input.none_of))?;
    Ok(Signature {
        name: input.name.clone(),
        within: input.within,
        is_grouped: input.group_by.is_some(),
        all,
        any,
        none,
        groups: Vec::new(),
    })
}

/// Whether a pattern has a capture of this name.
fn has_capture(hir: &Hir, name: &str) -> bool {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) | HirKind::Literal(_) | HirKind::Class(_) => false,
        HirKind::Repetition(repetition) => has_capture(&repetition.sub, name),
        HirKind::Capture(capture) => capture.name.as_deref() == Some(name) || has_capture(&capture.sub, name),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            parts.iter().any(|part| has_capture(part, name))
        }
    }
}

/// A pattern, parsed and checked.
fn hir(pattern: &PatternInput, ignore_case: bool) -> Result<Hir, String> {
    let (text, regex) = match pattern {
        PatternInput::Regex(text) => (text, text.clone()),
        PatternInput::Literal(it) => (&it.literal, regex_syntax::escape(&it.literal)),
    };
    if text.is_empty() {
        return Err("is empty; every record would have it".to_owned());
    }
    if text.len() > MAX_PATTERN_BYTES {
        return Err(format!("has {} bytes; a pattern has at most {MAX_PATTERN_BYTES}", text.len()));
    }
    let syntax = syntax::Config::new().utf8(false).case_insensitive(ignore_case).nest_limit(100);
    let hir = syntax::parse_with(&regex, &syntax).map_err(|error| {
        let said = error.to_string();
        let reason = said.lines().last().unwrap_or_default().trim_start_matches("error: ");
        format!("{} is not a regular expression: {reason}", quoted(text))
    })?;
    if !fits_in_a_line(&hir) {
        return Err(format!("{} can match only over the end of a line; records are lines", quoted(text)));
    }
    match hir.properties().minimum_len() {
        Some(0) => {
            Err(format!("{} matches nothing at all in every record; it has to match some text", quoted(text)))
        }
        None => Err(format!("{} can never match", quoted(text))),
        Some(_) => Ok(hir),
    }
}

/// Whether there is a text without line feeds that matches.
fn fits_in_a_line(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => true,
        HirKind::Literal(literal) => !literal.0.contains(&b'\n'),
        HirKind::Class(class) => match class {
            Class::Unicode(class) => class.iter().any(|range| range.start() != '\n' || range.end() != '\n'),
            Class::Bytes(class) => class.iter().any(|range| range.start() != b'\n' || range.end() != b'\n'),
        },
        HirKind::Repetition(repetition) => repetition.min == 0 || fits_in_a_line(&repetition.sub),
        HirKind::Capture(capture) => fits_in_a_line(&capture.sub),
        HirKind::Concat(parts) => parts.iter().all(fits_in_a_line),
        HirKind::Alternation(parts) => parts.iter().any(fits_in_a_line),
    }
}

/// The pattern for many lines at once: it matches the same texts of a line, and none over the end of one. Where a record begins or ends, a
/// line does.
fn over_lines(hir: &Hir) -> Hir {
    match hir.kind() {
        HirKind::Look(Look::Start | Look::StartLF) => Hir::look(Look::StartCRLF),
        HirKind::Look(Look::End | Look::EndLF) => Hir::look(Look::EndCRLF),
        HirKind::Empty | HirKind::Look(_) => hir.clone(),
        HirKind::Literal(literal) if literal.0.contains(&b'\n') => Hir::fail(),
        HirKind::Literal(_) => hir.clone(),
        HirKind::Class(Class::Unicode(class)) => {
            let mut class = class.clone();
            class.difference(&ClassUnicode::new([ClassUnicodeRange::new('\n', '\n')]));
            Hir::class(Class::Unicode(class))
        }
        HirKind::Class(Class::Bytes(class)) => {
            let mut class = class.clone();
            class.difference(&ClassBytes::new([ClassBytesRange::new(b'\n', b'\n')]));
            Hir::class(Class::Bytes(class))
        }
        HirKind::Repetition(repetition) => {
            let sub = Box::new(over_lines(&repetition.sub));
            Hir::repetition(Repetition { sub, ..repetition.clone() })
        }
        // What a candidate captures does not matter.
        HirKind::Capture(capture) => over_lines(&capture.sub),
        HirKind::Concat(parts) => Hir::concat(parts.iter().map(over_lines).collect()),
        HirKind::Alternation(parts) => Hir::alternation(parts.iter().map(over_lines).collect()),
    }
}

#[cfg(test)]
mod tests;
