//! What was measured, as text, as Markdown and as JSON.

use serde_json::{Value, json};

use crate::programs::{GROUPS, Group, Measure, SLOWEST, Start, What};
use crate::running::{Cost, load};

/// Places of the contenders in a row's costs.
pub const NATIVE: usize = 0;
pub const QEMU: usize = 1;
pub const MYNAH: usize = 2;
/// Mynah with a cache that is filled; only in rows of starts.
pub const WARM: usize = 3;

/// How the report is printed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Text,
    Markdown,
    Json,
}

impl Format {
    /// The format of this name.
    pub fn parse(name: &str) -> Result<Format, String> {
        match name {
            "text" => Ok(Format::Text),
            "markdown" => Ok(Format::Markdown),
            "json" => Ok(Format::Json),
            _ => Err(format!("--format: '{name}' is none of text, markdown and json")),
        }
    }
}

/// When and with what was measured.
pub struct Caption {
    date: String,
    runs: usize,
    qemu: String,
    cores: usize,
    /// Processes that wanted to run beside the benchmark.
    load: f64,
}

impl Caption {
    /// The caption of a run that begins now.
    pub fn new(runs: usize, qemu: Option<String>) -> Caption {
        let date = crate::running::first_line(std::process::Command::new("date").arg("+%F"));
        let qemu = qemu.unwrap_or_default();
        // "qemu-riscv64 version 10.0.8 (Debian …)"
        let version = qemu.split_whitespace().skip_while(|word| *word != "version").nth(1);
        Caption {
            date: date.unwrap_or_default(),
            runs,
            qemu: version.unwrap_or("of unknown version").to_owned(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            load: load(),
        }
    }

    fn text(&self) -> String {
        let busy = if self.load > self.cores as f64 / 2.0 { "busy" } else { "idle" };
        format!(
            "{}: Mynah {}, QEMU user-mode {}, native; medians of {} runs in turn; {} cores, {busy} (load {:.0} at the start)",
            self.date,
            env!("CARGO_PKG_VERSION"),
            self.qemu,
            self.runs,
            self.cores,
            self.load
        )
    }
}

/// A program that computes.
pub struct Row {
    pub name: &'static str,
    pub group: &'static Group,
    pub measure: Measure,
    /// Medians of native, QEMU, Mynah, and the other Mynah if there is one.
    pub costs: Vec<Cost>,
}

/// A program that starts.
pub struct StartRow {
    pub start: &'static Start,
    /// Medians of native, QEMU, Mynah without a cache, Mynah with one, and the other Mynah if there is one.
    pub costs: Vec<Cost>,
}

pub struct Report {
    pub caption: Caption,
    pub rows: Vec<Row>,
    pub starts: Vec<StartRow>,
}

impl Row {
    pub fn seconds(&self, contender: usize) -> f64 {
        // What is below the clock's step does not divide.
        self.costs[contender].time(self.measure).max(1e-4)
    }

    /// How many times as long `a` takes as `b`.
    pub fn ratio(&self, a: usize, b: usize) -> f64 {
        self.seconds(a) / self.seconds(b)
    }

    fn note(&self) -> String {
        let limits = [
            (self.ratio(MYNAH, NATIVE) > SLOWEST, format!("over {SLOWEST} × native")),
            (self.ratio(QEMU, MYNAH) < 1.0, "slower than QEMU".to_owned()),
            (self.measure == Measure::Wall, "by the clock".to_owned()),
        ];
        joined(limits)
    }
}

/// The texts that apply.
fn joined(notes: impl IntoIterator<Item = (bool, String)>) -> String {
    notes.into_iter().filter(|(applies, _)| *applies).map(|(_, text)| text).collect::<Vec<_>>().join(", ")
}

fn geometric_mean(values: impl Iterator<Item = f64>) -> f64 {
    let logs: Vec<f64> = values.map(f64::ln).collect();
    (logs.iter().sum::<f64>() / logs.len() as f64).exp()
}

/// The ratios of a table: contender by contender, with the name of each.
fn ratios(others: bool) -> Vec<(usize, usize, &'static str)> {
    let mut all =
        vec![(MYNAH, NATIVE, "Mynah / native"), (QEMU, NATIVE, "QEMU / native"), (QEMU, MYNAH, "QEMU / Mynah")];
    if others {
        all.push((MYNAH + 1, MYNAH, "other / Mynah"));
    }
    all
}

impl Report {
    /// The groups that were measured, with their rows.
    pub fn groups(&self) -> impl Iterator<Item = (&'static Group, Vec<&Row>)> {
        let rows = |group: &Group| self.rows.iter().filter(|row| row.group.name == group.name).collect::<Vec<_>>();
        GROUPS.iter().map(move |group| (group, rows(group))).filter(|(_, rows)| !rows.is_empty())
    }

    /// The whole report in a format.
    pub fn text(&self, format: Format) -> String {
        if format == Format::Json {
            return format!("{:#}\n", self.json());
        }
        let mut tables = Vec::new();
        if !self.rows.is_empty() {
            tables.push(self.programs_table(format));
        }
        if !self.starts.is_empty() {
            tables.push(self.starts_table(format));
        }
        format!("{}\n\n{}", self.caption.text(), tables.join("\n"))
    }

    fn programs_table(&self, format: Format) -> String {
        let others = self.rows.iter().any(|row| row.costs.len() > MYNAH + 1);
        // A page has no room for absolute times, which mean little.
        let seconds = if format == Format::Text { self.rows[0].costs.len() } else { 0 };
        let mut head = vec!["program".to_owned()];
        head.extend(["native s", "QEMU s", "Mynah s", "other s"][..seconds].iter().map(|s| s.to_string()));
        head.extend(ratios(others).iter().map(|(_, _, name)| name.to_string()));
        head.push(String::new());
        let mut lines = vec![head];
        for (group, rows) in self.groups() {
            for row in &rows {
                let mut line = vec![row.name.to_owned()];
                line.extend((0..seconds).map(|i| format!("{:.3}", row.seconds(i))));
                line.extend(ratios(others).iter().map(|&(a, b, _)| format!("{:.2}", row.ratio(a, b))));
                line.push(row.note());
                lines.push(line);
            }
            let mean = |a, b| geometric_mean(rows.iter().map(|row| row.ratio(a, b)));
            let mut line = vec![format!("geometric mean, {}", group.name)];
            line.extend((0..seconds).map(|_| String::new()));
            line.extend(ratios(others).iter().map(|&(a, b, _)| format!("{:.2}", mean(a, b))));
            line.push(verdict(group, mean(MYNAH, NATIVE), mean(QEMU, MYNAH)));
            lines.push(line);
        }
        render(&lines, format)
    }

    fn starts_table(&self, format: Format) -> String {
        let others = self.starts.iter().any(|row| row.costs.len() > WARM + 1);
        let names = ["native", "QEMU", "Mynah", "warm", "other"];
        let names = &names[..if others { 5 } else { 4 }];
        let mut head = vec!["start".to_owned()];
        for unit in ["ms", "CPU ms", "MB"] {
            head.extend(names.iter().map(|name| format!("{name} {unit}")));
        }
        head.extend(["QEMU / Mynah".to_owned(), String::new()]);
        let mut lines = vec![head];
        for row in &self.starts {
            let mut line = vec![row.start.name.to_owned()];
            line.extend(row.costs.iter().map(|cost| format!("{:.1}", cost.wall * 1e3)));
            line.extend(row.costs.iter().map(|cost| format!("{:.1}", cost.cpu * 1e3)));
            line.extend(row.costs.iter().map(|cost| format!("{:.1}", cost.peak / 1024.0)));
            line.push(format!("{:.2}", row.costs[QEMU].wall / row.costs[MYNAH].wall));
            line.push(row.verdict());
            lines.push(line);
        }
        render(&lines, format)
    }

    fn json(&self) -> Value {
        let cost = |cost: &Cost| json!({"wall": cost.wall, "cpu": cost.cpu, "peak_kib": cost.peak});
        let programs = self.rows.iter().map(|row| {
            let measure = if row.measure == Measure::Wall { "wall" } else { "cpu" };
            json!({"name": row.name, "group": row.group.name, "measure": measure, "native": cost(&row.costs[NATIVE]),
                "qemu": cost(&row.costs[QEMU]), "mynah": cost(&row.costs[MYNAH]), "other": row.costs.get(MYNAH + 1).map(cost)})
        });
        let groups = self.groups().map(|(group, rows)| {
            let mean = |a, b| geometric_mean(rows.iter().map(|row| row.ratio(a, b)));
            json!({"name": group.name, "mynah_native": mean(MYNAH, NATIVE), "qemu_native": mean(QEMU, NATIVE),
                "qemu_mynah": mean(QEMU, MYNAH), "target_mynah_native": group.native, "target_qemu_mynah": group.qemu})
        });
        let starts = self.starts.iter().map(|row| {
            json!({"name": row.start.name, "native": cost(&row.costs[NATIVE]), "qemu": cost(&row.costs[QEMU]),
                "mynah": cost(&row.costs[MYNAH]), "mynah_warm": cost(&row.costs[WARM]),
                "other": row.costs.get(WARM + 1).map(cost)})
        });
        json!({
            "date": self.caption.date, "mynah": env!("CARGO_PKG_VERSION"), "qemu": self.caption.qemu,
            "runs": self.caption.runs, "cores": self.caption.cores, "load": self.caption.load,
            "programs": programs.collect::<Vec<_>>(), "groups": groups.collect::<Vec<_>>(),
            "starts": starts.collect::<Vec<_>>(),
        })
    }
}

impl StartRow {
    /// What is over its target; nothing if all is well.
    fn verdict(&self) -> String {
        let [native, qemu, mynah] = [NATIVE, QEMU, MYNAH].map(|i| self.costs[i]);
        let is_static = matches!(self.start.what, What::Hello { is_static: true });
        joined([
            (qemu.wall / mynah.wall < self.start.qemu, format!("wall: under {} × QEMU", self.start.qemu)),
            (mynah.cpu > qemu.cpu, "CPU: over QEMU".to_owned()),
            (mynah.peak > qemu.peak, "memory: over QEMU".to_owned()),
            (is_static && mynah.wall > native.wall + 2e-3, "over native + 2 ms".to_owned()),
        ])
    }
}

/// A group's targets, and which are met.
fn verdict(group: &Group, native: f64, qemu: f64) -> String {
    let word = |met: bool| if met { "met" } else { "missed" };
    format!(
        "targets: ≤ {} × native {}, ≥ {} × QEMU {}",
        group.native,
        word(native <= group.native),
        group.qemu,
        word(qemu >= group.qemu)
    )
}

/// Lines of cells, of which the first line is the head, the first cell of each a name, and the last a note.
fn render(lines: &[Vec<String>], format: Format) -> String {
    let columns = lines[0].len();
    if format == Format::Markdown {
        let row = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
        let rule = format!("|---|{}---|\n", "---:|".repeat(columns - 2));
        return row(&lines[0]) + &rule + &lines[1..].iter().map(|line| row(line)).collect::<String>();
    }
    let width = |i: usize| lines.iter().map(|line| line[i].chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for line in lines {
        let mut shown = format!("{:<1$}", line[0], width(0));
        for (i, cell) in line.iter().enumerate().take(columns - 1).skip(1) {
            shown += &format!("  {:>1$}", cell, width(i));
        }
        shown += &format!("  {}", line[columns - 1]);
        text += shown.trim_end();
        text.push('\n');
    }
    text
}
