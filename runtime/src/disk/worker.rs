//! The translator of the cache on disk: a process of its own that compiles what profiles ask for, when nobody waits.
//!
//! A process that ends leaves its profile and a mark, and starts a worker unless one runs. The worker has no terminal, no
//! descriptors of the guest's, its own session, and the scheduler's idle class; it ends when there are no more marks. It may
//! be killed at any time.

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::time::{Duration, Instant};

use mynah_backend::entry::{Name, Piece, write};

use super::limit;
use super::profile::{self, Profile};
use super::store::{Doubt, Store, entry_name};
use super::translate::{GuestFile, Plan};
use crate::options::Options;
use crate::process::Process;
use crate::translate::{TranslateOptions, Translator};

/// Held by the worker of a variant.
const RUNNING: &str = ".translating";
/// Held by whoever replaces an entry.
pub(super) const REPLACING: &str = ".replacing";
/// Both.
pub(super) const LOCKS: [&str; 2] = [RUNNING, REPLACING];
/// What was compiled is published after so long, should the worker be killed.
const PUBLISH_AFTER: Duration = Duration::from_millis(500);
/// First words of the command that is the worker.
pub const COMMAND: [&str; 2] = ["cache", "translate"];

/// The mark of a file whose profile asks for translations.
fn mark(file: u128) -> String {
    format!("{file:032x}.wanted")
}

/// Marks a file.
pub(super) fn want(store: &Store, file: u128) -> Result<(), Doubt> {
    store.publish(&mark(file), &[])
}

/// Starts a worker for the process's variant, unless one runs. The process is about to end.
pub(super) fn start(process: &Process, store: &Store) {
    if store.try_lock(RUNNING).is_none() {
        return;
    }
    let options = &process.options;
    let Some(root) = options.cache.as_deref() else { return };
    let base = if process.memory.guest_base() != 0 { "based" } else { "identity" };
    let words = ["mynah", COMMAND[0], COMMAND[1], base].map(str::as_bytes).to_vec();
    let carried = options.carried.iter().map(|word| word.as_bytes());
    let cache = [b"--cache", root.as_os_str().as_bytes(), b"-"];
    let words = words.into_iter().chain(carried).chain(cache);
    let words: Option<Vec<CString>> = words.map(|word| CString::new(word).ok()).collect();
    if let Some(words) = words {
        crate::host::detached::start(&words);
    }
}

/// Works until no file is marked. `based` says whether guest addresses need the guest base added.
pub fn work(options: &Options, based: bool) -> Result<(), String> {
    let Some(root) = options.cache.as_deref() else { return Err("there is no cache on disk".to_owned()) };
    let variant = super::key::variant(options, based);
    let store = Store::open(root, variant).map_err(|doubt| format!("cache on disk {}: {doubt}", root.display()))?;
    let Some(_running) = store.try_lock(RUNNING) else { return Ok(()) };
    loop {
        let names = store.names().map_err(|error| error.to_string())?;
        let wanted: Vec<u128> = names.iter().filter_map(|name| file_of(name, ".wanted")).collect();
        if wanted.is_empty() {
            return limit::enforce(root, options.cache_limit).map_err(|doubt| doubt.to_string());
        }
        for file in wanted {
            store.remove(&mark(file));
            if let Err(why) = translate(&store, Name { variant, file }, options, based, &mut |_, _| {}) {
                tracing::info!("cache on disk: {file:032x} is not translated: {why}");
            }
        }
    }
}

/// The guest file that a name in a store stands for.
pub fn file_of(name: &str, suffix: &str) -> Option<u128> {
    name.strip_suffix(suffix).and_then(|digits| u128::from_str_radix(digits, 16).ok())
}

/// Translates what a file's profile asks for. `progress` hears how many regions were compiled and how many are still to
/// come. Gives the number of regions that were added.
pub fn translate(
    store: &Store,
    name: Name,
    options: &Options,
    based: bool,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<usize, String> {
    let profile = store.read(&profile::name(name.file)).map_err(|doubt| doubt.to_string())?;
    let profile = Profile::read(&profile).ok_or("its profile is damaged")?;
    let file = GuestFile::open(&profile.path).map_err(|error| format!("{}: {error}", profile.path.display()))?;
    let file = file.filter(|file| file.key == name.file).ok_or("the file has changed")?;
    let mut translator = translator(options, based)?;
    // What processes compiled in a hurry is made anew when everything else is; later only what is missing is added.
    let old = if profile.translated { fitting(store, name, &file) } else { Vec::new() };
    let mut plan = Plan::new(&file, &profile, &options.cpu, old.iter().map(|piece| piece.pc));
    let (mut new, mut published, mut last) = (Vec::new(), 0, Instant::now());
    while let Some(piece) = plan.step(&mut translator) {
        new.extend(piece);
        progress(new.len(), plan.remaining());
        if last.elapsed() > PUBLISH_AFTER {
            add(store, name, &new[published..], |piece| file.fits(piece))?;
            (published, last) = (new.len(), Instant::now());
        }
    }
    replace(store, name, profile.translated, &new, &file)?;
    let mut settled = profile;
    settled.settle();
    let newest = store.read(&profile::name(name.file)).ok().and_then(|bytes| Profile::read(&bytes));
    // Blocks that were noted meanwhile keep their counts.
    let meanwhile = newest.map(|newest| newer(newest, &settled)).unwrap_or_default();
    settled.merge(meanwhile);
    store.publish(&profile::name(name.file), &settled.write()).map_err(|doubt| doubt.to_string())?;
    Ok(new.len())
}

/// What a profile has that another did not know.
fn newer(mut newest: Profile, known: &Profile) -> Profile {
    newest.blocks.retain(|pc, counts| known.blocks.get(pc).is_none_or(|old| counts.total > old.total));
    newest
}

/// A translator as a process with these options has it.
pub fn translator(options: &Options, based: bool) -> Result<Translator, String> {
    let options = TranslateOptions { add_guest_base: based, host: options.host, passes: options.passes, verify: options.verify };
    Translator::new(options).map_err(|error| error.to_string())
}

/// The regions of an entry that were made from the file's bytes.
pub(super) fn fitting(store: &Store, name: Name, file: &GuestFile) -> Vec<Piece> {
    let Ok((_, entry)) = store.entry(name) else { return Vec::new() };
    (0..entry.len()).filter_map(|i| entry.piece(i).ok()).filter(|piece| file.fits(piece)).collect()
}

/// Puts the last regions into an entry: beside those that are there, or instead of them.
fn replace(store: &Store, name: Name, beside: bool, new: &[Piece], file: &GuestFile) -> Result<(), String> {
    if beside {
        return add(store, name, new, |piece| file.fits(piece));
    }
    let _lock = store.wait_lock(REPLACING);
    store.publish(&entry_name(name.file), &write(name, new.to_vec())).map_err(|doubt| doubt.to_string())
}

/// Adds regions to an entry; of those that are there, the ones that `keep` wants stay.
fn add(store: &Store, name: Name, new: &[Piece], keep: impl Fn(&Piece) -> bool) -> Result<(), String> {
    if new.is_empty() {
        return Ok(());
    }
    let _lock = store.wait_lock(REPLACING);
    merge(store, name, new.to_vec(), keep).map_err(|doubt| doubt.to_string())
}

/// Adds regions to an entry, without taking the lock.
pub(super) fn merge(store: &Store, name: Name, mut new: Vec<Piece>, keep: impl Fn(&Piece) -> bool) -> Result<(), Doubt> {
    if let Ok((_, old)) = store.entry(name) {
        new.extend((0..old.len()).filter_map(|i| old.piece(i).ok()).filter(keep));
    }
    store.publish(&entry_name(name.file), &write(name, new))
}
