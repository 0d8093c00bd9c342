//! `mynah binfmt`: tells the kernel to run riscv64 programs with Mynah, and how a Mynah that the kernel started so learns what
//! to run (the kernel's `Documentation/admin-guide/binfmt-misc.rst`).

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::args::{self, Refusal, Usage};
use crate::options::Scope;

/// How the command is used.
pub static USAGE: Usage = Usage {
    name: "mynah binfmt",
    scope: Scope::Binfmt,
    about: "Makes the kernel run riscv64 programs with Mynah, by binfmt_misc.",
    operands: "install|remove|status",
    after: "\
  install   registers this mynah; needs root
  remove    takes the registration back
  status    says what is registered; status 1 if nothing is

Flags: P keeps argv[0], F opens mynah now, so that it works in chroots and containers, O hands over the program's
file already open, C takes the program's set-user-id bits for the credentials (and implies O).

In a chroot the dynamic linker of a mynah that is linked dynamically is missing; build a static one for that:
  RUSTFLAGS='-C target-feature=+crt-static' cargo build --release --target x86_64-unknown-linux-gnu

A registration lasts until the next start of the system. To repeat it each time, where systemd does that:
  mynah binfmt install --print > /etc/binfmt.d/mynah-riscv64.conf",
};

/// What is registered, and how.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Request {
    /// The kernel's flags.
    pub flags: String,
    /// Name of the registration.
    pub name: String,
    /// The file to register instead of the one that runs.
    pub interpreter: Option<PathBuf>,
    /// Print what would be written, and write nothing.
    pub print: bool,
}

impl Default for Request {
    fn default() -> Request {
        Request { flags: "FP".to_owned(), name: "mynah-riscv64".to_owned(), interpreter: None, print: false }
    }
}

/// Where the kernel shows its registrations.
const FOLDER: &str = "/proc/sys/fs/binfmt_misc";

/// The first bytes of a riscv64 program: a 64-bit little-endian ELF of this version, for any system; ET_EXEC or ET_DYN;
/// EM_RISCV.
const MAGIC: [u8; 20] = [0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0xf3, 0];
/// Which bits of them count: not the system (GNU programs have another number than others), and 2 or 3 is the type.
const MASK: [u8; 20] =
    [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe, 0xff, 0xff, 0xff];

/// Checks the kernel's flags.
pub fn flags(text: &str) -> Result<String, String> {
    match text.chars().find(|flag| !"FPOC".contains(*flag)) {
        Some(flag) => Err(format!("there is no flag '{flag}'; there are F, P, O and C")),
        None => Ok(text.to_owned()),
    }
}

/// Checks the name of a registration, which becomes a file's.
pub fn name(text: &str) -> Result<String, String> {
    let taken = ["", ".", "..", "register", "status"].contains(&text) || text.contains(['/', ':', '\n']);
    if taken { Err(format!("'{text}' cannot be the name of a registration")) } else { Ok(text.to_owned()) }
}

/// Runs the command: `words` are the action and options, in any order.
pub fn command(words: &[OsString]) -> Result<i32, Refusal> {
    // The action is the operand; options may follow it.
    let (actions, options): (Vec<_>, Vec<_>) = words.iter().cloned().partition(|word| ACTIONS.contains(&word.to_str().unwrap_or("")));
    let choices = args::parse(&USAGE, &[options, actions.clone()].concat(), &|_| None)?;
    let request = choices.binfmt;
    let result = match (choices.run.program.to_str(), actions.len()) {
        (Some("install"), 1) => install(&request),
        (Some("remove"), 1) => remove(&request),
        (Some("status"), 1) => status(&request),
        _ => return Err(Refusal::Wrong(format!("mynah binfmt takes one of {}", ACTIONS.join(", ")))),
    };
    result.map_err(Refusal::Wrong)
}

const ACTIONS: [&str; 3] = ["install", "remove", "status"];

/// The line that registers a program.
fn registration(request: &Request, interpreter: &Path) -> Result<Vec<u8>, String> {
    let path = interpreter.as_os_str().as_bytes();
    // Whatever comes first separates the fields.
    let separator = b":|,;#%".iter().copied().find(|byte| !path.contains(byte));
    let separator = separator.ok_or_else(|| format!("the path '{}' leaves no separator", interpreter.display()))?;
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("\\x{byte:02x}")).collect::<String>().into_bytes();
    let fields = [
        Vec::new(),
        request.name.clone().into_bytes(),
        b"M".to_vec(),
        Vec::new(),
        hex(&MAGIC),
        hex(&MASK),
        path.to_vec(),
        request.flags.clone().into_bytes(),
    ];
    Ok(fields.join(&separator))
}

fn install(request: &Request) -> Result<i32, String> {
    let interpreter = match &request.interpreter {
        Some(path) => path.canonicalize().map_err(|error| format!("'{}': {error}", path.display()))?,
        None => std::env::current_exe().map_err(|error| format!("cannot find mynah itself: {error}"))?,
    };
    let line = registration(request, &interpreter)?;
    if request.print {
        println!("{}", String::from_utf8_lossy(&line));
        return Ok(0);
    }
    check_mounted()?;
    if request.flags.contains('F') && is_dynamic(&interpreter) {
        eprintln!("mynah: note: '{}' is linked dynamically: in a chroot it will miss its libraries", interpreter.display());
    }
    if registered(&request.name).exists() {
        remove(request)?;
    }
    write("register", &line)?;
    println!("registered {} as {} with flags {}", interpreter.display(), request.name, request.flags);
    Ok(0)
}

fn remove(request: &Request) -> Result<i32, String> {
    if request.print {
        println!("-1 > {}", registered(&request.name).display());
        return Ok(0);
    }
    check_mounted()?;
    if !registered(&request.name).exists() {
        return Err(format!("nothing is registered as {}", request.name));
    }
    write(&request.name, b"-1")?;
    Ok(0)
}

fn status(request: &Request) -> Result<i32, String> {
    check_mounted()?;
    let entries = std::fs::read_dir(FOLDER).map_err(|error| format!("{FOLDER}: {error}"))?;
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let mut others: Vec<String> = names.filter(|name| *name != request.name && takes_riscv64(name)).collect();
    others.sort();
    for name in &others {
        println!("{name} takes riscv64 programs too; of several, what was registered last does");
    }
    match std::fs::read_to_string(registered(&request.name)) {
        Ok(text) => {
            println!("{}:\n{}", request.name, text.trim_end());
            Ok(0)
        }
        Err(_) => {
            println!("nothing is registered as {}", request.name);
            Ok(1)
        }
    }
}

/// Whether another registration is for the same programs.
fn takes_riscv64(name: &str) -> bool {
    let text = std::fs::read_to_string(registered(name)).unwrap_or_default();
    let magic: String = MAGIC.iter().map(|byte| format!("{byte:02x}")).collect();
    text.lines().any(|line| line.strip_prefix("magic ").is_some_and(|found| found == magic))
}

fn registered(name: &str) -> PathBuf {
    Path::new(FOLDER).join(name)
}

fn check_mounted() -> Result<(), String> {
    if registered("register").exists() {
        return Ok(());
    }
    Err(format!("binfmt_misc is not there; as root: mount -t binfmt_misc binfmt_misc {FOLDER}"))
}

fn write(name: &str, bytes: &[u8]) -> Result<(), String> {
    // One write: the kernel takes each as a whole.
    std::fs::write(registered(name), bytes).map_err(|error| format!("{}: {error}", registered(name).display()))
}

/// Whether a program needs a dynamic linker.
fn is_dynamic(program: &Path) -> bool {
    use object::read::elf::{FileHeader, ProgramHeader};
    let Ok(bytes) = std::fs::read(program) else { return false };
    let Ok(head) = object::elf::FileHeader64::<object::Endianness>::parse(&*bytes) else { return false };
    let Ok(segments) = head.program_headers(object::Endianness::Little, &*bytes) else { return false };
    segments.iter().any(|segment| segment.p_type(object::Endianness::Little) == object::elf::PT_INTERP)
}

/// The guest's program, its argument vector: given by the kernel, which put the program's path and the original `argv[0]`
/// before the other arguments (flag P; it says so in AT_FLAGS since Linux 5.12).
pub fn from_kernel(words: &[OsString]) -> Option<(PathBuf, Vec<OsString>)> {
    const AT_FLAGS_PRESERVE_ARGV0: u64 = 1;
    // SAFETY: asks for a number.
    let flags = unsafe { libc::getauxval(libc::AT_FLAGS) };
    match words {
        [program, argv @ ..] if flags & AT_FLAGS_PRESERVE_ARGV0 != 0 => Some((program.into(), argv.to_vec())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registration_names_magic_mask_interpreter_and_flags() {
        let request = Request { flags: "POC".into(), ..Request::default() };
        let line = String::from_utf8(registration(&request, Path::new("/usr/bin/mynah")).unwrap()).unwrap();
        assert_eq!(
            line,
            ":mynah-riscv64:M::\\x7f\\x45\\x4c\\x46\\x02\\x01\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x02\\x00\\xf3\\x00\
             :\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\x00\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xfe\\xff\\xff\\xff\
             :/usr/bin/mynah:POC"
        );
        let other = registration(&request, Path::new("/a:b/mynah")).unwrap();
        assert!(other.starts_with(b"|mynah-riscv64|M||") && other.ends_with(b"|/a:b/mynah|POC"));
    }

    #[test]
    fn flags_and_names_are_checked() {
        assert!(flags("FPOC").is_ok() && flags("").is_ok() && flags("FX").is_err());
        assert!(name("mynah").is_ok() && name("register").is_err() && name("a/b").is_err() && name("").is_err());
    }
}
