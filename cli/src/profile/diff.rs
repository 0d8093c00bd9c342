//! Two profiles compared.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::model::Report;
use super::output::{unit, weight};

/// Rows of each table.
const SHOWN: usize = 20;

/// The comparison as text, and by how many percent the second profile has more in all.
pub fn compare(before: &Report, after: &Report) -> Result<(String, f64), String> {
    if before.counts != after.counts {
        return Err("one profile has counts, the other samples".to_owned());
    }
    let total = |report: &Report| report.functions.iter().map(|f| weight(report, f)).sum::<u64>();
    let (old, new) = (total(before), total(after));
    let growth = if old == 0 { if new == 0 { 0.0 } else { f64::INFINITY } } else { (new as f64 / old as f64 - 1.0) * 100.0 };
    let mut out = format!("{}: {old} -> {new} ({growth:+.2}%)\n", unit(before));
    if before.counts {
        let (a, b) = (before.totals.executions, after.totals.executions);
        let _ = writeln!(out, "executions of blocks: {a} -> {b}");
    }
    functions(&mut out, before, after);
    blocks(&mut out, before, after);
    Ok((out, growth))
}

/// What a profile has by function; a module's folder may differ.
fn by_function(report: &Report) -> BTreeMap<(String, String), (u64, u64)> {
    let mut map = BTreeMap::new();
    for f in &report.functions {
        let module = f.module.rsplit('/').next().unwrap_or("").to_owned();
        let entry: &mut (u64, u64) = map.entry((f.name.clone(), module)).or_default();
        entry.0 += weight(report, f);
        entry.1 += f.calls;
    }
    map
}

fn functions(out: &mut String, before: &Report, after: &Report) {
    let (old, new) = (by_function(before), by_function(after));
    let keys: BTreeSet<_> = old.keys().chain(new.keys()).collect();
    let mut rows: Vec<_> = keys
        .into_iter()
        .map(|key| (key, old.get(key).copied().unwrap_or_default(), new.get(key).copied().unwrap_or_default()))
        .filter(|(_, a, b)| a != b)
        .collect();
    rows.sort_by_key(|(_, a, b)| std::cmp::Reverse(b.0.abs_diff(a.0)));
    if rows.is_empty() {
        out.push_str("no function differs\n");
        return;
    }
    let _ = writeln!(out, "\n{:>14} {:>14} {:>14}  {:>12}  function", "before", "after", "difference", "calls");
    for ((name, module), a, b) in rows.iter().take(SHOWN) {
        let (difference, calls) = (b.0 as i128 - a.0 as i128, b.1 as i128 - a.1 as i128);
        let _ = writeln!(out, "{:>14} {:>14} {difference:>+14}  {calls:>+12}  {name} ({module})", a.0, b.0);
    }
    if rows.len() > SHOWN {
        let _ = writeln!(out, "and {} more functions", rows.len() - SHOWN);
    }
}

/// Blocks by what does not change when a program is linked anew: their function, and their code.
fn by_block(report: &Report) -> BTreeMap<(String, String), u64> {
    let mut map = BTreeMap::new();
    for block in &report.blocks {
        let key = (report.functions[block.function].name.clone(), block.code.clone());
        *map.entry(key).or_default() += block.executions + block.samples;
    }
    map
}

fn blocks(out: &mut String, before: &Report, after: &Report) {
    let (old, new) = (by_block(before), by_block(after));
    for (title, here, there) in [("new blocks", &new, &old), ("blocks that are gone", &old, &new)] {
        let mut rows: Vec<_> = here.iter().filter(|(key, _)| !there.contains_key(*key)).collect();
        rows.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        if rows.is_empty() {
            continue;
        }
        let _ = writeln!(out, "\n{title}: {}", rows.len());
        for ((function, code), count) in rows.iter().take(SHOWN / 2) {
            let code = if code.len() > 32 { format!("{}...", &code[..32]) } else { code.clone() };
            let _ = writeln!(out, "{count:>14}  {function}: {code}");
        }
    }
}
