//! The summary for people.

use std::fmt::Write;

use super::model::Report;
use super::output::{unit, weight};

/// Functions that are listed.
const SHOWN: usize = 15;

/// The whole summary.
pub fn summary(report: &Report) -> String {
    let mut out = String::new();
    let t = &report.totals;
    let _ = writeln!(out, "profile of {}", report.command.join(" "));
    let _ = writeln!(out, "  {} programs, {:.1} ms of CPU time", report.programs.len(), t.cpu_ns as f64 / 1e6);
    if report.counts {
        let _ = writeln!(out, "  {} guest instructions in {} executions of {} blocks", t.instructions, t.executions, report.blocks.len());
        let _ = writeln!(out, "  {} loads, {} stores, {} atomic; {} of {} branches taken", t.loads, t.stores, t.atomics, t.taken, t.branches);
    } else {
        let doing: Vec<String> = report.doing.iter().take(6).map(|(name, n)| format!("{name} {}", percent(*n, t.samples))).collect();
        let _ = writeln!(out, "  {} samples at {} Hz: {}", t.samples, report.frequency, doing.join(", "));
    }
    let _ = writeln!(
        out,
        "  {} translations in {:.1} ms; {} system calls in {:.1} ms",
        report.translations.len(),
        t.translate_ns as f64 / 1e6,
        t.system_calls,
        t.system_call_ns as f64 / 1e6
    );
    functions(&mut out, report);
    list(&mut out, "instructions by class", &report.classes, t.instructions);
    list(&mut out, "exits from translated code", &report.exits, report.exits.iter().map(|(_, n)| n).sum());
    if !report.system_calls.is_empty() {
        let _ = writeln!(out, "\n  {:>12} {:>9} {:>7}  system call", "ms", "calls", "errors");
        for call in report.system_calls.iter().take(8) {
            let _ = writeln!(out, "  {:>12.3} {:>9} {:>7}  {}", call.ns as f64 / 1e6, call.count, call.errors, call.name);
        }
    }
    for missing in &report.missing {
        let _ = writeln!(out, "\n  missing: {missing}");
    }
    out
}

fn functions(out: &mut String, report: &Report) {
    let sum: u64 = report.functions.iter().map(|f| weight(report, f)).sum();
    let _ = writeln!(out, "\n  {:>14} {:>6}  function", unit(report), "");
    for f in report.functions.iter().filter(|f| weight(report, f) > 0).take(SHOWN) {
        let own = weight(report, f);
        let module = f.module.rsplit('/').next().unwrap_or("");
        let _ = writeln!(out, "  {own:>14} {:>6}  {} ({module})", percent(own, sum), f.name);
    }
}

fn list(out: &mut String, title: &str, rows: &[(String, u64)], sum: u64) {
    if rows.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n  {title}:");
    for (name, count) in rows.iter().take(12) {
        let _ = writeln!(out, "  {count:>14} {:>6}  {name}", percent(*count, sum));
    }
}

/// A part of a whole.
pub fn percent(part: u64, whole: u64) -> String {
    format!("{:.1}%", part as f64 * 100.0 / whole.max(1) as f64)
}
