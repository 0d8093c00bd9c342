//! The limit of the cache's size: what was not used for longest goes first.

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::store::{Doubt, Store};

/// When something must go, so much of the limit stays.
const KEPT: f64 = 0.9;
/// A file that was being written is left over after so many seconds.
const ABANDONED: i64 = 3600;

/// All files of one guest file and variant.
#[derive(Clone, Debug, Default)]
pub struct Group {
    /// The files.
    pub paths: Vec<PathBuf>,
    /// Bytes of disk that they take.
    pub bytes: u64,
    /// When one of them was last used, in seconds since 1970.
    pub used: i64,
}

/// What a cache holds, by variant (directory) and guest file.
pub type Contents = BTreeMap<(String, String), Group>;

/// Looks at every file of a cache. Files that somebody is still writing are no part of it.
pub fn contents(root: &Path) -> Result<Contents, Doubt> {
    Store::open_root(root)?;
    let read = |error| Doubt::Io("read", error);
    let mut found = Contents::new();
    for variant in fs::read_dir(root).map_err(read)?.flatten() {
        let Some(name) = variant.file_name().to_str().and_then(variant_name) else { continue };
        for file in fs::read_dir(variant.path()).into_iter().flatten().flatten() {
            let Ok(meta) = fs::symlink_metadata(file.path()) else { continue };
            let Some((key, _)) = file.file_name().to_str().and_then(|n| n.split_once('.')).map(own) else { continue };
            if key.is_empty() {
                continue;
            }
            let group = found.entry((name.clone(), key)).or_default();
            group.bytes += meta.blocks() * 512;
            group.used = group.used.max(meta.mtime());
            group.paths.push(file.path());
        }
    }
    Ok(found)
}

fn own((key, kind): (&str, &str)) -> (String, String) {
    (key.to_owned(), kind.to_owned())
}

fn variant_name(name: &str) -> Option<String> {
    u128::from_str_radix(name, 16).ok().filter(|_| name.len() == 32).map(|_| name.to_owned())
}

/// Removes what was not used for longest until the cache is below its limit, and what writers that were killed left.
pub fn enforce(root: &Path, limit: u64) -> Result<(), Doubt> {
    let contents = contents(root)?;
    let mut total: u64 = contents.values().map(|group| group.bytes).sum();
    if total > limit {
        let mut groups: Vec<Group> = contents.into_values().collect();
        groups.sort_by_key(|group| group.used);
        for group in groups {
            if total as f64 <= limit as f64 * KEPT {
                break;
            }
            total -= group.bytes;
            group.paths.iter().for_each(|path| drop(fs::remove_file(path)));
        }
    }
    sweep(root).map_err(|error| Doubt::Io("read", error))
}

/// Removes what writers left that were killed, and directories of variants that hold nothing any more.
fn sweep(root: &Path) -> io::Result<()> {
    // SAFETY: no memory is involved but the clock's.
    let now = unsafe { libc::time(std::ptr::null_mut()) };
    let abandoned = |meta: &Metadata| !(now - ABANDONED..=now + ABANDONED).contains(&meta.mtime());
    for variant in fs::read_dir(root)?.flatten() {
        if variant.file_name().to_str().and_then(variant_name).is_none() {
            continue;
        }
        let mut others = 0;
        for file in fs::read_dir(variant.path()).into_iter().flatten().flatten() {
            let name = file.file_name();
            let temporary = name.as_encoded_bytes().starts_with(b".new-");
            if temporary && file.metadata().is_ok_and(|meta| abandoned(&meta)) {
                let _ = fs::remove_file(file.path());
            }
            others += usize::from(!name.as_encoded_bytes().starts_with(b"."));
        }
        if others == 0 && variant.metadata().is_ok_and(|meta| abandoned(&meta)) {
            let _ = fs::remove_dir_all(variant.path());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    /// A cache with three files of 64 KiB, used 300, 200 and 100 seconds ago, and one that is used in the future.
    fn cache(name: &str) -> PathBuf {
        let root = std::env::temp_dir().join(format!("mynah-limit-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&root);
        let variant = root.join(format!("{:032x}", 7));
        fs::create_dir_all(&variant).unwrap();
        for dir in [&root, &variant] {
            fs::set_permissions(dir, fs::Permissions::from_mode(0o700)).unwrap();
        }
        let now = std::time::SystemTime::now();
        for (i, ago) in [300i64, 200, 100, -100_000].into_iter().enumerate() {
            let path = variant.join(format!("{i:032x}.code"));
            fs::write(&path, vec![1u8; 64 << 10]).unwrap();
            let age = std::time::Duration::from_secs(ago.unsigned_abs());
            let time = if ago > 0 { now - age } else { now + age };
            fs::File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
        }
        root
    }

    fn left(root: &Path) -> Vec<String> {
        contents(root).unwrap().into_keys().map(|(_, key)| key[31..].to_owned()).collect()
    }

    #[test]
    fn what_was_used_last_stays() {
        let root = cache("lru");
        enforce(&root, 1 << 20).unwrap();
        assert_eq!(left(&root), ["0", "1", "2", "3"]);
        enforce(&root, 150 << 10).unwrap();
        assert_eq!(left(&root), ["2", "3"]);
        fs::remove_dir_all(root).unwrap();
    }

    #[test]
    fn what_killed_writers_left_is_removed() {
        let root = cache("sweep");
        let variant = root.join(format!("{:032x}", 7));
        let old = std::time::SystemTime::now() - std::time::Duration::from_secs(10_000);
        for (name, time) in [(".new-1-0", Some(old)), (".new-2-0", None)] {
            fs::write(variant.join(name), b"half").unwrap();
            if let Some(time) = time {
                fs::File::options().write(true).open(variant.join(name)).unwrap().set_modified(time).unwrap();
            }
        }
        enforce(&root, 1 << 20).unwrap();
        assert!(!variant.join(".new-1-0").exists() && variant.join(".new-2-0").exists());
        fs::remove_dir_all(root).unwrap();
    }
}
