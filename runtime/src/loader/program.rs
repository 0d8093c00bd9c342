//! Finds the file to load: opens and checks it, and follows scripts to their interpreter as `fs/binfmt_script.c` does.

use std::ffi::{CString, OsStr, OsString};
use std::fs::File;
use std::io::ErrorKind;
use std::os::fd::FromRawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use super::Sysroot;
use super::elf::{self, Plan};
use super::error::{LoadError, Reason};
use crate::host::filemap::FileMap;

/// Bytes of a script's first line that count (`BINPRM_BUF_SIZE`).
const LINE_LIMIT: usize = 256;
/// How many scripts may be one another's interpreter.
const MAX_SCRIPTS: usize = 5;

/// A program that was opened and checked.
#[derive(Debug)]
pub struct Program {
    /// Its file.
    pub file: File,
    /// Where the file is on the host.
    pub path: PathBuf,
    /// What to map.
    pub plan: Plan,
}

/// The first line of a script.
#[derive(PartialEq, Eq, Debug)]
pub struct ScriptLine {
    /// The interpreter.
    pub interpreter: PathBuf,
    /// Everything after it, as one argument.
    pub argument: Option<OsString>,
}

impl Program {
    /// Opens the program at `path`; if it is a script, its interpreter, which is looked up in the sysroot. Gives the
    /// argument vector to run it with: `argv` itself, or the interpreter's.
    pub fn find(path: &Path, argv: &[OsString], sysroot: &Sysroot) -> Result<(Program, Vec<OsString>), LoadError> {
        Program::follow(&sysroot.guest_path(path), path, argv.to_vec(), sysroot, 0, handed_over())
            .map_err(|reason| LoadError { path: path.to_owned(), reason })
    }

    /// Opens the dynamic linker that a program names.
    pub fn interpreter(name: &[u8], sysroot: &Sysroot) -> Result<Program, Reason> {
        let path = Path::new(OsStr::from_bytes(name));
        let host = sysroot.resolve_path(path);
        let opened = open(&host).and_then(|(file, bytes)| Ok(Program { plan: elf::parse(&bytes)?, file, path: host }));
        opened.map_err(|reason| match reason {
            Reason::NotFound => Reason::MissingInterpreter(path.to_owned()),
            reason => Reason::Interpreter { path: path.to_owned(), reason: Box::new(reason) },
        })
    }

    /// `named` is what the argument vector says, `host` where the file is.
    fn follow(
        named: &Path,
        host: &Path,
        argv: Vec<OsString>,
        sysroot: &Sysroot,
        depth: usize,
        opened: Option<File>,
    ) -> Result<(Program, Vec<OsString>), Reason> {
        let (file, bytes) = match opened {
            Some(file) => {
                let bytes = FileMap::new(&file).map_err(|error| Reason::Io(error.into()))?;
                (file, bytes)
            }
            None => open(host)?,
        };
        let Some(line) = parse_script(&bytes) else {
            return Ok((Program { plan: elf::parse(&bytes)?, file, path: host.to_owned() }, argv));
        };
        let ScriptLine { interpreter, argument } = line.ok_or(Reason::BadScript)?;
        if depth == MAX_SCRIPTS {
            return Err(Reason::TooManyScripts);
        }
        // The interpreter's name, its argument, the script's name instead of the first argument, the other arguments.
        let script = named.as_os_str().to_owned();
        let words = std::iter::once(interpreter.clone().into_os_string()).chain(argument).chain([script]);
        let argv = words.chain(argv.into_iter().skip(1)).collect();
        let host = sysroot.resolve_path(&interpreter);
        Program::follow(&interpreter, &host, argv, sysroot, depth + 1, None)
            .map_err(|reason| match reason {
                Reason::TooManyScripts => reason,
                reason => Reason::Script { interpreter, reason: Box::new(reason) },
            })
    }
}

/// The program's file if the kernel opened it for Mynah (binfmt_misc with the flags O or C): the user may be allowed to
/// execute it, but not to read it.
fn handed_over() -> Option<File> {
    static TAKEN: AtomicBool = AtomicBool::new(false);
    // SAFETY: the auxiliary vector is libc's; 0 stands for an entry that is not there, as 0 is never such a descriptor:
    // the kernel gives it when a program starts without standard input, and then the path has to do.
    let fd = unsafe { libc::getauxval(libc::AT_EXECFD) } as i32;
    if fd <= 0 || TAKEN.swap(true, Ordering::Relaxed) {
        return None;
    }
    // SAFETY: the kernel opened it for this process, and nobody else takes it.
    Some(unsafe { File::from_raw_fd(fd) })
}

/// Opens a file that is to be executed.
fn open(path: &Path) -> Result<(File, FileMap), Reason> {
    let reason = |error: std::io::Error| match error.kind() {
        ErrorKind::NotFound => Reason::NotFound,
        ErrorKind::PermissionDenied => Reason::NoPermission,
        _ => Reason::Io(error.into()),
    };
    let kind = path.metadata().map_err(reason)?.file_type();
    if kind.is_dir() {
        return Err(Reason::Directory);
    }
    if !kind.is_file() {
        return Err(Reason::NotRegular);
    }
    if !may_execute(path) {
        return Err(Reason::NoPermission);
    }
    let file = File::open(path).map_err(reason)?;
    let bytes = FileMap::new(&file).map_err(reason)?;
    Ok((file, bytes))
}

/// Whether this user may execute a file.
fn may_execute(path: &Path) -> bool {
    let Ok(path) = CString::new(path.as_os_str().as_bytes()) else { return false };
    // SAFETY: the path ends with a 0.
    unsafe { libc::faccessat(libc::AT_FDCWD, path.as_ptr(), libc::X_OK, libc::AT_EACCESS) == 0 }
}

/// The first line of a script: `None` if the file is none, `Some(None)` if the line names no interpreter or is cut off
/// inside its name.
pub fn parse_script(bytes: &[u8]) -> Option<Option<ScriptLine>> {
    let rest = bytes.strip_prefix(b"#!")?;
    let rest = &rest[..rest.len().min(LINE_LIMIT - 2)];
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let end = rest.iter().position(|byte| matches!(byte, b'\n' | 0));
    let line = &rest[..end.unwrap_or(rest.len())];
    let line = &line[line.iter().position(|byte| !is_blank(byte)).unwrap_or(line.len())..];
    let line = &line[..line.iter().rposition(|byte| !is_blank(byte)).map_or(0, |last| last + 1)];
    let name_end = line.iter().position(|byte| is_blank(byte));
    let cut_off = end.is_none() && name_end.is_none() && bytes.len() > LINE_LIMIT;
    if line.is_empty() || cut_off {
        return Some(None);
    }
    let (name, argument) = line.split_at(name_end.unwrap_or(line.len()));
    let argument = &argument[argument.iter().position(|byte| !is_blank(byte)).unwrap_or(argument.len())..];
    Some(Some(ScriptLine {
        interpreter: PathBuf::from(OsStr::from_bytes(name)),
        argument: (!argument.is_empty()).then(|| OsStr::from_bytes(argument).to_owned()),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Option<Option<(String, Option<String>)>> {
        let text_of = |s: OsString| s.into_string().unwrap();
        parse_script(text.as_bytes()).map(|line| line.map(|l| (text_of(l.interpreter.into()), l.argument.map(text_of))))
    }

    #[test]
    fn script_lines_are_split_as_the_kernel_does() {
        let name = |name: &str, argument: Option<&str>| Some(Some((name.to_owned(), argument.map(str::to_owned))));
        assert_eq!(line("#!/bin/sh\nexit"), name("/bin/sh", None));
        assert_eq!(line("#! \t/bin/sh  -e  x \t\n"), name("/bin/sh", Some("-e  x")));
        assert_eq!(line("#!/bin/sh"), name("/bin/sh", None));
        assert_eq!(line("#!\n/bin/sh"), Some(None));
        assert_eq!(line("#!   "), Some(None));
        assert_eq!(line("#"), None);
        assert_eq!(line("\x7fELF"), None);
        assert_eq!(line(&format!("#!/{}", "x".repeat(300))), Some(None));
        assert_eq!(line(&format!("#!/x {}", "y".repeat(300))), name("/x", Some(&"y".repeat(251))));
    }
}
