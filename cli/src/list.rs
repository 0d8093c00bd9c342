//! `mynah list`: pages made from the tables, so that they cannot say anything else than what is there.

use std::ffi::OsString;

use mynah_frontend::riscv64::coverage::{Section, coverage};
use mynah_runtime::linux::compatibility;
use serde_json::json;

use crate::args::Refusal;

/// A list: its name, what it is, the page in Markdown, the same as JSON.
type List = (&'static str, &'static str, fn() -> String, fn() -> serde_json::Value);

static LISTS: &[List] = &[
    ("instructions", "extensions of riscv64, with the instructions that are done and those that are not yet", page, tree),
    (
        "syscalls",
        "system calls of Linux, with who answers them",
        compatibility::compatibility_markdown,
        calls,
    ),
];

/// Prints a list.
pub fn command(words: &[OsString]) -> Result<i32, Refusal> {
    let words: Vec<&str> = words.iter().map(|w| w.to_str().unwrap_or_default()).collect();
    let find = |name: &str| LISTS.iter().find(|list| list.0 == name);
    match words[..] {
        [] | ["--help" | "-h" | "-help"] => Err(Refusal::Show(usage())),
        [name, ref format @ ..] => match (find(name), format) {
            (Some(list), [] | ["--format=markdown"] | ["--format", "markdown"]) => Err(Refusal::Show(list.2())),
            (Some(list), ["--format=json"] | ["--format", "json"]) => Err(Refusal::Show(format!("{:#}\n", list.3()))),
            (Some(_), _) => Err(Refusal::Wrong("the format is markdown or json; try 'mynah list --help'".to_owned())),
            (None, _) => Err(Refusal::Wrong(format!("there is no list '{name}'; try 'mynah list --help'"))),
        },
    }
}

fn usage() -> String {
    let lists: String = LISTS.iter().map(|(name, what, ..)| format!("  {name:<14} {what}\n")).collect();
    format!("Prints what is implemented, from the tables that decide it.\n\nusage: mynah list LIST [--format markdown|json]\n\nLists:\n{lists}")
}

/// The extensions that a section needs, in words.
fn needs(section: &Section) -> String {
    use mynah_frontend::riscv64::Needs;
    let names: Vec<&str> = section.needs.extensions().iter().map(|e| e.name()).collect();
    names.join(match section.needs {
        Needs::Any(_) => " or ",
        Needs::All(_) => " and ",
    })
}

/// The page of instructions in Markdown.
fn page() -> String {
    let sections = coverage();
    let count = |f: fn(&Section) -> usize| sections.iter().map(f).sum::<usize>();
    let mut page = format!(
        "# Instructions of riscv64\n\n\
         {} rows of the table are done, {} not yet. A row is an instruction, a hint, or, where nothing is done yet, a group of \
         encodings. Made by `mynah list instructions`.\n\n\
         | section | needs | done | not yet |\n|---|---|---:|---:|\n",
        count(|s| s.implemented.len()),
        count(|s| s.missing.len()),
    );
    for s in &sections {
        page += &format!("| {} | {} | {} | {} |\n", s.title, needs(s), s.implemented.len(), s.missing.len());
    }
    for s in &sections {
        page += &format!("\n## {}\n\n", s.title);
        let done: Vec<String> = s.implemented.iter().map(|name| format!("`{name}`")).collect();
        if !done.is_empty() {
            page += &format!("Done: {}\n", done.join(", "));
        }
        for (name, why) in &s.missing {
            page += &format!("- not yet: `{name}`: {why}\n");
        }
    }
    page
}

/// The same as JSON: a list of sections.
fn tree() -> serde_json::Value {
    let section = |s: &Section| {
        let missing: Vec<_> = s.missing.iter().map(|(name, why)| json!({ "name": name, "reason": why })).collect();
        json!({ "section": s.title, "needs": needs(s), "done": s.implemented, "not_yet": missing })
    };
    coverage().iter().map(section).collect()
}

/// The system calls as JSON: a list of them.
fn calls() -> serde_json::Value {
    let call = |l: compatibility::Line| {
        json!({ "number": l.number, "name": l.name, "answered_by": l.answered_by, "remark": l.remark })
    };
    compatibility::lines().into_iter().map(call).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pages in `docs` are what the tables say: `mynah list NAME > docs/NAME.md` after a change.
    #[test]
    fn the_pages_in_docs_are_true() {
        for (name, _, page, _) in LISTS {
            let path = format!("{}/docs/{name}.md", env!("CARGO_MANIFEST_DIR"));
            let written = std::fs::read_to_string(&path).unwrap_or_default();
            assert!(written == page(), "{path} is not what `mynah list {name}` prints: write it anew");
        }
    }

    #[test]
    fn every_row_is_on_the_page() {
        let page = page();
        for row in mynah_frontend::riscv64::ROWS {
            assert!(page.contains(&format!("`{}`", row.name)), "{} is not on the page", row.name);
        }
    }
}
