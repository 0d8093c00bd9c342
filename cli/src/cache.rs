//! `mynah cache`: looking after the cache of translations on disk.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use indicatif::{ProgressBar, ProgressStyle};
use mynah_runtime::disk::admin::{self, Item};
use mynah_runtime::disk::store::Doubt;
use mynah_runtime::disk::{key, warm, worker};
use mynah_runtime::host::detached;
use mynah_runtime::options::Options;

use crate::args::{self, Refusal, Usage};
use crate::options::Scope;
use crate::{log, run};

/// How the command is used.
pub static USAGE: Usage = Usage {
    name: "mynah cache",
    scope: Scope::Cache,
    about: "Looks after the cache on disk, where translations are kept for later processes.",
    operands: "ACTION [OPERAND]...",
    after: "\
Actions:
  info            where the cache is, how large, and how much of it this build of Mynah can use
  list            every guest file with translations, what was used last at the end
  clear           remove everything
  verify          check every byte; what is damaged is named, and the status is 1
  warm PATH...    translate programs and libraries, or all below a directory, before they run
  export FILE     write everything into a tar file
  import FILE     take what is whole from such a file; it is used on hosts with the same CPU features, by the same build

Translations are used only for the very bytes that they came from, by the build of Mynah that made them, with the same guest
CPU (--cpu) and passes. A cache may be on a read-only file system: then it is only read.

Examples:
  mynah cache warm /srv/riscv64          everything below a root directory
  mynah cache export warm.tar            for the next machine",
};

/// What an action does with the options and its operands.
type Action = fn(&Options, &Path, &[PathBuf]) -> Result<i32, String>;

/// Every action: its name, how many operands it takes at least and at most, and what it does.
static ACTIONS: &[(&str, usize, usize, Action)] = &[
    ("info", 0, 0, info),
    ("list", 0, 0, list),
    ("clear", 0, 0, clear),
    ("verify", 0, 0, verify),
    ("warm", 1, usize::MAX, warm_paths),
    ("export", 1, 1, export),
    ("import", 1, 1, import),
];

/// Runs `mynah cache [options] ACTION [OPERAND]...`; gives the exit status.
pub fn command(words: &[OsString]) -> Result<i32, Refusal> {
    if let Some((action, rest)) = words.split_first()
        && action == worker::COMMAND[1]
    {
        return translate(rest);
    }
    let choices = args::parse(&USAGE, words, &|name| std::env::var_os(name))?;
    log::install(&choices.log).map_err(Refusal::Wrong)?;
    let (name, operands) = (choices.run.program.clone(), &choices.run.argv[1..]);
    let Some((_, least, most, action)) = ACTIONS.iter().find(|action| name.as_os_str() == action.0) else {
        let names: Vec<&str> = ACTIONS.iter().map(|action| action.0).collect();
        return Err(Refusal::Wrong(format!("there is no action '{}'; there are {}", name.display(), names.join(", "))));
    };
    if !(*least..=*most).contains(&operands.len()) {
        let wanted = if *least == 0 { "no operand" } else { "an operand" };
        return Err(Refusal::Wrong(format!("'{}' takes {wanted}; Try 'mynah cache --help'.", name.display())));
    }
    let Some(root) = choices.run.cache.clone() else {
        return Err(Refusal::Wrong("the cache is off, or there is no home directory for it".to_owned()));
    };
    let operands: Vec<PathBuf> = operands.iter().map(PathBuf::from).collect();
    Ok(action(&choices.run, &root, &operands).unwrap_or_else(|why| {
        eprintln!("mynah: cache {}: {why}", root.display());
        1
    }))
}

/// The worker: compiles what profiles ask for. Started by processes that end, not by people.
fn translate(words: &[OsString]) -> Result<i32, Refusal> {
    detached::yield_to_all();
    let Some((base, words)) = words.split_first() else {
        return Err(Refusal::Wrong(format!("'{}' is for Mynah's own use", worker::COMMAND[1])));
    };
    let choices = args::parse(&run::USAGE, words, &|_| None)?;
    worker::work(&choices.run, base == "based").map(|()| 0).map_err(Refusal::Wrong)
}

/// Everything in the cache; an absent one is an empty one.
fn items(root: &Path, thorough: bool) -> Result<Vec<Item>, String> {
    let bar = bar("{bar:30} {pos} of {len} files");
    let result = admin::items(root, thorough, &mut |done, all| {
        bar.set_length(all as u64);
        bar.set_position(done as u64);
    });
    bar.finish_and_clear();
    match result {
        Err(Doubt::Absent) => Ok(Vec::new()),
        result => result.map_err(|doubt| doubt.to_string()),
    }
}

fn info(options: &Options, root: &Path, _: &[PathBuf]) -> Result<i32, String> {
    let items = items(root, false)?;
    let own = key::variant(options, false);
    let bytes: u64 = items.iter().map(|item| item.bytes).sum();
    let mine: Vec<&Item> = items.iter().filter(|item| item.name.variant == own && item.doubt.is_none()).collect();
    let doubtful = items.iter().filter(|item| item.doubt.is_some()).count();
    println!("directory:   {}", root.display());
    println!("size:        {} of {}", size(bytes), size(options.cache_limit));
    println!("this build:  {} guest files", mine.len());
    let (regions, code): (usize, u64) = mine.iter().fold((0, 0), |sum, item| (sum.0 + item.regions, sum.1 + item.code));
    println!("             {regions} regions, {} of host code", size(code));
    println!("others:      {} guest files of other builds, CPUs or options", items.len() - mine.len() - doubtful);
    println!("unusable:    {doubtful}");
    Ok(0)
}

fn list(options: &Options, root: &Path, _: &[PathBuf]) -> Result<i32, String> {
    let mut items = items(root, false)?;
    items.sort_by_key(|item| item.used);
    let own = key::variant(options, false);
    for item in items {
        let state = match &item.doubt {
            Some(doubt) => format!("unusable: {doubt}"),
            None if item.name.variant != own => "of another build".to_owned(),
            None => format!("{} regions", item.regions),
        };
        println!("{:>10}  {:>16}  {state:<18}  {}", size(item.bytes), ago(item.used), shown(&item));
    }
    Ok(0)
}

fn clear(_: &Options, root: &Path, _: &[PathBuf]) -> Result<i32, String> {
    match admin::clear(root) {
        Ok(files) => println!("{files} files removed"),
        Err(Doubt::Absent) => println!("there is no cache"),
        Err(doubt) => return Err(doubt.to_string()),
    }
    Ok(0)
}

fn verify(_: &Options, root: &Path, _: &[PathBuf]) -> Result<i32, String> {
    let items = items(root, true)?;
    let damaged: Vec<&Item> = items.iter().filter(|item| item.doubt.is_some()).collect();
    for item in &damaged {
        if let Some(doubt) = &item.doubt {
            println!("{:032x}/{:032x}: {doubt} ({})", item.name.variant, item.name.file, shown(item));
        }
    }
    println!("{} guest files checked, {} damaged", items.len(), damaged.len());
    Ok(i32::from(!damaged.is_empty()))
}

fn warm_paths(options: &Options, root: &Path, paths: &[PathBuf]) -> Result<i32, String> {
    if let Some(missing) = paths.iter().find(|path| !path.exists()) {
        return Err(format!("{}: there is no such file", missing.display()));
    }
    let files = warm::candidates(paths);
    let all = files.len();
    let bar = bar("{bar:30} {pos} of {len} files, {msg}").with_elapsed(Duration::ZERO);
    bar.set_length(all as u64);
    let queue = Mutex::new(files.into_iter());
    let totals = Mutex::new((0, 0, 0));
    let work = || {
        while let Some(file) = queue.lock().unwrap_or_else(|e| e.into_inner()).next() {
            let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let shown = |done: usize, more: usize| bar.set_message(format!("{name}: {done} regions, {more} to come"));
            let result = warm::warm(root, &file, options, &mut |done, more| shown(done, more));
            let mut totals = totals.lock().unwrap_or_else(|e| e.into_inner());
            match result {
                Ok((regions, new)) => (totals.0, totals.1) = (totals.0 + regions, totals.1 + new),
                Err(why) => {
                    totals.2 += 1;
                    bar.suspend(|| eprintln!("mynah: {}: {why}", file.display()));
                }
            }
            bar.inc(1);
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get()).min(all.max(1));
    std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    bar.finish_and_clear();
    let (regions, new, failed) = *totals.lock().unwrap_or_else(|e| e.into_inner());
    println!("{all} guest files: {regions} regions, {new} of them new; {failed} files not translated");
    mynah_runtime::disk::limit::enforce(root, options.cache_limit).map_err(|doubt| doubt.to_string())?;
    Ok(i32::from(failed > 0))
}

fn export(_: &Options, root: &Path, operands: &[PathBuf]) -> Result<i32, String> {
    let path = &operands[0];
    let to = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
    let to = to.map_err(|error| format!("{}: {error}", path.display()))?;
    let files = admin::export(root, to).map_err(|doubt| doubt.to_string())?;
    println!("{files} files written to {}", path.display());
    Ok(0)
}

fn import(options: &Options, root: &Path, operands: &[PathBuf]) -> Result<i32, String> {
    let path = &operands[0];
    let from = File::open(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let (taken, left) = admin::import(root, from).map_err(|doubt| doubt.to_string())?;
    println!("{taken} files taken; {left} not, which are damaged, none of the cache's, or there already");
    mynah_runtime::disk::limit::enforce(root, options.cache_limit).map_err(|doubt| doubt.to_string())?;
    Ok(0)
}

/// A progress bar on standard error, if that is a terminal.
fn bar(template: &str) -> ProgressBar {
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(0).with_style(style)
}

fn shown(item: &Item) -> String {
    match item.path.as_os_str().is_empty() {
        true => format!("(file {:032x})", item.name.file),
        false => item.path.display().to_string(),
    }
}

fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{:.1} KiB", bytes as f64 / 1024.0),
        _ => format!("{:.1} MiB", bytes as f64 / 1_048_576.0),
    }
}

/// How long ago a time was.
fn ago(time: i64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs() as i64);
    match now - time {
        ..120 => "just now".to_owned(),
        seconds @ 120..7200 => format!("{} minutes ago", seconds / 60),
        seconds @ 7200..172_800 => format!("{} hours ago", seconds / 3600),
        seconds => format!("{} days ago", seconds / 86_400),
    }
}
