//! How much of the ISA is implemented, counted from the table.

use super::row::{Class, Needs, Row};
use super::table::ROWS;

/// One section of the table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Section {
    /// The section's title.
    pub title: &'static str,
    /// The extensions that bring its rows.
    pub needs: Needs,
    /// Rows that decode and execute, and hints and pseudo-instructions that execute as one of them.
    pub implemented: Vec<&'static str>,
    /// Rows that do not, each with the reason.
    pub missing: Vec<(&'static str, &'static str)>,
}

/// The table's sections in order.
pub fn coverage() -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    for row in ROWS {
        if sections.last().is_none_or(|s| s.title != row.section) {
            sections.push(Section::of(row));
        }
        let Some(section) = sections.last_mut() else { continue };
        match row.class {
            Class::NotYet(reason) => section.missing.push((row.name, reason)),
            _ => section.implemented.push(row.name),
        }
    }
    sections
}

impl Section {
    fn of(row: &Row) -> Section {
        Section { title: row.section, needs: row.needs, implemented: Vec::new(), missing: Vec::new() }
    }
}
