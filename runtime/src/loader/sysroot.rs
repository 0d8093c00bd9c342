//! Where the guest's files are: paths are looked up under a prefix first (`-L`), then on the host.

use std::borrow::Cow;
use std::ffi::{CStr, CString, OsStr, OsString};
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
        let clean = prefix.map(clean).filter(|prefix| !prefix.as_os_str().is_empty());
        // Absolute and without links, as the kernel names what is inside. One that does not exist holds nothing.
        Sysroot { prefix: clean.map(|prefix| prefix.canonicalize().unwrap_or(prefix)) }
    }

    /// The prefix, if there is one.
    pub fn prefix(&self) -> Option<&Path> {
        self.prefix.as_deref()
    }

    /// Where the host has to look up a guest path, relative to the open directory `directory`; `None` where that is the path
    /// as it is. `follow` says whether a symbolic link at its end counts as what it points to.
    ///
    /// The path is followed as if the sysroot were the root: `..` does not leave it, links with absolute targets lead to
    /// its own files. Where it has nothing, the host's file of that name is meant. `/proc` is always the host's.
    pub fn resolve(&self, directory: i32, path: &CStr, follow: bool) -> Option<CString> {
        let prefix = self.prefix.as_ref()?;
        let path = path.to_bytes();
        if path.is_empty() {
            return None;
        }
        if path.starts_with(b"/") {
            return self.walk(prefix, path, follow, false);
        }
        let base = host_directory(directory)?;
        let inside = base.starts_with(prefix);
        if !inside && !path.split(|&byte| byte == b'/').any(|part| part == b"..") {
            return None;
        }
        let absolute = [self.guest_path(&base).as_os_str().as_bytes(), b"/", path].concat();
        self.walk(prefix, &absolute, follow, true)
    }

    /// [`resolve`](Sysroot::resolve) for an absolute path. `changed` says that the path is not the guest's own word any more.
    fn walk(&self, prefix: &Path, path: &[u8], follow: bool, mut changed: bool) -> Option<CString> {
        /// The kernel's MAXSYMLINKS.
        const MOST_LINKS: usize = 40;
        let mut todo: Vec<Vec<u8>> = parts(path).rev().collect();
        // A slash at the end asks for a directory, also behind a link.
        let directory = path.ends_with(b"/");
        let (mut done, mut links) = (Vec::<Vec<u8>>::new(), 0);
        while let Some(part) = todo.pop() {
            if part == b".." {
                changed |= done.pop().is_none();
                continue;
            }
            done.push(part);
            if done == [b"proc"] {
                return self.in_proc(prefix, todo, follow, changed.then_some(done), directory);
            }
            let below = prefix.join(joined(&done));
            match below.symlink_metadata() {
                Ok(file) if file.is_symlink() && (!todo.is_empty() || follow || directory) => {
                    links += 1;
                    let target = std::fs::read_link(&below).ok().filter(|_| links <= MOST_LINKS);
                    let Some(target) = target.map(|target| target.into_os_string().into_vec()) else { break };
                    done.pop();
                    if target.starts_with(b"/") {
                        done.clear();
                    }
                    todo.extend(parts(&target).rev());
                    changed = true;
                }
                Ok(_) => {}
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                    // What a link of the sysroot's names may still be a file of the host's.
                    done.extend(todo.into_iter().rev());
                    return if changed { host_name(Path::new("/"), &done, directory) } else { None };
                }
                Err(_) => {
                    done.extend(todo.drain(..).rev());
                }
            }
        }
        host_name(prefix, &done, directory)
    }

    /// A path below `/proc`: the host's, but `root` in the directory of this process is the guest's root.
    fn in_proc(
        &self,
        prefix: &Path,
        mut todo: Vec<Vec<u8>>,
        follow: bool,
        changed: Option<Vec<Vec<u8>>>,
        directory: bool,
    ) -> Option<CString> {
        let own = |part: &[u8]| part == b"self" || part == b"thread-self" || part == std::process::id().to_string().as_bytes();
        if let [rest @ .., root, process] = &todo[..]
            && root == b"root"
            && own(process)
            && !rest.is_empty()
        {
            let path = [b"/".to_vec(), rest.iter().rev().cloned().collect::<Vec<_>>().join(&b'/')].concat();
            let host = self.walk(prefix, &path, follow, true);
            return host.or_else(|| CString::new(path).ok());
        }
        let mut done = changed?;
        todo.reverse();
        done.extend(todo);
        host_name(Path::new("/"), &done, directory)
    }

    /// As [`resolve`](Sysroot::resolve), for the loader: an absolute path, or one that is relative to the working directory.
    pub fn resolve_path(&self, path: &Path) -> PathBuf {
        let host = CString::new(path.as_os_str().as_bytes()).ok().filter(|path| path.to_bytes().starts_with(b"/"));
        // No file has a 0 in its name: opening the path reports it.
        match host.and_then(|path| self.resolve(libc::AT_FDCWD, &path, true)) {
            Some(host) => PathBuf::from(OsString::from_vec(host.into_bytes())),
            None => path.to_owned(),
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

/// The parts of a path, without those that mean nothing.
fn parts(path: &[u8]) -> impl DoubleEndedIterator<Item = Vec<u8>> {
    path.split(|&byte| byte == b'/').filter(|part| !part.is_empty() && *part != b".").map(<[u8]>::to_vec)
}

fn joined(parts: &[Vec<u8>]) -> PathBuf {
    PathBuf::from(OsString::from_vec(parts.join(&b'/')))
}

fn host_name(root: &Path, parts: &[Vec<u8>], directory: bool) -> Option<CString> {
    let mut path = root.join(joined(parts)).into_os_string().into_vec();
    if directory && !path.ends_with(b"/") {
        path.push(b'/');
    }
    CString::new(path).ok()
}

/// Where an open directory is.
fn host_directory(directory: i32) -> Option<PathBuf> {
    match directory {
        libc::AT_FDCWD => std::env::current_dir().ok(),
        fd => std::fs::read_link(format!("/proc/self/fd/{fd}")).ok(),
    }
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
        let itself = |path: &CStr| sysroot.resolve(libc::AT_FDCWD, path, false);
        assert_eq!(itself(c"/lib/dangling").unwrap().to_str().unwrap(), root.join("lib/dangling").to_str().unwrap());
        std::fs::write(root.join("lib/x"), "").unwrap();
        std::os::unix::fs::symlink("/lib/x", root.join("absolute")).unwrap();
        std::os::unix::fs::symlink("/proc/self/mounts", root.join("mtab")).unwrap();
        assert_eq!(sysroot.resolve_path(Path::new("/absolute")), root.join("lib/x"));
        assert_eq!(sysroot.resolve_path(Path::new("/mtab")), Path::new("/proc/self/mounts"));
        assert_eq!(sysroot.resolve_path(Path::new("/../../lib/../lib/x")), root.join("lib/x"));
        assert_eq!(sysroot.resolve_path(Path::new("/proc/self/root/lib/x")), root.join("lib/x"));
        assert_eq!(sysroot.resolve_path(Path::new("/proc/self/root/usr/x")), Path::new("/usr/x"));
        let opened = std::fs::File::open(root.join("lib")).unwrap();
        let relative = |path: &CStr| sysroot.resolve(std::os::fd::AsRawFd::as_raw_fd(&opened), path, true);
        assert_eq!(relative(c"../../../absolute").unwrap().to_str().unwrap(), root.join("lib/x").to_str().unwrap());
        assert_eq!(relative(c"../../usr/nothing").as_deref(), Some(c"/usr/nothing"));
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
