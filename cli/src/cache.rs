//! `mynah cache`: looking after the cache of translations on disk.

use std::ffi::OsString;

use mynah_runtime::disk::worker;
use mynah_runtime::host::detached;

use crate::args::{self, Refusal};
use crate::run;

/// Runs `mynah cache ACTION ...`.
pub fn command(words: &[OsString]) -> Result<i32, Refusal> {
    match words.split_first() {
        Some((action, rest)) if action == worker::COMMAND[1] => translate(rest),
        _ => Err(Refusal::Wrong("usage: mynah cache info".to_owned())),
    }
}

/// The worker: compiles what profiles ask for. Started by processes that end, not by people.
fn translate(words: &[OsString]) -> Result<i32, Refusal> {
    detached::yield_to_all();
    let Some((base, words)) = words.split_first() else { return Err(Refusal::Wrong("no base".to_owned())) };
    let choices = args::parse(&run::USAGE, words, &|_| None)?;
    match worker::work(&choices.run, base == "based") {
        Ok(()) => Ok(0),
        Err(why) => Err(Refusal::Wrong(why)),
    }
}
