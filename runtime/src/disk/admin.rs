//! Looking after the cache: what it holds, whether that is whole, emptying it, and taking it elsewhere.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use mynah_backend::entry::{Entry, Name};

use super::limit::{self, Group};
use super::profile::Profile;
use super::store::{Doubt, Store};

/// What the cache holds of one guest file.
#[derive(Debug)]
pub struct Item {
    /// What made it, and of which file.
    pub name: Name,
    /// Where the guest file was last seen; empty if that is not known.
    pub path: PathBuf,
    /// Bytes on disk.
    pub bytes: u64,
    /// When it was last used, in seconds since 1970.
    pub used: i64,
    /// Number of regions.
    pub regions: usize,
    /// Bytes of host code.
    pub code: u64,
    /// Blocks in its profile.
    pub profiled: usize,
    /// What is wrong with it.
    pub doubt: Option<Doubt>,
}

/// Everything in a cache, by variant and file. With `thorough`, every byte is checked. `progress` hears of each item.
pub fn items(root: &Path, thorough: bool, progress: &mut dyn FnMut(usize, usize)) -> Result<Vec<Item>, Doubt> {
    let contents = limit::contents(root)?;
    let all = contents.len();
    let mut items = Vec::new();
    for (n, ((variant, file), group)) in contents.into_iter().enumerate() {
        progress(n, all);
        let (Ok(variant), Ok(file)) = (u128::from_str_radix(&variant, 16), u128::from_str_radix(&file, 16)) else {
            continue;
        };
        items.push(item(root, Name { variant, file }, &group, thorough));
    }
    Ok(items)
}

fn item(root: &Path, name: Name, group: &Group, thorough: bool) -> Item {
    let empty = Item {
        name,
        path: PathBuf::new(),
        bytes: group.bytes,
        used: group.used,
        regions: 0,
        code: 0,
        profiled: 0,
        doubt: None,
    };
    let store = match Store::open(root, name.variant) {
        Ok(store) => store,
        Err(doubt) => return Item { doubt: Some(doubt), ..empty },
    };
    let mut item = empty;
    match store.read(&super::profile::name(name.file)) {
        Ok(bytes) => match Profile::read(&bytes) {
            Some(profile) => (item.path, item.profiled) = (profile.path, profile.blocks.len()),
            None => item.doubt = Some(Doubt::Profile),
        },
        Err(Doubt::Absent) => {}
        Err(doubt) => item.doubt = Some(doubt),
    }
    match store.entry(name) {
        Ok((_, entry)) => {
            (item.regions, item.code) = (entry.len(), entry.code().len() as u64);
            if let Some(error) = thorough.then(|| entry.verify().err()).flatten() {
                item.doubt = Some(Doubt::Entry(error));
            }
        }
        Err(Doubt::Absent) => {}
        Err(doubt) => item.doubt = Some(doubt),
    }
    item
}

/// Removes everything that the cache holds; gives the number of files. What is not the cache's stays.
pub fn clear(root: &Path) -> Result<usize, Doubt> {
    let contents = limit::contents(root)?;
    let mut removed = 0;
    for ((variant, _), group) in &contents {
        removed += group.paths.iter().filter(|path| fs::remove_file(path).is_ok()).count();
        // What is left are locks; a directory with anything else in it stays.
        let directory = root.join(variant);
        for lock in super::worker::LOCKS {
            let _ = fs::remove_file(directory.join(lock));
        }
        let _ = fs::remove_dir(&directory);
    }
    Ok(removed)
}

/// Writes all that is whole in a cache into a tar file; gives the number of files in it.
pub fn export(root: &Path, to: File) -> Result<usize, Doubt> {
    let write = |error| Doubt::Io("write", error);
    let mut archive = tar::Builder::new(to);
    let mut count = 0;
    for item in items(root, true, &mut |_, _| {})?.iter().filter(|item| item.doubt.is_none()) {
        let store = Store::open(root, item.name.variant)?;
        for file in [super::store::entry_name(item.name.file), super::profile::name(item.name.file)] {
            let bytes = match store.read(&file) {
                Err(Doubt::Absent) => continue,
                bytes => bytes?,
            };
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o600);
            let path = format!("{:032x}/{file}", item.name.variant);
            archive.append_data(&mut header, path, &bytes[..]).map_err(write)?;
            count += 1;
        }
    }
    archive.into_inner().map_err(write)?.sync_all().map_err(write)?;
    Ok(count)
}

/// Takes files of a tar file into a cache, those that are whole and that it has not; gives how many were taken and how many
/// were not.
pub fn import(root: &Path, from: File) -> Result<(usize, usize), Doubt> {
    let read = |error| Doubt::Io("read", error);
    let (mut taken, mut left) = (0, 0);
    let mut archive = tar::Archive::new(from);
    for file in archive.entries().map_err(read)? {
        let mut file = file.map_err(read)?;
        let mut bytes = Vec::new();
        io::Read::read_to_end(&mut file, &mut bytes).map_err(read)?;
        let path = file.path().map_err(read)?.into_owned();
        match import_file(root, &path, &bytes)? {
            true => taken += 1,
            false => left += 1,
        }
    }
    Ok((taken, left))
}

/// Whether a file of an archive is one of ours, and whole, and new.
fn import_file(root: &Path, path: &Path, bytes: &[u8]) -> Result<bool, Doubt> {
    let Some((variant, name)) = path.to_str().and_then(|path| path.split_once('/')) else { return Ok(false) };
    let Some(variant) = super::worker::file_of(variant, "").filter(|_| variant.len() == 32) else { return Ok(false) };
    let entry = super::worker::file_of(name, ".code").filter(|file| super::store::entry_name(*file) == name);
    let profile = super::worker::file_of(name, ".profile").filter(|file| super::profile::name(*file) == name);
    let whole = match (entry, profile) {
        (Some(file), _) => Entry::check_bytes(bytes, Name { variant, file }).is_ok(),
        (_, Some(_)) => Profile::read(bytes).is_some(),
        _ => false,
    };
    if !whole {
        return Ok(false);
    }
    let store = Store::create(root, variant)?;
    if store.file(name).is_ok() {
        return Ok(false);
    }
    store.publish(name, bytes).map(|()| true)
}
