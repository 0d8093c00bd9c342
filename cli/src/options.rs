//! The table of options: one row gives an option's names, variables, parser, help text and effect.
//!
//! A value comes from `QEMU_…`, is overridden by `MYNAH_…`, and that by the command line, where options apply in order.
//! `README.md` shows the same table; a test below keeps it complete.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use mynah_frontend::riscv64::Cpu;
use mynah_ir::passes::Passes;
use mynah_runtime::debug;
use mynah_runtime::linux::limits::Limits;
use mynah_runtime::observe::{perf, profile};
use mynah_runtime::options::{Options, Summary, Tiers};

use crate::{binfmt, dump, log, profile as report};

/// Everything the options choose.
#[derive(Clone, Debug)]
pub struct Choices {
    /// What the runtime is given; `env` starts as Mynah's own environment.
    pub run: Options,
    /// What is logged.
    pub log: log::Items,
    /// What `mynah dump` prints.
    pub dump: dump::Request,
    /// What `mynah binfmt` registers.
    pub binfmt: binfmt::Request,
    /// How a profile is taken, if one is.
    pub profile: profile::Options,
    /// What `mynah profile` writes.
    pub report: report::Request,
}

/// What giving an option does.
pub enum Effect {
    /// Changes the choices. The argument is the value, empty for a switch; an error is the text after the option's name.
    Set(fn(&mut Choices, &OsStr) -> Result<(), String>),
    /// Prints the help text and ends.
    Help,
    /// Prints the version and ends.
    Version,
    /// Nothing yet: says that this is what is missing, and ends.
    Missing(&'static str),
}

/// Where an option stands in the help text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Group {
    Guest,
    Translation,
    Insight,
    Dump,
    Binfmt,
    Profile,
    Missing,
    General,
}

impl Group {
    /// Every group, in the order of the help text.
    pub const ALL: [Group; 8] = [
        Group::Guest,
        Group::Translation,
        Group::Insight,
        Group::Dump,
        Group::Binfmt,
        Group::Profile,
        Group::General,
        Group::Missing,
    ];

    /// The heading above the group's options.
    pub const fn title(self) -> &'static str {
        match self {
            Group::Guest => "What the guest sees",
            Group::Translation => "How it is translated",
            Group::Insight => "Seeing what happens",
            Group::Dump => "What is dumped",
            Group::Binfmt => "What is registered",
            Group::Profile => "What is reported",
            Group::Missing => "Known, but not available yet",
            Group::General => "General",
        }
    }
}

/// Which command is given, and which commands take an option.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scope {
    /// Running a program, plainly or for a profile.
    Run,
    /// `mynah dump`.
    Dump,
    /// Both of these.
    Both,
    /// `mynah profile PROGRAM`.
    Profile,
    /// `mynah profile report` and the one above.
    Report,
    /// `mynah profile diff`.
    Diff,
    /// `mynah binfmt`.
    Binfmt,
    /// `mynah cache`.
    Cache,
    /// Running and `mynah cache`.
    RunAndCache,
    /// Running, `mynah dump` and `mynah cache`.
    BothAndCache,
    /// All of them.
    All,
}

impl Scope {
    /// Whether an option of this scope is taken by a command.
    pub fn includes(self, command: Scope) -> bool {
        match self {
            Scope::Run => matches!(command, Scope::Run | Scope::Profile),
            Scope::Both => matches!(command, Scope::Run | Scope::Dump | Scope::Profile),
            Scope::Report => matches!(command, Scope::Report | Scope::Profile),
            Scope::RunAndCache => Scope::Run.includes(command) || command == Scope::Cache,
            Scope::BothAndCache => Scope::Both.includes(command) || command == Scope::Cache,
            Scope::All => true,
            Scope::Cache | Scope::Dump | Scope::Profile | Scope::Diff | Scope::Binfmt => self == command,
        }
    }
}

/// One option.
pub struct Opt {
    /// Long name, without dashes.
    pub name: &'static str,
    /// QEMU's spelling, with its dash; empty if QEMU has no such option.
    pub qemu: &'static str,
    /// QEMU's variable; empty if there is none.
    pub qemu_variable: &'static str,
    /// What the value is called in help; empty for a switch.
    pub value: &'static str,
    /// Its place in the help text.
    pub group: Group,
    /// Which commands take it.
    pub scope: Scope,
    /// Whether a guest program that the guest executes is run with the same option.
    pub carried: bool,
    /// What it is for.
    pub help: &'static str,
    /// What it does.
    pub effect: Effect,
}

impl Opt {
    /// Mynah's own variable for the option; `None` for options that only make sense on a command line.
    pub fn variable(&self) -> Option<String> {
        let own = matches!(self.group, Group::Dump | Group::Binfmt | Group::Profile);
        let sensible = matches!(self.effect, Effect::Set(_)) && !own;
        sensible.then(|| format!("MYNAH_{}", self.name.to_uppercase().replace('-', "_")))
    }

    /// Whether the option takes a value.
    pub fn takes_value(&self) -> bool {
        !self.value.is_empty() && !self.value_is_optional()
    }

    /// Whether it may have a value behind `=`, but need not.
    pub fn value_is_optional(&self) -> bool {
        self.value.starts_with('[')
    }
}

/// A row, shorter to read: `row(name, qemu, variable, value, group, scope, carried, help, effect)`.
macro_rules! options {
    ($($name:literal $qemu:literal $variable:literal $value:literal $group:ident $scope:ident $carried:literal
        $help:literal $effect:expr;)*) => {
        &[$(Opt {
            name: $name,
            qemu: $qemu,
            qemu_variable: $variable,
            value: $value,
            group: Group::$group,
            scope: Scope::$scope,
            carried: $carried,
            help: $help,
            effect: $effect,
        },)*]
    };
}

use Effect::{Help, Missing, Set, Version};

/// Every option: name, QEMU's spelling, QEMU's variable, value, group, scope, carried over exec, help, effect.
pub static OPTIONS: &[Opt] = options! {
    // ---- what the guest sees ----
    "sysroot" "-L" "QEMU_LD_PREFIX" "DIR" Guest Both true
        "Look paths up under DIR first: the guest's interpreter and libraries live there"
        Set(|c, v| { c.run.sysroot = Some(PathBuf::from(v)); Ok(()) });
    "cpu" "-cpu" "QEMU_CPU" "MODEL" Guest BothAndCache true
        "The CPU to be: a model, then extensions to add or take away; `--cpu help` lists them"
        Set(|c, v| { c.run.cpu = Cpu::parse(text(v)?)?; Ok(()) });
    "env" "-E" "QEMU_SET_ENV" "NAME=VALUE" Guest Run false
        "Set a variable for the guest only; several are separated by commas"
        Set(set_env);
    "unset-env" "-U" "QEMU_UNSET_ENV" "NAME" Guest Run false
        "Take a variable away from the guest; several are separated by commas"
        Set(unset_env);
    "argv0" "-0" "QEMU_ARGV0" "NAME" Guest Run false
        "Let the guest be called NAME (its argv[0])"
        Set(|c, v| { c.run.argv = vec![v.to_owned()]; Ok(()) });
    "uname" "-r" "QEMU_UNAME" "RELEASE" Guest Run true
        "The kernel release that uname tells the guest"
        Set(|c, v| { c.run.uname_release = Some(text(v)?.to_owned()); Ok(()) });
    "stack-size" "-s" "QEMU_STACK_SIZE" "BYTES" Guest Run true
        "Size of the main thread's stack; K, M and G count in powers of 1024"
        Set(|c, v| { c.run.stack_size = Some(size(v)?); Ok(()) });
    "rlimit" "" "" "LIST" Guest Run false
        "Limits of the guest's own memory: as, data or stack=SOFT[:HARD] in bytes or `unlimited`; several are separated by \
         commas; a guest program gets those of the one that executes it"
        Set(|c, v| { Limits::default().choose(text(v)?)?; c.run.limits = text(v)?.to_owned(); Ok(()) });
    "guest-base" "-B" "QEMU_GUEST_BASE" "ADDR" Guest Run true
        "Host address of the guest's address 0, instead of the best one"
        Set(|c, v| { c.run.guest_base = Some(number(v)?); Ok(()) });
    "seed" "-seed" "QEMU_RAND_SEED" "NUMBER" Guest Run true
        "Make AT_RANDOM and the layout of memory the same in each run"
        Set(|c, v| { c.run.seed = Some(number(v)?); Ok(()) });

    // ---- how it is translated ----
    "tier" "" "" "0|1|both" Translation Run true
        "Which tiers run: pre-decoded execution (0), compiled code (1), or what is hot compiled (both, the default)"
        Set(|c, v| { c.run.tiers = tiers(v)?; Ok(()) });
    "threshold" "" "" "N" Translation Run true
        "Compile a block when it has been executed N times"
        Set(|c, v| { c.run.threshold = at_least_one(v)?; Ok(()) });
    "passes" "" "" "LIST" Translation BothAndCache true
        "IR passes for compiled code: names, `-name` to leave one out, `all` or `none`"
        Set(|c, v| { c.run.passes = passes(v)?; Ok(()) });
    "host-without" "" "" "LIST" Translation BothAndCache true
        "Features of the host that compiled code shall not use: fma, f16c, sse4.1; several are separated by commas"
        Set(|c, v| { c.run.host = c.run.host.without(text(v)?)?; Ok(()) });
    "verify" "" "" "" Translation Run true
        "Check the IR of everything that is compiled"
        Set(|c, _| { c.run.verify = true; Ok(()) });
    "tb-size" "-tb-size" "QEMU_TB_SIZE" "MIB" Translation Run true
        "Limit of the code cache"
        Set(|c, v| { c.run.cache_size = mebibytes(v)?; Ok(()) });

    "cache" "" "" "DIR|off" Translation RunAndCache false
        "Where translations are kept for later processes; $XDG_CACHE_HOME/mynah or ~/.cache/mynah if not given"
        Set(|c, v| { c.run.cache = cache(v)?; Ok(()) });
    "cache-limit" "" "" "MIB" Translation RunAndCache true
        "Limit of the cache on disk; what was not used for longest goes first"
        Set(|c, v| { c.run.cache_limit = mebibytes_on_disk(v)?; Ok(()) });

    // ---- seeing what happens ----
    "strace" "-strace" "QEMU_STRACE" "" Insight Run true
        "Print every system call"
        Set(|c, _| { c.run.strace = true; Ok(()) });
    "stats" "" "" "[FORM]" Insight Run true
        "Print a summary of blocks, tiers and times when the guest ends; FORM is text or json"
        Set(|c, v| { c.run.stats = summary(v)?; Ok(()) });
    "profile" "" "" "FILE" Insight Run false
        "Write a profile of the program, and of all that it starts, to FILE; `mynah profile report FILE` shows it"
        Set(set_profile);
    "counts" "" "" "" Insight Run true
        "Let the profile count every execution exactly, instead of sampling"
        Set(|c, _| { c.profile.counts = true; Ok(()) });
    "frequency" "" "" "HZ" Insight Run true
        "Samples in a second of CPU time; 249 if not given. Few kernels give more than 250"
        Set(|c, v| { c.profile.frequency = frequency(v)?; Ok(()) });
    "gdb" "-g" "QEMU_GDB" "PORT" Insight Run false
        "Let gdb connect to this TCP port of this machine, or to a Unix socket's path (`%d` stands for the process's id); the          program waits for it, unless `,suspend=n` follows"
        Set(|c, v| { c.run.gdb = Some(debug::Address::parse(text(v)?)?); Ok(()) });
    "log" "-d" "QEMU_LOG" "ITEMS" Insight BothAndCache true
        "What to report about Mynah itself: off, error, warn (the default), info or debug; unimp (what the guest asks for \
         and Mynah lacks); strace; in_asm, op, op_opt, out_asm (code at each stage); exec, cpu (each block that is executed, \
         and the registers before it), nochain; int (signals), page, guest_errors; several are separated by commas"
        Set(log_items);
    "log-filter" "-dfilter" "QEMU_DFILTER" "RANGES" Insight Run true
        "Log code of these addresses only: start..end, start+length or start-length; several are separated by commas"
        Set(|c, v| { c.log.code.filter = log::code::ranges(v)?; Ok(()) });
    "log-file" "-D" "QEMU_LOG_FILENAME" "FILE" Insight Run false
        "Where the log goes, instead of standard error; `%d` stands for the process's id"
        Set(set_log_file);

    "bbv" "" "" "FILE" Insight Run false
        "Write the basic-block vectors that SimPoint reads, of the first thread; the program runs in tier 0 alone"
        Set(|c, v| { c.run.vectors = Some(PathBuf::from(v)); Ok(()) });
    "interval" "" "" "N" Insight Run false
        "Guest instructions in an interval of --bbv; 10000000 if not given"
        Set(|c, v| { c.run.interval = at_least_one(v)?.into(); Ok(()) });
    "perfmap" "-perfmap" "QEMU_PERFMAP" "" Insight Run true
        "Tell perf about translated code in /tmp/perf-PID.map"
        Set(|c, _| { c.run.perf.push(perf::Kind::Map); Ok(()) });
    "jitdump" "-jitdump" "QEMU_JITDUMP" "" Insight Run true
        "Tell perf about translated code, with its bytes, in jit-PID.dump in the working directory"
        Set(|c, _| { c.run.perf.push(perf::Kind::Dump); Ok(()) });

    // ---- mynah dump ----
    "stage" "" "" "STAGE" Dump Dump false
        "What to print: guest, ir, opt, clif, host or all, as told below; guest if not given"
        Set(|c, v| { c.dump.stage = dump::Stage::parse(text(v)?)?; Ok(()) });
    "pc" "" "" "ADDR" Dump Dump false
        "The block at this address of the file instead of the one at its entry"
        Set(|c, v| { c.dump.place = dump::Place::Address(number(v)?); Ok(()) });
    "symbol" "" "" "NAME" Dump Dump false
        "The block at this symbol"
        Set(|c, v| { c.dump.place = dump::Place::Symbol(text(v)?.to_owned()); Ok(()) });
    "blocks" "" "" "N" Dump Dump false
        "Up to N blocks: the first and those it leads to directly; 1 if not given"
        Set(|c, v| { c.dump.blocks = at_least_one(v)? as usize; Ok(()) });

    // ---- mynah binfmt ----
    "flags" "" "" "FLAGS" Binfmt Binfmt false
        "The kernel's flags for the registration, of F, P, O and C as told below; FP if not given"
        Set(|c, v| { c.binfmt.flags = binfmt::flags(text(v)?)?; Ok(()) });
    "name" "" "" "NAME" Binfmt Binfmt false
        "Name of the registration; mynah-riscv64 if not given"
        Set(|c, v| { c.binfmt.name = binfmt::name(text(v)?)?; Ok(()) });
    "interpreter" "" "" "FILE" Binfmt Binfmt false
        "The mynah to register instead of this one"
        Set(|c, v| { c.binfmt.interpreter = Some(PathBuf::from(v)); Ok(()) });
    "print" "" "" "" Binfmt Binfmt false
        "Print what would be written, and write nothing"
        Set(|c, _| { c.binfmt.print = true; Ok(()) });

    // ---- mynah profile ----
    "output" "" "" "FORM=FILE" Profile Report false
        "Write the profile in this form; FILE may be `-` for standard output. May be given several times"
        Set(|c, v| { c.report.outputs.push(report::Output::parse(v)?); Ok(()) });
    "live" "" "" "" Profile Profile false
        "Show what is hot while the program runs, if standard error is a terminal"
        Set(|c, _| { c.report.live = true; Ok(()) });
    "fail-over" "" "" "PERCENT" Profile Diff false
        "End with status 1 if the second profile has so much more in all than the first"
        Set(|c, v| { c.report.fail_over = Some(percent(v)?); Ok(()) });

    // ---- general ----
    "help" "-help" "" "" General All false "Print this text" Help;
    "version" "-version" "" "" General All false "Print the version" Version;

    // ---- known, but not available yet ----
    "reserved-va" "-R" "QEMU_RESERVED_VA" "SIZE" Missing Run false
        "Limit the guest's address space" Missing("a limit on the guest's address space");
    "one-insn-per-tb" "-one-insn-per-tb" "QEMU_ONE_INSN_PER_TB" "" Missing Run false
        "One guest instruction in each block" Missing("blocks of one instruction");
    "rtsig-map" "-t" "QEMU_RTSIG_MAP" "MAP" Missing Run false
        "Map real-time signals to host ones" Missing("a map of real-time signals; guest signals are the host's own");
    "trace" "-trace" "QEMU_TRACE" "ITEMS" Missing Run false
        "Trace events" Missing("trace events");
    "plugin" "-plugin" "QEMU_PLUGIN" "FILE" Missing Run false
        "Load a plugin" Missing("plugins");
};

/// The value as text.
fn text(value: &OsStr) -> Result<&str, String> {
    value.to_str().ok_or_else(|| "the value is not UTF-8".to_owned())
}

/// A number in decimal, or in hexadecimal after `0x`.
fn number(value: &OsStr) -> Result<u64, String> {
    let text = text(value)?;
    let parsed = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    };
    parsed.map_err(|_| format!("'{text}' is not a number"))
}

/// A number of bytes, with an optional suffix K, M or G.
fn size(value: &OsStr) -> Result<u64, String> {
    let text = text(value)?;
    let (digits, shift) = match text.char_indices().last() {
        Some((at, 'k' | 'K')) => (&text[..at], 10),
        Some((at, 'm' | 'M')) => (&text[..at], 20),
        Some((at, 'g' | 'G')) => (&text[..at], 30),
        _ => (text, 0),
    };
    let units = number(OsStr::new(digits)).map_err(|_| format!("'{text}' is not a size"))?;
    units.checked_mul(1 << shift).filter(|&bytes| bytes > 0).ok_or_else(|| format!("'{text}' is not a possible size"))
}

/// The directory of the cache on disk, absolute, since the guest may go elsewhere; `None` for no cache.
fn cache(value: &OsStr) -> Result<Option<PathBuf>, String> {
    match value.as_bytes() {
        b"off" => Ok(None),
        b"" => Err("the name of a directory is missing".to_owned()),
        _ => std::path::absolute(value).map(Some).map_err(|error| error.to_string()),
    }
}

/// Where the cache on disk is if nothing was chosen, by the XDG base directory specification; `None` without a home.
pub fn default_cache(variable: &dyn Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let absolute = |name: &str| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let parent = absolute("XDG_CACHE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".cache")))?;
    Some(parent.join("mynah"))
}

/// A number of MiB, as bytes. QEMU takes 0 for its default; a cache that holds nothing is more likely a mistake.
fn mebibytes(value: &OsStr) -> Result<usize, String> {
    match number(value)? {
        0 => Err("the code cache needs 1 MiB at least".to_owned()),
        n if n <= 4096 => Ok((n as usize) << 20),
        _ => Err("the code cache takes 4096 MiB at most".to_owned()),
    }
}

/// A number of MiB on disk, as bytes.
fn mebibytes_on_disk(value: &OsStr) -> Result<u64, String> {
    match number(value)? {
        0 => Err("the cache on disk needs 1 MiB at least; `--cache off` does without".to_owned()),
        n => n.checked_mul(1 << 20).ok_or_else(|| "that is more than there can be".to_owned()),
    }
}

/// A count.
fn at_least_one(value: &OsStr) -> Result<u32, String> {
    let number = number(value)?;
    u32::try_from(number).ok().filter(|&n| n > 0).ok_or_else(|| format!("{number} is not between 1 and {}", u32::MAX))
}

/// What the option's value, if it has one, chooses. A variable's `1` says no more than that there is to be a summary.
fn summary(value: &OsStr) -> Result<Summary, String> {
    match text(value)? {
        "" | "1" | "text" => Ok(Summary::Text),
        "json" => Ok(Summary::Json),
        other => Err(format!("there is no form '{other}'; there are text and json")),
    }
}

/// Notes where the profile goes. Programs that the guest executes, perhaps in another directory, add to the same file.
fn set_profile(choices: &mut Choices, value: &OsStr) -> Result<(), String> {
    let (more, name) = match value.as_bytes().strip_prefix(b"+") {
        Some(name) => (true, OsStr::from_bytes(name)),
        None => (false, value),
    };
    let file = std::path::absolute(name).map_err(|error| error.to_string())?;
    let again = OsString::from_vec([b"+", file.as_os_str().as_bytes()].concat());
    if !choices.run.carried.ends_with(&["--profile".into(), again.clone()]) {
        choices.run.carried.extend(["--profile".into(), again]);
    }
    choices.profile.file = file;
    choices.profile.more = more;
    Ok(())
}

/// A number, perhaps with a percent sign.
fn percent(value: &OsStr) -> Result<f64, String> {
    let text = text(value)?;
    let number = text.strip_suffix('%').unwrap_or(text).parse::<f64>().ok();
    number.filter(|n| n.is_finite() && *n >= 0.0).ok_or_else(|| format!("'{text}' is not a percentage"))
}

/// Notes where the log goes. Programs that the guest executes add to the same file.
fn set_log_file(choices: &mut Choices, value: &OsStr) -> Result<(), String> {
    let (more, name) = match value.as_bytes().strip_prefix(b"+") {
        Some(name) => (true, OsStr::from_bytes(name)),
        None => (false, value),
    };
    let name = text(name)?.replace("%d", &std::process::id().to_string());
    let file = std::path::absolute(name).map_err(|error| error.to_string())?;
    let again = OsString::from_vec([b"+", file.as_os_str().as_bytes()].concat());
    choices.run.carried.extend(["--log-file".into(), again]);
    choices.log.file = Some((file, more));
    Ok(())
}

fn frequency(value: &OsStr) -> Result<u32, String> {
    match number(value)? {
        n @ 1..=10_000 => Ok(n as u32),
        n => Err(format!("{n} is not between 1 and 10000")),
    }
}

fn tiers(value: &OsStr) -> Result<Tiers, String> {
    match text(value)? {
        "0" => Ok(Tiers::Only0),
        "1" => Ok(Tiers::Only1),
        "both" => Ok(Tiers::Both),
        other => Err(format!("there is no tier '{other}'; there are 0, 1 and both")),
    }
}

/// Adds the items of a list to what is logged.
fn log_items(choices: &mut Choices, value: &OsStr) -> Result<(), String> {
    text(value)?.split(',').try_for_each(|item| match item {
        "strace" => {
            choices.run.strace = true;
            Ok(())
        }
        _ => choices.log.add(item),
    })
}

/// Checks the list now, so that a wrong name is an error of the command line.
fn passes(value: &OsStr) -> Result<Passes, String> {
    Passes::parse(text(value)?)
}

/// Adds the assignments to the guest's environment.
fn set_env(choices: &mut Choices, value: &OsStr) -> Result<(), String> {
    for assignment in assignments(value.as_bytes()) {
        let at = assignment.iter().position(|&b| b == b'=').filter(|&at| at > 0);
        let Some(at) = at else {
            return Err(format!("'{}' is not NAME=VALUE", String::from_utf8_lossy(assignment)));
        };
        remove(&mut choices.run.env, &assignment[..at]);
        choices.run.env.push(OsString::from_vec(assignment.to_vec()));
    }
    Ok(())
}

/// Takes names away from the guest's environment.
fn unset_env(choices: &mut Choices, value: &OsStr) -> Result<(), String> {
    for name in value.as_bytes().split(|&b| b == b',') {
        if name.is_empty() || name.contains(&b'=') {
            return Err(format!("'{}' is not the name of a variable", String::from_utf8_lossy(name)));
        }
        remove(&mut choices.run.env, name);
    }
    Ok(())
}

fn remove(env: &mut Vec<OsString>, name: &[u8]) {
    env.retain(|entry| entry.as_bytes().strip_prefix(name).is_none_or(|rest| rest.first() != Some(&b'=')));
}

/// Splits at each comma that an assignment follows, so that values may hold commas.
fn assignments(list: &[u8]) -> Vec<&[u8]> {
    let (mut parts, mut start) = (Vec::new(), 0);
    for at in (0..list.len()).filter(|&at| list[at] == b',') {
        if starts_assignment(&list[at + 1..]) {
            parts.push(&list[start..at]);
            start = at + 1;
        }
    }
    parts.push(&list[start..]);
    parts
}

/// Whether the text begins with an identifier and `=`.
fn starts_assignment(text: &[u8]) -> bool {
    let name = text.iter().take_while(|&&b| b.is_ascii_alphanumeric() || b == b'_').count();
    name > 0 && !text[0].is_ascii_digit() && text.get(name) == Some(&b'=')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_spellings_are_unique() {
        let mut seen = std::collections::HashSet::new();
        for option in OPTIONS {
            assert!(seen.insert(format!("--{}", option.name)), "--{} stands twice", option.name);
            assert!(option.qemu.is_empty() || seen.insert(option.qemu.to_owned()), "{} stands twice", option.qemu);
        }
    }

    #[test]
    fn the_readme_shows_every_option() {
        let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
        for option in OPTIONS {
            let spelled = |name: &str| ["`", " ", "["].iter().any(|end| readme.contains(&format!("`{name}{end}")));
            assert!(spelled(&format!("--{}", option.name)), "README.md does not show --{}", option.name);
            assert!(option.qemu.is_empty() || spelled(option.qemu), "README.md does not show {}", option.qemu);
        }
    }

    #[test]
    fn commas_separate_assignments_only() {
        let parts = |list: &'static str| -> Vec<&[u8]> { assignments(list.as_bytes()) };
        assert_eq!(parts("LD_DEBUG=libs,files"), [b"LD_DEBUG=libs,files"]);
        assert_eq!(parts("A=1,B=2"), [b"A=1", b"B=2"]);
        assert_eq!(parts("A=,=2"), [b"A=,=2"]);
    }

    #[test]
    fn sizes() {
        let parse = |text: &str| size(OsStr::new(text));
        assert_eq!(parse("8M"), Ok(8 << 20));
        assert_eq!(parse("0x1000"), Ok(4096));
        assert!(parse("0").is_err() && parse("M").is_err() && parse("99999999999G").is_err());
    }
}
