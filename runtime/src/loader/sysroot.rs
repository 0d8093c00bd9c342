//! Where the guest's files are: paths are looked up under a prefix first (`-L`), then on the host.

use std::borrow::Cow;
use std::ffi::{CStr, CString, OsStr};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// The prefix for guest paths.
#[derive(Clone, Debug, Default)]
pub struct Sysroot {
    /// Without a slash at its end; `None` if every path is the host's.
    prefix: Option<PathBuf>,
}

impl Sysroot {
    /// A sysroot at `prefix`. The host's root is no prefix.
    pub fn new(prefix: Option<&Path>) -> Sysroot {
        let clean = |path: &Path| {
            let bytes = path.as_os_str().as_bytes();
            let len = bytes.iter().rposition(|&b| b != b'/').map_or(0, |last| last + 1);
            PathBuf::from(OsStr::from_bytes(&bytes[..len]))
        };
        Sysroot { prefix: prefix.map(clean).filter(|prefix| !prefix.as_os_str().is_empty()) }
    }

    /// The prefix, if there is one.
    pub fn prefix(&self) -> Option<&Path> {
        self.prefix.as_deref()
    }

    /// The host path for a guest path: below the prefix if something is there (a dangling symbolic link counts: the guest
    /// may ask about the link itself), else the path as it is. Relative paths are never looked up.
    pub fn resolve<'a>(&self, path: &'a CStr) -> Cow<'a, CStr> {
        let Some(prefix) = self.prefix.as_ref().filter(|_| path.to_bytes().starts_with(b"/")) else {
            return Cow::Borrowed(path);
        };
        let mut below = prefix.clone().into_os_string().into_vec();
        below.extend_from_slice(path.to_bytes());
        match CString::new(below) {
            Ok(below) if exists(&below) => Cow::Owned(below),
            _ => Cow::Borrowed(path),
        }
    }

    /// As [`resolve`](Sysroot::resolve), for the loader.
    pub fn resolve_path(&self, path: &Path) -> PathBuf {
        match CString::new(path.as_os_str().as_bytes()) {
            Ok(path) => PathBuf::from(OsStr::from_bytes(self.resolve(&path).to_bytes())),
            // No file has a 0 in its name: opening the path reports it.
            Err(_) => path.to_owned(),
        }
    }

    /// What the guest calls a host path: the prefix taken off.
    pub fn guest_path<'a>(&self, host: &'a Path) -> Cow<'a, Path> {
        match self.prefix.as_ref().and_then(|prefix| host.strip_prefix(prefix).ok()) {
            Some(rest) => Cow::Owned(Path::new("/").join(rest)),
            None => Cow::Borrowed(host),
        }
    }
}

/// Whether anything has this name, a dangling link included.
fn exists(path: &CStr) -> bool {
    Path::new(OsStr::from_bytes(path.to_bytes())).symlink_metadata().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prefix_wins_where_it_has_the_file() {
        let root = std::env::temp_dir().join(format!("mynah-sysroot-{}", std::process::id()));
        std::fs::create_dir_all(root.join("lib")).unwrap();
        std::os::unix::fs::symlink("nowhere", root.join("lib/dangling")).unwrap();
        let slashed = PathBuf::from(format!("{}//", root.display()));
        let sysroot = Sysroot::new(Some(&slashed));
        assert_eq!(sysroot.resolve_path(Path::new("/lib")), root.join("lib"));
        assert_eq!(sysroot.resolve_path(Path::new("/lib/dangling")), root.join("lib/dangling"));
        assert_eq!(sysroot.resolve_path(Path::new("/proc")), Path::new("/proc"));
        assert_eq!(sysroot.resolve_path(Path::new("lib")), Path::new("lib"));
        assert_eq!(sysroot.guest_path(&root.join("lib/x")), Path::new("/lib/x"));
        assert_eq!(sysroot.guest_path(Path::new("/usr/x")), Path::new("/usr/x"));
        std::fs::remove_dir_all(root).unwrap();
    }

    #[test]
    fn the_hosts_root_is_no_prefix() {
        assert!(Sysroot::new(Some(Path::new("/"))).prefix().is_none());
        assert!(Sysroot::new(None).prefix().is_none());
    }
}
