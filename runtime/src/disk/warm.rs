//! Translating ahead of time what programs will need, whether they ever ran or not.

use std::path::{Path, PathBuf};

use mynah_backend::entry::{Name, write};

use super::profile::{self, Profile};
use super::store::{Store, entry_name};
use super::translate::{GuestFile, Plan};
use super::worker;
use crate::options::Options;

/// The files below paths that may be programs or libraries, every one once: regular files that begin as ELF files do.
/// Links to directories are not followed.
pub fn candidates(paths: &[PathBuf]) -> Vec<PathBuf> {
    let mut waiting: Vec<PathBuf> = paths.to_vec();
    let mut found = std::collections::BTreeSet::new();
    while let Some(path) = waiting.pop() {
        let Ok(real) = path.canonicalize() else { continue };
        if real.is_dir() {
            let inside = std::fs::read_dir(&real).into_iter().flatten().flatten();
            waiting.extend(inside.filter(|e| e.file_type().is_ok_and(|t| t.is_file() || t.is_dir())).map(|e| e.path()));
        } else if is_guest(&real) {
            found.insert(real);
        }
    }
    found.into_iter().collect()
}

/// Whether a file is a riscv64 program or library.
fn is_guest(path: &Path) -> bool {
    use std::io::Read;
    let mut head = [0u8; 20];
    let regular = path.metadata().is_ok_and(|meta| meta.is_file());
    let read = regular && std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut head)).is_ok();
    const EM_RISCV: [u8; 2] = [243, 0];
    const EXEC_OR_DYN: [u8; 2] = [2, 3];
    read && head.starts_with(b"\x7fELF\x02\x01") && head[18..] == EM_RISCV && EXEC_OR_DYN.contains(&head[16])
}

/// Translates a file: what its profile says first, then everything that can be reached from its entry and its symbols.
/// `progress` hears how many regions were compiled and how many are known to come. Gives the number of regions in its entry,
/// and of those that are new.
pub fn warm(
    root: &Path,
    path: &Path,
    options: &Options,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<(usize, usize), String> {
    let variant = super::key::variant(options, false);
    let store = Store::create(root, variant).map_err(|doubt| doubt.to_string())?;
    let file = GuestFile::open(path).map_err(|error| error.to_string())?.ok_or("not an ELF file")?;
    let name = Name { variant, file: file.key };
    let profile = store.read(&profile::name(name.file)).ok().and_then(|bytes| Profile::read(&bytes));
    let mut profile = profile.unwrap_or_default();
    profile.path = path.to_owned();
    let mut pieces = worker::fitting(&store, name, &file);
    let there = pieces.len();
    let mut translator = worker::translator(options, false)?;
    let mut plan = Plan::everything(&file, &profile, &options.cpu, pieces.iter().map(|piece| piece.pc));
    let mut done = 0;
    while let Some(piece) = plan.step(&mut translator) {
        pieces.extend(piece);
        done += 1;
        if done % 64 == 0 {
            progress(done, plan.remaining());
        }
    }
    let all = pieces.len();
    if all > there {
        let lock = store.wait_lock(worker::REPLACING);
        store.publish(&entry_name(name.file), &write(name, pieces)).map_err(|doubt| doubt.to_string())?;
        drop(lock);
    }
    profile.settle();
    store.publish(&profile::name(name.file), &profile.write()).map_err(|doubt| doubt.to_string())?;
    Ok((all, all - there))
}
