//! The page that tells which system calls work, made from the table.

use std::fmt::Write;

use super::table::{Decision, ROWS, Row};

/// What the page says of a decision.
fn answered_by(row: &Row) -> String {
    match row.decision {
        Decision::Done(_) => "Mynah".to_string(),
        Decision::Pass(_) | Decision::Wait(_) => "the host's kernel".to_string(),
        Decision::Flat(_) | Decision::FlatWait(_) => "the host's kernel, with guest base 0".to_string(),
        Decision::Refused(errno) => format!("always {errno:?}"),
    }
}

/// What the page says of a system call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    /// Number in Linux's generic list.
    pub number: u64,
    /// Its name.
    pub name: &'static str,
    /// Who answers it.
    pub answered_by: String,
    /// The reason of a refusal, or what else there is to say.
    pub remark: &'static str,
}

/// A line for each system call of the generic list.
pub fn lines() -> Vec<Line> {
    let line = |row: &Row| Line {
        number: row.number as u64,
        name: row.name,
        answered_by: answered_by(row),
        remark: row.note,
    };
    ROWS.iter().map(line).collect()
}

/// A page in Markdown: a line for each system call of the generic list.
pub fn compatibility_markdown() -> String {
    let refused = ROWS.iter().filter(|row| matches!(row.decision, Decision::Refused(_))).count();
    let mut page = format!(
        "# System calls\n\n\
         Linux 6.18 has {} system calls for riscv64. Mynah answers {} and refuses {refused}. Numbers that are not here fail \
         with ENOSYS.\n\n\
         | number | name | answered by | remark |\n|---:|---|---|---|\n",
        ROWS.len(),
        ROWS.len() - refused,
    );
    for Line { number, name, answered_by, remark } in lines() {
        writeln!(page, "| {number} | `{name}` | {answered_by} | {remark} |")
            .expect("writing to a string");
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_has_its_line_and_every_refusal_its_reason() {
        let page = compatibility_markdown();
        assert_eq!(page.lines().filter(|line| line.starts_with("| ") && line.contains('`')).count(), ROWS.len());
        assert!(page.contains("| 63 | `read` | the host's kernel |  |"));
        assert!(page.contains("| 117 | `ptrace` | always ENOSYS | the registers"));
    }
}
