//! Forms that other programs define: pprof, the Firefox profiler, drcov.

use std::collections::HashMap;
use std::io::Write;

use flate2::{Compression, write::GzEncoder};
use prost::Message;
use serde_json::{Value, json};

use super::model::Report;
use super::output::unit;

/// The messages of pprof's `proto/profile.proto`, as far as they are filled.
mod proto {
    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Profile {
        #[prost(message, repeated, tag = "1")]
        pub sample_type: Vec<ValueType>,
        #[prost(message, repeated, tag = "2")]
        pub sample: Vec<Sample>,
        #[prost(message, repeated, tag = "3")]
        pub mapping: Vec<Mapping>,
        #[prost(message, repeated, tag = "4")]
        pub location: Vec<Location>,
        #[prost(message, repeated, tag = "5")]
        pub function: Vec<Function>,
        #[prost(string, repeated, tag = "6")]
        pub string_table: Vec<String>,
        #[prost(message, optional, tag = "11")]
        pub period_type: Option<ValueType>,
        #[prost(int64, tag = "12")]
        pub period: i64,
    }
    #[derive(Clone, Copy, PartialEq, prost::Message)]
    pub struct ValueType {
        #[prost(int64, tag = "1")]
        pub r#type: i64,
        #[prost(int64, tag = "2")]
        pub unit: i64,
    }
    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Sample {
        #[prost(uint64, repeated, tag = "1")]
        pub location_id: Vec<u64>,
        #[prost(int64, repeated, tag = "2")]
        pub value: Vec<i64>,
    }
    #[derive(Clone, Copy, PartialEq, prost::Message)]
    pub struct Mapping {
        #[prost(uint64, tag = "1")]
        pub id: u64,
        #[prost(uint64, tag = "3")]
        pub memory_limit: u64,
        #[prost(int64, tag = "5")]
        pub filename: i64,
        #[prost(bool, tag = "7")]
        pub has_functions: bool,
    }
    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Location {
        #[prost(uint64, tag = "1")]
        pub id: u64,
        #[prost(uint64, tag = "2")]
        pub mapping_id: u64,
        #[prost(uint64, tag = "3")]
        pub address: u64,
        #[prost(message, repeated, tag = "4")]
        pub line: Vec<Line>,
    }
    #[derive(Clone, Copy, PartialEq, prost::Message)]
    pub struct Line {
        #[prost(uint64, tag = "1")]
        pub function_id: u64,
        #[prost(int64, tag = "2")]
        pub line: i64,
    }
    #[derive(Clone, Copy, PartialEq, prost::Message)]
    pub struct Function {
        #[prost(uint64, tag = "1")]
        pub id: u64,
        #[prost(int64, tag = "2")]
        pub name: i64,
        #[prost(int64, tag = "3")]
        pub system_name: i64,
        #[prost(int64, tag = "4")]
        pub filename: i64,
        #[prost(int64, tag = "5")]
        pub start_line: i64,
    }
}

/// Strings by number; number 0 is the empty one.
struct Strings {
    list: Vec<String>,
    numbers: HashMap<String, i64>,
}

impl Strings {
    fn new() -> Strings {
        Strings { list: vec![String::new()], numbers: HashMap::from([(String::new(), 0)]) }
    }

    fn number(&mut self, text: &str) -> i64 {
        let next = self.list.len() as i64;
        *self.numbers.entry(text.to_owned()).or_insert_with(|| {
            self.list.push(text.to_owned());
            next
        })
    }
}

/// A pprof profile, compressed as `pprof` expects it.
pub fn pprof(report: &Report) -> Result<Vec<u8>, String> {
    let mut strings = Strings::new();
    let kind = proto::ValueType { r#type: strings.number(unit(report)), unit: strings.number("count") };
    let mut modules: HashMap<&str, u64> = HashMap::new();
    let (mut mapping, mut location, mut function) = (Vec::new(), Vec::new(), Vec::new());
    for (index, f) in report.functions.iter().enumerate() {
        let id = index as u64 + 1;
        let next = modules.len() as u64 + 1;
        let mapping_id = *modules.entry(&f.module).or_insert_with(|| {
            mapping.push(proto::Mapping {
                id: next,
                memory_limit: u64::MAX,
                filename: strings.number(&f.module),
                has_functions: true,
            });
            next
        });
        let line = vec![proto::Line { function_id: id, line: i64::from(f.line) }];
        location.push(proto::Location { id, mapping_id, address: f.start, line });
        let name = strings.number(&f.name);
        let filename = strings.number(&f.file);
        function.push(proto::Function { id, name, system_name: name, filename, start_line: i64::from(f.line) });
    }
    let samples = report.stacks.iter().map(|stack| proto::Sample {
        location_id: stack.functions.iter().rev().map(|f| *f as u64 + 1).collect(),
        value: vec![stack.weight as i64],
    });
    let profile = proto::Profile {
        sample_type: vec![kind],
        sample: samples.collect(),
        mapping,
        location,
        function,
        string_table: strings.list,
        period_type: Some(kind),
        period: 1,
    };
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(&profile.encode_to_vec()).and_then(|()| encoder.finish()).map_err(|error| error.to_string())
}

/// The Firefox profiler's "processed profile format", version 46 of `profile-logic/processed-profile-versioning.js`: one
/// thread, with a sample for each time.
pub fn firefox(report: &Report) -> Result<Vec<u8>, String> {
    let mut threads = Vec::new();
    let mut tids: Vec<u32> = report.stacks.iter().map(|stack| stack.tid).collect();
    tids.sort_unstable();
    tids.dedup();
    for tid in tids {
        threads.push(firefox_thread(report, tid));
    }
    let interval = if report.frequency == 0 { 1.0 } else { 1000.0 / f64::from(report.frequency) };
    let profile = json!({
        "meta": {
            "interval": interval, "startTime": 0, "processType": 0, "product": report.command.join(" "), "stackwalk": 1,
            "version": 29, "preprocessedProfileVersion": 46, "symbolicated": true, "markerSchema": [],
            "categories": [
                {"name": "tier1", "color": "blue", "subcategories": ["Other"]},
                {"name": "tier0", "color": "yellow", "subcategories": ["Other"]},
                {"name": "system call", "color": "green", "subcategories": ["Other"]},
                {"name": "translating", "color": "red", "subcategories": ["Other"]},
            ],
        },
        "libs": [], "pages": [], "counters": [], "threads": threads,
    });
    serde_json::to_vec(&profile).map_err(|error| error.to_string())
}

/// Which of the categories above.
fn category(doing: &str) -> usize {
    match doing {
        "tier0" => 1,
        "translating" => 3,
        _ if doing.starts_with('[') => 2,
        _ => 0,
    }
}

fn firefox_thread(report: &Report, tid: u32) -> Value {
    let mut strings = Strings::new();
    let names: Vec<i64> = report.functions.iter().map(|f| strings.number(&f.name)).collect();
    let files: Vec<Value> = (report.functions.iter())
        .map(|f| if f.file.is_empty() { Value::Null } else { json!(strings.number(&f.file)) })
        .collect();
    let n = report.functions.len();
    let nulls = vec![Value::Null; n];
    // (prefix, frame, category) of each stack.
    let mut stacks: Vec<(Option<usize>, usize, usize)> = Vec::new();
    let mut known: HashMap<(Option<usize>, usize, usize), usize> = HashMap::new();
    let mut samples: Vec<(u64, usize, u64)> = Vec::new();
    for stack in report.stacks.iter().filter(|stack| stack.tid == tid && !stack.functions.is_empty()) {
        let category = category(&stack.doing);
        let mut at = None;
        for frame in &stack.functions {
            let key = (at, *frame, category);
            let next = stacks.len();
            at = Some(*known.entry(key).or_insert_with(|| {
                stacks.push(key);
                next
            }));
        }
        let Some(at) = at else { continue };
        let weight = if stack.times.is_empty() { stack.weight } else { 1 };
        let times = if stack.times.is_empty() { &[0][..] } else { &stack.times };
        samples.extend(times.iter().map(|time| (*time, at, weight)));
    }
    samples.sort_unstable();
    let frames: Vec<usize> = (0..n).collect();
    let last = samples.last().map_or(0, |sample| sample.0);
    json!({
        "processType": "default", "processStartupTime": 0, "processShutdownTime": last as f64 / 1e6, "registerTime": 0,
        "unregisterTime": null, "pausedRanges": [], "name": format!("thread {tid}"), "isMainThread": true,
        "pid": tid.to_string(), "tid": tid, "processName": report.command.first().cloned().unwrap_or_default(),
        "samples": {
            "weightType": if report.counts { "tracing-ms" } else { "samples" },
            "weight": samples.iter().map(|s| s.2).collect::<Vec<_>>(),
            "stack": samples.iter().map(|s| s.1).collect::<Vec<_>>(),
            "time": samples.iter().map(|s| s.0 as f64 / 1e6).collect::<Vec<_>>(),
            "length": samples.len(),
        },
        "markers": {"data": [], "name": [], "startTime": [], "endTime": [], "phase": [], "category": [], "length": 0},
        "stackTable": {
            "frame": stacks.iter().map(|s| s.1).collect::<Vec<_>>(),
            "prefix": stacks.iter().map(|s| s.0).collect::<Vec<_>>(),
            "category": stacks.iter().map(|s| s.2).collect::<Vec<_>>(),
            "subcategory": vec![0; stacks.len()],
            "length": stacks.len(),
        },
        "frameTable": {
            "address": vec![-1; n], "inlineDepth": vec![0; n], "category": nulls, "subcategory": nulls, "func": frames,
            "nativeSymbol": nulls, "innerWindowID": vec![0; n], "implementation": nulls,
            "line": report.functions.iter().map(|f| f.line).collect::<Vec<_>>(), "column": nulls, "length": n,
        },
        "funcTable": {
            "isJS": vec![false; n], "relevantForJS": vec![false; n], "name": names, "resource": vec![-1; n],
            "fileName": files, "lineNumber": nulls, "columnNumber": nulls, "length": n,
        },
        "resourceTable": {"lib": [], "name": [], "host": [], "type": [], "length": 0},
        "nativeSymbols": {"libIndex": [], "address": [], "name": [], "functionSize": [], "length": 0},
        "stringArray": strings.list,
    })
}

/// DynamoRIO's drcov, version 2: a table of modules, then 8 bytes for each block: start (32 bits), size, module (16 each).
pub fn drcov(report: &Report) -> Result<Vec<u8>, String> {
    let mut modules: Vec<(&str, u64)> = Vec::new();
    let mut blocks: Vec<(u32, u16, u16)> = Vec::new();
    let run = |block: &&super::model::Block| block.executions + block.aborted + block.samples > 0;
    for block in report.blocks.iter().filter(run) {
        let module = report.functions[block.function].module.as_str();
        let end = block.address + block.code.len() as u64 / 2;
        let index = match modules.iter().position(|(known, _)| *known == module) {
            Some(index) => index,
            None => {
                modules.push((module, 0));
                modules.len() - 1
            }
        };
        // What is in no file has no offset that would fit.
        if let Ok(start) = u32::try_from(block.address) {
            modules[index].1 = modules[index].1.max(end);
            blocks.push((start, (end - block.address) as u16, index as u16));
        }
    }
    let mut out = format!(
        "DRCOV VERSION: 2\nDRCOV FLAVOR: mynah\nModule Table: version 2, count {}\nColumns: id, base, end, entry, path\n",
        modules.len()
    )
    .into_bytes();
    for (index, (name, end)) in modules.iter().enumerate() {
        out.extend(format!("{index}, 0x0, {end:#x}, 0x0, {name}\n").bytes());
    }
    out.extend(format!("BB Table: {} bbs\n", blocks.len()).bytes());
    for (start, size, module) in blocks {
        out.extend(start.to_le_bytes());
        out.extend(size.to_le_bytes());
        out.extend(module.to_le_bytes());
    }
    Ok(out)
}
