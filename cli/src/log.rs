//! The log: what Mynah has to say about itself while a guest runs, a line each on standard error.
//!
//! The other crates report through `tracing`; nothing is heard before [`install`]. A line is one write, so that lines of
//! several threads and processes do not mix.

pub mod code;

use std::fmt;
use std::path::PathBuf;

use mynah_runtime::host::log;
use mynah_runtime::observe::Observer;

use tracing::level_filters::LevelFilter;
use tracing::{Event, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::fmt::{FmtContext, MakeWriter};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;

/// The target of reports about what a guest asked for and Mynah lacks. They are no troubles of Mynah's: guests try things
/// and do without.
const UNIMPLEMENTED: &str = "unimp";

/// What QEMU logs and Mynah does not.
const MISSING: [&str; 8] = ["op_ind", "op_plugin", "fpu", "mmu", "pcall", "plugin", "tid", "vpu"];

/// What is logged.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Items {
    /// From which level on; warnings and errors unless chosen otherwise.
    pub level: LevelFilter,
    /// Whether to report what is not implemented.
    pub unimplemented: bool,
    /// What is logged about code.
    pub code: code::Items,
    /// Where it all goes instead of standard error, and whether that adds to what is there.
    pub file: Option<(PathBuf, bool)>,
}

impl Default for Items {
    fn default() -> Items {
        Items { level: LevelFilter::WARN, unimplemented: false, code: code::Items::default(), file: None }
    }
}

impl Items {
    /// Adds an item of a `--log` list; an error says why it cannot be had.
    pub fn add(&mut self, item: &str) -> Result<(), String> {
        match item {
            UNIMPLEMENTED => self.unimplemented = true,
            "off" | "error" | "warn" | "info" | "debug" => self.level = item.parse().expect("a level's name"),
            "nochain" => {}
            _ if self.code.switch(item).is_some() => self.code.switch(item).into_iter().for_each(|on| *on = true),
            _ if MISSING.contains(&item) || item.starts_with("trace:") => {
                return Err(format!("'{item}' is not available yet; `mynah dump` prints any stage of a block"));
            }
            _ => {
                return Err(format!(
                    "there is no item '{item}'; there are off, error, warn, info, debug, unimp, strace, in_asm, op, op_opt, \
                     out_asm, int, exec, cpu, nochain, page and guest_errors"
                ));
            }
        }
        Ok(())
    }
}

/// Sends reports to standard error, or to the file that was chosen, from now on. Costs some microseconds. Fails if the file
/// cannot be written.
pub fn install(items: &Items) -> Result<(), String> {
    if let Some((file, more)) = &items.file {
        log::to_file(file, *more).map_err(|error| format!("cannot write the log '{}': {error}", file.display()))?;
    }
    let subscriber = subscriber(items, || log::Writer);
    // Only a second call could fail, and there is none.
    let _ = tracing::subscriber::set_global_default(subscriber);
    Ok(())
}

/// Who logs what is chosen about code.
pub fn observers(items: &Items) -> Vec<Box<dyn Observer>> {
    if items.code.any() { vec![Box::new(code::Code(items.code.clone()))] } else { Vec::new() }
}

fn subscriber<W>(items: &Items, writer: W) -> impl Subscriber + Send + Sync + use<W>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let unimplemented = if items.unimplemented { LevelFilter::DEBUG } else { LevelFilter::OFF };
    let targets = Targets::new().with_default(items.level).with_target(UNIMPLEMENTED, unimplemented);
    let lines = tracing_subscriber::fmt().event_format(Line).with_max_level(LevelFilter::TRACE).with_writer(writer);
    lines.finish().with(targets)
}

/// `mynah: error: message`, as other messages of the program begin.
struct Line;

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut out: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let about = event.metadata();
        match about.target() {
            UNIMPLEMENTED => write!(out, "mynah: not implemented: ")?,
            _ => write!(out, "mynah: {}: ", about.level().as_str().to_ascii_lowercase())?,
        }
        context.field_format().format_fields(out.by_ref(), event)?;
        writeln!(out)
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("no test panics while it writes").write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is logged of four reports under a list of items.
    fn logged(list: &[&str]) -> String {
        let mut items = Items::default();
        list.iter().for_each(|item| items.add(item).expect("a known item"));
        let written = Written::default();
        let writer = written.clone();
        tracing::subscriber::with_default(subscriber(&items, move || writer.clone()), || {
            tracing::error!("no memory at {:#x}", 4096);
            tracing::warn!("careful");
            tracing::debug!("detail");
            tracing::debug!(target: "unimp", "system call {}", 1000);
        });
        let bytes = written.0.lock().expect("no test panics while it writes").clone();
        String::from_utf8(bytes).expect("messages are UTF-8")
    }

    #[test]
    fn errors_and_warnings_are_heard() {
        assert_eq!(logged(&[]), "mynah: error: no memory at 0x1000\nmynah: warn: careful\n");
        assert_eq!(logged(&["error"]), "mynah: error: no memory at 0x1000\n");
        assert_eq!(logged(&["off"]), "");
    }

    #[test]
    fn more_is_heard_on_demand() {
        assert_eq!(logged(&["off", "unimp"]), "mynah: not implemented: system call 1000\n");
        assert_eq!(logged(&["debug"]).lines().last(), Some("mynah: debug: detail"));
    }

    #[test]
    fn unknown_items_are_refused() {
        assert!(Items::default().add("mmu").unwrap_err().contains("mynah dump"));
        assert!(Items::default().add("nonsense").unwrap_err().starts_with("there is no item 'nonsense'"));
    }
}
