//! Where logs are: folders and prefixes, patterns of names, and the layouts in which AWS services write, of which only what can hold the
//! time range is listed.

use foldhash::HashMap;
use regex_automata::meta::Regex;
use serde::Deserialize;
use squall_core::workload::InputError;

use super::input::LogsInput;
use crate::reading::quoted;

/// Most prefixes that are listed for one job: each is a request of its own.
const MAX_PLACES: usize = 10_000;
const HOUR_US: i64 = 3_600_000_000;

/// What an AWS service writes into a bucket.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AwsLogs {
    /// Which one.
    pub service: Service,
    /// The bucket, as `s3://bucket` or `s3://bucket/prefix`, or a folder with the same layout.
    pub bucket: String,
    /// The accounts, twelve digits each.
    #[serde(default)]
    pub accounts: Vec<String>,
    /// The regions.
    #[serde(default)]
    pub regions: Vec<String>,
    /// The organisation, for trails of one: `o-…`.
    pub organization: Option<String>,
    /// The names of WAF's web ACLs, or of CloudFront's distributions.
    #[serde(default)]
    pub names: Vec<String>,
}

/// A service whose layout is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Service {
    /// AWS CloudTrail.
    #[serde(rename = "cloudtrail")]
    CloudTrail,
    /// Application and network load balancers.
    LoadBalancer,
    /// VPC flow logs.
    VpcFlow,
    /// WAF's web ACLs.
    Waf,
    /// CloudFront's standard logs.
    #[serde(rename = "cloudfront")]
    CloudFront,
    /// S3 server access logs, without date-based partitions.
    S3Access,
    /// What Firehose delivers under its default prefix.
    Firehose,
}

impl Service {
    /// Whether it compresses what it writes, always or by default.
    fn is_packed(self) -> bool {
        !matches!(self, Self::S3Access | Self::Firehose)
    }
}

/// What is listed, and which of it is read.
#[derive(Debug, Clone)]
pub struct Place {
    /// A folder, a file or a prefix.
    pub name: String,
    /// The entries of `input.logs` that it is of, each with the pattern that locations have to match, if it is one.
    pub entries: Vec<(usize, Option<Regex>)>,
    /// Whether all of it is compressed, by its name.
    pub is_packed: bool,
    /// Places before this one that may hold the same objects.
    earlier: Vec<usize>,
}

/// The places of a job, in the order of its entries.
#[derive(Debug, Clone)]
pub struct Places(pub Vec<Place>);

impl Places {
    /// The places of `logs`. Fields of time in them (`%Y`, `%m`, `%d`, `%H`) take each value that the range has, `slack_us` included.
    ///
    /// # Errors
    /// Names the entry, and what would be right.
    pub fn of(logs: &[LogsInput], range: Option<(i64, i64)>, slack_us: i64) -> Result<Places, InputError> {
        if logs.is_empty() {
            return Err(InputError::new("input.logs", "is empty; name at least one folder, file or prefix"));
        }
        let (mut places, mut known) = (Vec::new(), HashMap::default());
        for (entry, logs) in logs.iter().enumerate() {
            let refused = |problem: String| InputError::new(format!("input.logs[{entry}]"), problem);
            let templates = match logs {
                LogsInput::Place(place) => vec![place.clone()],
                LogsInput::Aws(aws) => aws.templates(entry)?,
            };
            let is_packed = matches!(logs, LogsInput::Aws(aws) if aws.service.is_packed());
            for template in templates {
                let names = expanded(&template, range, slack_us).map_err(refused)?;
                if places.len() + names.len() > MAX_PLACES {
                    let problem = format!(
                        "more than {MAX_PLACES} prefixes to list in this range; name a shorter range, or a prefix without %H or %d"
                    );
                    return Err(refused(problem));
                }
                for name in names {
                    let place = place(entry, &name, is_packed).map_err(refused)?;
                    add(&mut places, &mut known, place);
                }
            }
        }
        let mut by_name: Vec<usize> = (0..places.len()).collect();
        by_name.sort_by(|one, other| name_of(&places, *one).cmp(name_of(&places, *other)));
        let mut overlaps = Vec::new();
        // Of sorted names, those that begin with one follow it.
        for (rank, idx) in by_name.iter().enumerate() {
            let begins = |other: &&usize| name_of(&places, **other).starts_with(name_of(&places, *idx));
            let longer = by_name.get(rank + 1..).unwrap_or_default().iter().take_while(begins);
            overlaps.extend(longer.map(|other| (*idx.min(other), *idx.max(other))));
        }
        for (earlier, later) in overlaps {
            if let Some(place) = places.get_mut(later) {
                place.earlier.push(earlier);
            }
        }
        Ok(Places(places))
    }

    /// How the place `idx` has an object at `location`. `roots` are those of the listings.
    pub fn holds(&self, idx: usize, location: &str, roots: &[String]) -> Holds {
        let Some(place) = self.0.get(idx) else { return Holds::Unwanted };
        let Some(entry) = place.wanted_by(location) else { return Holds::Unwanted };
        let is_earlier = |idx: &usize| {
            let root = roots.get(*idx).map_or("", String::as_str);
            self.0.get(*idx).is_some_and(|it| it.lists(root, location) && it.wanted_by(location).is_some())
        };
        if place.earlier.iter().any(is_earlier) { Holds::Repeated } else { Holds::Searched(entry) }
    }
}

/// How a place has an object that it lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// It is searched here, as an object of this entry.
    Searched(usize),
    /// It is searched as one of an earlier place.
    Repeated,
    /// It has none of the names that are wanted.
    Unwanted,
}

impl Place {
    /// Whether its listing, whose names follow `root`, has this location: what is below a folder, and else what begins with its name.
    fn lists(&self, root: &str, location: &str) -> bool {
        let (name, plain_root, location) = (plain(&self.name), plain(root), plain(location));
        let is_below_here = !location.starts_with('/') && !location.contains("://");
        match plain_root.strip_suffix('/') {
            // A file has no root, what begins so in this folder that of the folder.
            None if root.is_empty() => location == name,
            Some(folder) if folder == name.trim_end_matches('/') => location.starts_with(plain_root),
            // This folder.
            _ if name.is_empty() => is_below_here,
            _ => location.starts_with(name),
        }
    }

    /// The first entry that wants this location.
    fn wanted_by(&self, location: &str) -> Option<usize> {
        let location = plain(location);
        let wants = |pattern: &Option<Regex>| pattern.as_ref().is_none_or(|it| it.is_match(location));
        self.entries.iter().find(|(_, pattern)| wants(pattern)).map(|(entry, _)| *entry)
    }
}

/// Adds a place; one that is listed already is listed once.
fn add(places: &mut Vec<Place>, known: &mut HashMap<String, usize>, place: Place) {
    let idx = *known.entry(plain(&place.name).to_owned()).or_insert(places.len());
    let Some(same) = places.get_mut(idx) else { return places.push(place) };
    same.entries.extend(place.entries);
    same.is_packed &= place.is_packed;
}

fn name_of(places: &[Place], idx: usize) -> &str {
    places.get(idx).map_or("", |place| plain(&place.name))
}

/// A name without what says that it is here.
fn plain(mut name: &str) -> &str {
    while let Some(rest) = name.strip_prefix("./") {
        name = rest.trim_start_matches('/');
    }
    if name == "." { "" } else { name }
}

fn place(entry: usize, name: &str, is_packed: bool) -> Result<Place, String> {
    if name.is_empty() {
        return Err("is empty; name a folder, a file or a prefix, `.` for this folder".to_owned());
    }
    let is_packed = [".gz", ".zst", ".bz2"].iter().any(|end| name.ends_with(end)) || is_packed;
    if name.rsplit_once('[').is_some_and(|(_, rest)| !rest.contains(']')) {
        return Err(format!(
            "{} has a `[` without its `]`; `?` stands for any character, brackets too",
            quoted(name)
        ));
    }
    let wild = |name: &str| name.find(['*', '?', '[']);
    let Some(at) = wild(name) else {
        return Ok(Place {
            name: name.to_owned(),
            entries: vec![(entry, None)],
            is_packed,
            earlier: Vec::new(),
        });
    };
    let is_s3 = name.starts_with("s3://");
    let before = name.get(..at).unwrap_or_default();
    // Names of S3 are listed by any beginning, those here by their folder.
    let listed = if is_s3 { before } else { before.rsplit_once('/').map_or("", |(folder, _)| folder) };
    let root = name.starts_with('/');
    let listed = match listed {
        "" if root => "/",
        "" => ".",
        listed => listed,
    };
    if is_s3 && listed.len() <= "s3://".len() {
        return Err(format!("{} has a pattern for the bucket; name the bucket", quoted(name)));
    }
    let class = name.split('[').skip(1).filter_map(|rest| rest.split_once(']'));
    if let Some((class, _)) = class.into_iter().find(|(class, _)| class.contains(['^', '\\', '&', '~'])) {
        return Err(format!(
            "{} has the class [{class}], which has more than characters and ranges",
            quoted(name)
        ));
    }
    let pattern = Regex::new(&of_glob(plain(name)))
        .map_err(|_| format!("{} is not a pattern; `*` stands for any text of a name, `**` for any folders, `?` for a character", quoted(name)))?;
    Ok(Place {
        name: listed.to_owned(),
        entries: vec![(entry, Some(pattern))],
        is_packed,
        earlier: Vec::new(),
    })
}

/// A pattern of names as a regular expression: `*` and `?` within a name, `**` over folders, `[…]` a class.
fn of_glob(glob: &str) -> String {
    let mut regex = String::from("^(?s:");
    let mut rest = glob;
    while let Some(c) = rest.chars().next() {
        let (written, used) = if rest.starts_with("**/") {
            ("(?:.*/)?".to_owned(), 3)
        } else if rest.starts_with("**") {
            (".*".to_owned(), 2)
        } else {
            let class = rest.find(']').filter(|_| c == '[').and_then(|end| rest.get(1..end));
            match (c, class) {
                ('*', _) => ("[^/]*".to_owned(), 1),
                ('?', _) => ("[^/]".to_owned(), 1),
                ('[', Some(class)) => {
                    let (not, class) = match class.strip_prefix('!') {
                        Some(class) => ("^", class),
                        None => ("", class),
                    };
                    (format!("[{not}{}]", class), class.len() + not.len() + 2)
                }
                _ => (regex_syntax::escape(&c.to_string()), c.len_utf8()),
            }
        };
        regex.push_str(&written);
        rest = rest.get(used..).unwrap_or_default();
    }
    regex.push_str(")$");
    regex
}

/// A template with each value that its fields of time have in the range.
fn expanded(template: &str, range: Option<(i64, i64)>, slack_us: i64) -> Result<Vec<String>, String> {
    let mut finest = None;
    let mut rest = template;
    while let Some((_, after)) = rest.split_once('%') {
        let field = after.chars().next();
        match field {
            Some('%') => {}
            Some(field @ ('Y' | 'm' | 'd' | 'H')) => {
                let rank = "YmdH".find(field);
                finest = finest.max(rank);
            }
            _ => {
                return Err(format!(
                    "{} has `%{}`; the fields of time are %Y, %m, %d and %H, and %% is a percent sign",
                    quoted(template),
                    field.map(String::from).unwrap_or_default()
                ));
            }
        }
        rest = after.get(field.map_or(0, char::len_utf8)..).unwrap_or_default();
    }
    let Some(_) = finest else { return Ok(vec![template.replace("%%", "%")]) };
    let Some((from, to)) = range else {
        return Err(format!("{} has fields of time; give the range `from` and `to`", quoted(template)));
    };
    let (first, last) = (from.saturating_sub(slack_us), to.saturating_sub(1).saturating_add(slack_us));
    let (first, last) = (first.div_euclid(HOUR_US), last.div_euclid(HOUR_US));
    /// Ten years.
    const MAX_HOURS: i64 = 87_660;
    if last - first > MAX_HOURS {
        return Err("the range is longer than ten years, too long for names with fields of time".to_owned());
    }
    let mut names: Vec<String> = Vec::new();
    for hour in first..=last {
        let Ok(at) = jiff::Timestamp::from_microsecond(hour * HOUR_US) else { continue };
        let at = at.to_zoned(jiff::tz::TimeZone::UTC);
        let mut name = String::new();
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('%') {
            name.push_str(before);
            let value = match after.chars().next() {
                Some('Y') => format!("{:04}", at.year()),
                Some('m') => format!("{:02}", at.month()),
                Some('d') => format!("{:02}", at.day()),
                Some('H') => format!("{:02}", at.hour()),
                _ => "%".to_owned(),
            };
            name.push_str(&value);
            rest = after.get(1..).unwrap_or_default();
        }
        name.push_str(rest);
        // Hours of one day are neighbours.
        if names.last() != Some(&name) {
            names.push(name);
        }
    }
    names.sort_unstable();
    names.dedup();
    Ok(names)
}

impl AwsLogs {
    fn templates(&self, entry: usize) -> Result<Vec<String>, InputError> {
        let refused =
            |field: &str, problem: &str| InputError::new(format!("input.logs[{entry}].{field}"), problem);
        let needs = |field: &str, values: &[String], what: &str| match values.is_empty() {
            true => Err(refused(field, &format!("is missing; {what}"))),
            false => Ok(()),
        };
        if self.bucket.is_empty() || self.bucket.contains(['*', '?', '%']) {
            return Err(refused(
                "bucket",
                "expected `s3://bucket`, with a prefix if there is one, or a folder",
            ));
        }
        for (field, values) in
            [("accounts", &self.accounts), ("regions", &self.regions), ("names", &self.names)]
        {
            if let Some(value) = values.iter().find(|it| it.is_empty() || it.contains(['*', '?', '%', '/'])) {
                return Err(refused(
                    field,
                    &format!("{} is not a name; patterns cannot be listed by time", quoted(value)),
                ));
            }
        }
        if let Some(account) =
            self.accounts.iter().find(|it| it.len() != 12 || !it.bytes().all(|c| c.is_ascii_digit()))
        {
            return Err(refused(
                "accounts",
                &format!("{} is not an account; an account has twelve digits", quoted(account)),
            ));
        }
        let (is_waf, is_trail) = (self.service == Service::Waf, self.service == Service::CloudTrail);
        let by_account = matches!(
            self.service,
            Service::CloudTrail | Service::LoadBalancer | Service::VpcFlow | Service::Waf
        );
        if by_account {
            needs("accounts", &self.accounts, "name the accounts, as in [\"111122223333\"]")?;
            needs("regions", &self.regions, "name the regions, as in [\"eu-west-1\"]")?;
        }
        if matches!(self.service, Service::Waf | Service::CloudFront) {
            needs("names", &self.names, "name the web ACLs or the distributions")?;
        }
        let unused = |field: &str| {
            Err(refused(
                field,
                "is of no use for this service; leave it out, or give a prefix with the bucket",
            ))
        };
        if !by_account && !self.accounts.is_empty() {
            return unused("accounts");
        }
        if !by_account && !self.regions.is_empty() {
            return unused("regions");
        }
        if !is_waf && self.service != Service::CloudFront && !self.names.is_empty() {
            return unused("names");
        }
        match &self.organization {
            Some(_) if !is_trail => return unused("organization"),
            Some(id)
                if !id.starts_with("o-") || !id.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-') =>
            {
                return Err(refused(
                    "organization",
                    &format!("{} is not an organisation, as in o-a1b2c3d4e5", quoted(id)),
                ));
            }
            _ => {}
        }
        let root = self.bucket.trim_end_matches('/');
        let organization = self.organization.as_ref().map(|it| format!("{it}/")).unwrap_or_default();
        let mut templates = Vec::new();
        let mut by_region = |of: &dyn Fn(&str, &str) -> Vec<String>| {
            for account in &self.accounts {
                for region in &self.regions {
                    templates.extend(of(account, region));
                }
            }
        };
        let day = "%Y/%m/%d/";
        match self.service {
            Service::CloudTrail => by_region(&|account, region| {
                let folder = format!("{root}/AWSLogs/{organization}{account}/CloudTrail/{region}/{day}");
                vec![format!("{folder}{account}_CloudTrail_{region}_%Y%m%dT%H")]
            }),
            Service::LoadBalancer => by_region(&|account, region| {
                vec![format!("{root}/AWSLogs/{account}/elasticloadbalancing/{region}/{day}")]
            }),
            Service::VpcFlow => {
                by_region(&|account, region| {
                    vec![format!("{root}/AWSLogs/{account}/vpcflowlogs/{region}/{day}")]
                });
            }
            Service::Waf => by_region(&|account, region| {
                let of_acl = |acl| format!("{root}/AWSLogs/{account}/WAFLogs/{region}/{acl}/{day}%H/");
                self.names.iter().map(of_acl).collect()
            }),
            Service::CloudFront => {
                templates.extend(self.names.iter().map(|name| format!("{root}/{name}.%Y-%m-%d-%H.")));
            }
            Service::S3Access => templates.push(format!("{root}/%Y-%m-%d-%H-")),
            Service::Firehose => templates.push(format!("{root}/{day}%H/")),
        }
        Ok(templates)
    }
}

#[cfg(test)]
mod tests;
