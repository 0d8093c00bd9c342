//! The forms in which a profile is written: one row each in [`FORMS`].

use std::collections::BTreeMap;
use std::fmt::Write;

use super::model::{Function, Report};
use super::{binary, html, text};

/// A form.
pub struct Form {
    /// What `--output` calls it.
    pub name: &'static str,
    /// What it is for.
    pub about: &'static str,
    /// Makes the file's content; an error says what the profile lacks for it.
    pub make: fn(&Report) -> Result<Vec<u8>, String>,
}

/// Every form.
pub static FORMS: &[Form] = &[
    Form { name: "text", about: "a summary for people", make: |r| Ok(text::summary(r).into_bytes()) },
    Form { name: "html", about: "one page with everything, for a browser", make: html::page },
    Form { name: "json", about: "everything, for scripts", make: json },
    Form { name: "csv", about: "a table of blocks", make: csv },
    Form { name: "functions", about: "a table of functions, as CSV", make: functions_csv },
    Form { name: "folded", about: "stacks for flame graphs, one a line", make: folded },
    Form { name: "callgrind", about: "costs by line and instruction, for kcachegrind", make: callgrind },
    Form { name: "pprof", about: "for `pprof`", make: binary::pprof },
    Form { name: "firefox", about: "for profiler.firefox.com", make: binary::firefox },
    Form { name: "drcov", about: "coverage by block, for Lighthouse and the like", make: binary::drcov },
    Form { name: "lcov", about: "coverage by source line, for genhtml", make: lcov },
];

fn json(report: &Report) -> Result<Vec<u8>, String> {
    serde_json::to_vec(report).map_err(|error| error.to_string())
}

/// A field of CSV (RFC 4180).
fn quoted(field: &str) -> String {
    if field.contains([',', '"', '\n', '\r']) { format!("\"{}\"", field.replace('"', "\"\"")) } else { field.to_owned() }
}

fn csv(report: &Report) -> Result<Vec<u8>, String> {
    let mut out = String::from("module,function,address,length,executions,taken,aborted,instructions,samples,translated,file,line\n");
    for block in &report.blocks {
        let function = &report.functions[block.function];
        let _ = writeln!(
            out,
            "{},{},{:#x},{},{},{},{},{},{},{},{},{}",
            quoted(&function.module),
            quoted(&function.name),
            block.address,
            block.length,
            block.executions,
            block.taken,
            block.aborted,
            block.instructions,
            block.samples,
            u8::from(block.translated),
            quoted(&block.file),
            block.line
        );
    }
    Ok(out.into_bytes())
}

fn functions_csv(report: &Report) -> Result<Vec<u8>, String> {
    let mut out = String::from(
        "module,function,address,instructions,calls,samples,total_samples,translations,retranslations,invalidations,\
         translate_ns,guest_bytes,host_bytes,exits,file,line\n",
    );
    for f in &report.functions {
        let exits: u64 = f.exits.iter().map(|(_, count)| count).sum();
        let _ = writeln!(
            out,
            "{},{},{:#x},{},{},{},{},{},{},{},{},{},{},{exits},{},{}",
            quoted(&f.module),
            quoted(&f.name),
            f.start,
            f.instructions,
            f.calls,
            f.samples,
            f.total_samples,
            f.translations,
            f.retranslations,
            f.invalidations,
            f.translate_ns,
            f.guest_bytes,
            f.host_bytes,
            quoted(&f.file),
            f.line
        );
    }
    Ok(out.into_bytes())
}

/// Brendan Gregg's form: function names from the outside in, separated by semicolons, a blank and a weight.
fn folded(report: &Report) -> Result<Vec<u8>, String> {
    let mut lines: BTreeMap<String, u64> = BTreeMap::new();
    for stack in &report.stacks {
        let mut names: Vec<String> =
            stack.functions.iter().map(|f| report.functions[*f].name.replace(';', ",").replace('\n', " ")).collect();
        names.extend((stack.doing.starts_with('[') || stack.doing == "translating").then(|| stack.doing.clone()));
        *lines.entry(names.join(";")).or_default() += stack.weight;
    }
    let text: String = lines.iter().map(|(stack, weight)| format!("{stack} {weight}\n")).collect();
    Ok(text.into_bytes())
}

/// What a function's or block's costs are in: instructions where they were counted, else samples.
pub fn unit(report: &Report) -> &'static str {
    if report.counts { "instructions" } else { "samples" }
}

/// A function's own weight in that unit.
pub fn weight(report: &Report, function: &Function) -> u64 {
    if report.counts { function.instructions } else { function.samples }
}

/// Valgrind's "Callgrind Format Specification", version 1: costs at block addresses and lines. Calls have no lines, since
/// nobody measured what a call costs with all that it calls.
fn callgrind(report: &Report) -> Result<Vec<u8>, String> {
    let event = if report.counts { "Ir : Guest instructions" } else { "Samples : Samples" };
    let name = event.split(' ').next().unwrap_or("Ir");
    let mut out = format!(
        "# callgrind format\nversion: 1\ncreator: mynah {}\ncmd: {}\npositions: instr line\nevent: {event}\nevents: {name}\n",
        env!("CARGO_PKG_VERSION"),
        report.command.join(" ").replace('\n', " ")
    );
    let mut by_function: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (index, block) in report.blocks.iter().enumerate() {
        by_function.entry(block.function).or_default().push(index);
    }
    let mut sum = 0;
    for (function, blocks) in by_function {
        let f = &report.functions[function];
        let _ = write!(out, "\nob={}\nfl={}\nfn={}\n", f.module, if f.file.is_empty() { "???" } else { &f.file }, f.name);
        for block in blocks.iter().map(|index| &report.blocks[*index]) {
            let cost = if report.counts { block.instructions } else { block.samples };
            sum += cost;
            if !block.file.is_empty() && block.file != f.file {
                let _ = writeln!(out, "fi={}", block.file);
            }
            let _ = writeln!(out, "{:#x} {} {cost}", block.address, block.line);
            if !block.file.is_empty() && block.file != f.file {
                let _ = writeln!(out, "fe={}", if f.file.is_empty() { "???" } else { &f.file });
            }
        }
    }
    let _ = write!(out, "\ntotals: {sum}\n");
    Ok(out.into_bytes())
}

/// The form of `lcov`'s tracefiles (geninfo(1)): how often the blocks that begin on a line were executed.
fn lcov(report: &Report) -> Result<Vec<u8>, String> {
    if !report.counts {
        return Err("coverage needs a profile with --counts".to_owned());
    }
    let mut files: BTreeMap<&str, BTreeMap<u32, u64>> = BTreeMap::new();
    for block in report.blocks.iter().filter(|block| !block.file.is_empty() && block.line > 0) {
        let count = files.entry(&block.file).or_default().entry(block.line).or_default();
        *count = (*count).max(block.executions);
    }
    if files.is_empty() {
        return Err("no code of this profile has debug information that names source lines".to_owned());
    }
    let mut out = String::new();
    for (file, lines) in files {
        let _ = writeln!(out, "TN:\nSF:{file}");
        let functions = report.functions.iter().filter(|f| f.file == file && f.calls > 0);
        for f in functions {
            let _ = writeln!(out, "FN:{},{}\nFNDA:{},{}", f.line, f.name, f.calls, f.name);
        }
        lines.iter().for_each(|(line, count)| out.push_str(&format!("DA:{line},{count}\n")));
        let _ = writeln!(out, "LH:{}\nLF:{}\nend_of_record", lines.values().filter(|n| **n > 0).count(), lines.len());
    }
    Ok(out.into_bytes())
}
