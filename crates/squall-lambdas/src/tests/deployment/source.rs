//! A minimal Rust reader: finds the functions that a source defines, and their calls.

use std::path::{Path, PathBuf};

/// A function in a source.
pub(crate) struct Definition {
    pub(crate) file: PathBuf,
    /// The type of the `impl` that contains it.
    pub(crate) owner: Option<String>,
    pub(crate) name: String,
    /// Whether it is a trait's, or public.
    pub(crate) is_open: bool,
    pub(crate) takes_arguments: bool,
    pub(crate) calls: Vec<Call>,
}

/// A call by its name.
pub(crate) struct Call {
    pub(crate) name: String,
    pub(crate) of: Of,
    pub(crate) has_arguments: bool,
}

/// The receiver of a call.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Of {
    /// `name(…)`
    Nothing,
    /// `self.name(…)`, `self.0.name(…)`, `Self::name(…)`
    Itself,
    /// `anything.name(…)`
    Something,
}

/// The functions that a source defines.
pub(crate) fn definitions(file: &Path, source: &str) -> Vec<Definition> {
    let code = bare(source);
    let mut found = Vec::new();
    let mut owners: Vec<(usize, usize, String, bool)> = Vec::new();
    for (at, _) in code.match_indices("\nimpl").filter(|(at, _)| !code[at + 5..].starts_with(is_of_name)) {
        let open = at + code[at..].find('{').unwrap();
        let header = code[at + 5..open].replace("->", "  ");
        let header = header.strip_prefix('<').map_or(&*header, |it| &it[closed(it, '<', '>')..]);
        let (of_trait, owner) = match header.split_once(" for ") {
            Some((_, owner)) => (true, owner),
            None => (false, header),
        };
        let owner: String = owner.trim().chars().take_while(|it| is_of_name(*it)).collect();
        owners.push((open, open + closed(&code[open + 1..], '{', '}'), owner, of_trait));
    }
    for (at, _) in code.match_indices("fn ").filter(|(at, _)| !code[..*at].ends_with(is_of_name)) {
        let name: String = code[at + 3..].chars().take_while(|it| is_of_name(*it)).collect();
        let after = at + 3 + name.len();
        let generic =
            code[after..].strip_prefix('<').map_or(0, |it| 1 + closed(&it.replace("->", "  "), '<', '>'));
        let Some(parameters) = code[after + generic..].strip_prefix('(') else { continue };
        let n_parameters = closed(parameters, '(', ')');
        let rest = after + generic + 1 + n_parameters;
        let Some(open) = code[rest..].find(['{', ';']).map(|it| rest + it) else { continue };
        if code[open..].starts_with(';') {
            continue;
        }
        let body = &code[open + 1..][..closed(&code[open + 1..], '{', '}')];
        let beside_self = parameters[..n_parameters - 1].replace("mut ", "");
        let beside_self = beside_self.trim().trim_start_matches('&').trim_start_matches("self");
        let owner = owners.iter().find(|(from, to, ..)| (*from..*to).contains(&at));
        let line = code[..at].rsplit('\n').next().unwrap_or_default();
        found.push(Definition {
            file: file.to_owned(),
            owner: owner.map(|(_, _, owner, _)| owner.clone()),
            name,
            is_open: owner.is_some_and(|(.., of_trait)| *of_trait) || line.contains("pub "),
            takes_arguments: beside_self.contains(is_of_name),
            calls: calls(body),
        });
    }
    found
}

/// The calls in a function's body.
fn calls(body: &str) -> Vec<Call> {
    let mut found = Vec::new();
    for (at, _) in body.match_indices('(') {
        let before = &body[..at];
        let name_at = before.rfind(|it| !is_of_name(it)).map_or(0, |it| it + 1);
        let (before, name) = before.split_at(name_at);
        let of = match before.trim_end() {
            _ if name.is_empty() || before.ends_with("fn ") => continue,
            before if before.ends_with("Self::") => Of::Itself,
            before if before.ends_with("::") => continue,
            before => match before.strip_suffix('.') {
                None => Of::Nothing,
                Some(receiver) => {
                    let receiver = receiver.trim_end().trim_end_matches(".0");
                    let is_self =
                        receiver.ends_with("self") && !receiver[..receiver.len() - 4].ends_with(is_of_name);
                    if is_self { Of::Itself } else { Of::Something }
                }
            },
        };
        let has_arguments = !body[at + 1..].trim_start().starts_with(')');
        found.push(Call { name: name.to_owned(), of, has_arguments });
    }
    found
}

fn is_of_name(it: char) -> bool {
    it.is_alphanumeric() || it == '_'
}

/// Number of bytes up to and including the delimiter that closes the one before the text.
pub(crate) fn closed(text: &str, opening: char, closing: char) -> usize {
    let mut depth = 1;
    for (at, it) in text.char_indices() {
        if it == opening {
            depth += 1;
        } else if it == closing {
            depth -= 1;
        }
        if depth == 0 {
            return at + it.len_utf8();
        }
    }
    panic!("{opening} is not closed")
}

/// A source without the content of its comments and strings.
pub(crate) fn bare(source: &str) -> String {
    let mut code = String::from("\n");
    let mut rest = source;
    while let Some(it) = rest.chars().next() {
        let n_skipped = match it {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            'r' if rest.starts_with("r#\"") && !code.ends_with(is_of_name) => {
                3 + rest[3..].find("\"#").unwrap() + 2
            }
            '"' => 1 + text_length(&rest[1..]),
            '\'' => character_length(rest),
            _ => 0,
        };
        if n_skipped == 0 {
            code.push(it);
            rest = &rest[it.len_utf8()..];
        } else {
            // A string still counts as something, such as an argument.
            code.push_str(if rest.starts_with("//") { "" } else { "text" });
            rest = &rest[n_skipped..];
        }
    }
    code
}

/// Bytes of a string and its closing quote.
fn text_length(text: &str) -> usize {
    let mut escaped = false;
    for (at, it) in text.char_indices() {
        match it {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// Bytes of a character literal; 0 for a lifetime.
fn character_length(text: &str) -> usize {
    let content = &text[1..];
    let n_escape = usize::from(content.starts_with('\\'));
    let Some(it) = content[n_escape..].chars().next() else { return 0 };
    let n_content = n_escape + it.len_utf8();
    if content[n_content..].starts_with('\'') { 1 + n_content + 1 } else { 0 }
}

#[test]
fn code_is_read_without_its_comments_and_texts() {
    let source = "// fn no()\nimpl<T: Fn(u8) -> u8> Port for Thing<T> {\n    async fn a<'a>(&self, b: &'a str) {\n        \
                  self.c('(', \"d(\");\n        self.client.get().await.put_item().send()\n    }\n}\n\
                  fn c(_: char) { a::b(); e(r#\"\"f(\"#) }\n";
    let found = definitions(Path::new("thing.rs"), source);
    let told = |it: &Definition| {
        let call = |it: &Call| {
            let of = match it.of {
                Of::Nothing => "",
                Of::Itself => "self.",
                Of::Something => ".",
            };
            format!("{of}{}{}", it.name, if it.has_arguments { "(_)" } else { "()" })
        };
        let calls: Vec<_> = it.calls.iter().map(call).collect();
        format!("{:?} {} {} {}: {}", it.owner, it.name, it.is_open, it.takes_arguments, calls.join(" "))
    };
    let told: Vec<_> = found.iter().map(told).collect();
    assert_eq!(
        told,
        ["Some(\"Thing\") a true true: self.c(_) .get() .put_item() .send()", "None c false true: e(_)"]
    );
}
