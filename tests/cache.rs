//! The cache on disk: that it is used, that nothing else than the guest's own bytes decides what runs, and that no fault of the
//! disk, of a writer or of somebody else's makes a difference to the guest.
//!
//! Each test has a cache of its own. The worker that compiles by profiles is run to its end by the test itself, so that the
//! run after it finds everything.

mod common;

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime};

use common::{Outcome, build_folder, excerpt, fetched, mynah, run};

/// A cache of a test's own, in a directory that is there and empty.
struct Cache(PathBuf);

impl Cache {
    fn new(name: &str) -> Cache {
        let path = build_folder("cache").join(name);
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("the folder can be made");
        fs::set_permissions(&path, Permissions::from_mode(0o700)).expect("it is ours");
        Cache(path)
    }

    /// A cache with everything that a program asks for.
    fn warmed(name: &str, program: &Path) -> Cache {
        let cache = Cache::new(name);
        cache.run(program);
        cache.translate();
        cache
    }

    fn command(&self) -> Command {
        let mut command = mynah();
        command.env("MYNAH_CACHE", &self.0);
        command
    }

    /// Runs a program with the summary and all reports.
    fn run(&self, program: &Path) -> Run {
        let mut command = self.command();
        command.args(["--stats", "--log", "info", "--sysroot"]).arg(fetched("riscv64")).arg(program);
        Run(run(command, b"").expect("it runs"))
    }

    /// The worker, to its end.
    fn translate(&self) {
        let mut command = self.command();
        command.args(["cache", "translate", "identity", "--sysroot"]).arg(fetched("riscv64")).arg("--cache");
        command.arg(&self.0).arg("-");
        loop {
            let done = run(command_of(&command), b"").expect("it runs");
            assert!(done.status.success(), "{}", excerpt(&done.stderr));
            // One that a process started may have been faster.
            if self.files(".wanted").is_empty() && self.is_idle() {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Whether no worker runs.
    fn is_idle(&self) -> bool {
        self.files(".translating").iter().all(|lock| {
            let status = Command::new("flock").args(["--nonblock", "--exclusive"]).arg(lock).arg("true").status();
            status.expect("flock is there").success()
        })
    }

    /// Keeps workers from starting as long as the result lives.
    fn hold(&self) -> Held {
        let directory = self.files(".code")[0].parent().expect("a variant's").to_owned();
        let mut command = Command::new("flock");
        command.arg("--no-fork").arg(directory.join(".translating")).args(["sleep", "1000"]);
        let held = Held(command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().expect("flock is there"));
        while self.is_idle() {
            std::thread::sleep(Duration::from_millis(5));
        }
        held
    }

    fn files(&self, suffix: &str) -> Vec<PathBuf> {
        common::files(&self.0, suffix)
    }

    fn verifies(&self) -> bool {
        let mut command = self.command();
        command.args(["cache", "verify"]);
        run(command, b"").expect("it runs").status.success()
    }
}

/// A process that holds the worker's lock.
struct Held(Child);

impl Drop for Held {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The same command again.
fn command_of(command: &Command) -> Command {
    let mut copy = Command::new(command.get_program());
    copy.args(command.get_args()).env_clear();
    copy.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    copy
}

/// What a run with `--stats --log info` showed.
struct Run(Outcome);

impl Run {
    fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.0.stderr).into_owned()
    }

    /// The number before some words of the summary.
    fn number(&self, words: &str) -> u64 {
        let text = self.stderr();
        let before = text.split(words).next().filter(|_| text.contains(words));
        let number = before.and_then(|before| before.split_whitespace().last());
        number.and_then(|n| n.parse().ok()).unwrap_or_else(|| panic!("no '{words}' in {text}"))
    }

    fn from_disk(&self) -> u64 {
        self.number(" regions from disk")
    }

    /// Lines about the cache.
    fn reports(&self) -> Vec<String> {
        self.stderr().lines().filter(|line| line.contains("cache on disk")).map(str::to_owned).collect()
    }

    fn same(&self, other: &Run) {
        assert_eq!(self.0.stdout, other.0.stdout);
        assert_eq!(self.0.status, other.0.status, "{}", self.stderr());
    }
}

/// Builds a guest program.
fn build(name: &str, source: &str, flags: &[&str]) -> PathBuf {
    let folder = build_folder("cache-programs");
    let (from, to) = (folder.join(format!("{name}.c")), folder.join(name));
    fs::write(&from, source).expect("the folder is ours");
    let mut command = Command::new("riscv64-linux-gnu-gcc");
    command.args(["-O1", "-static", "-o"]).arg(&to).arg(&from).args(flags);
    let built = run(command, b"").expect("the cross compiler is installed");
    assert!(built.status.success(), "{}", excerpt(&built.stderr));
    to
}

/// A loop that is worth translating, and an answer that depends on `constant`.
fn loop_with(constant: u32) -> String {
    format!(
        "#include <stdio.h>
        __attribute__((noinline)) unsigned step(unsigned x) {{ return x * 1664525u + {constant}u; }}
        int main(void) {{ unsigned x = 1; for (int i = 0; i < 20000; i++) x = step(x); printf(\"%u\\n\", x); return x & 63; }}"
    )
}

#[test]
fn the_second_run_maps_what_the_first_translated() {
    let program = build("second", &loop_with(11), &[]);
    let cache = Cache::new("second");
    let cold = cache.run(&program);
    assert_eq!(cold.from_disk(), 0);
    cache.translate();
    let warm = cache.run(&program);
    warm.same(&cold);
    assert!(warm.from_disk() > 5, "{}", warm.stderr());
    let tier0 = " blocks executed";
    assert!(warm.number(tier0) * 10 < cold.number(tier0), "{} then {}", cold.number(tier0), warm.number(tier0));
    assert_eq!(warm.reports(), [""; 0]);
}

#[test]
fn a_process_keeps_what_it_compiled_when_no_worker_lives() {
    let program = build("kept", &loop_with(13), &[]);
    let cache = Cache::new("kept");
    let cold = cache.run(&program);
    cache.translate();
    let _held = cache.hold();
    for file in cache.files(".code").iter().chain(&cache.files(".profile")) {
        fs::remove_file(file).expect("it is ours");
    }
    // The background translator needs not be done before the program is: several runs.
    let kept = (0..50).any(|_| {
        cache.run(&program).same(&cold);
        !cache.files(".code").is_empty()
    });
    assert!(kept, "nothing was kept");
    let warm = cache.run(&program);
    warm.same(&cold);
    assert!(warm.from_disk() > 0, "{}", warm.stderr());
}

#[test]
fn dynamic_programs_share_the_entries_of_their_libraries() {
    let perl = fetched("riscv64/usr/bin/perl");
    let cache = Cache::warmed("dynamic", &perl);
    assert!(cache.files(".code").len() >= 2, "{:?}", cache.files(".code"));
    let bash = fetched("riscv64/usr/bin/bash");
    let other = cache.run(&bash);
    // Their images lie elsewhere in each run.
    assert!(other.from_disk() > 0, "{}", other.stderr());
    let off = {
        let mut command = mynah();
        command.args(["--cache", "off", "--stats", "--sysroot"]).arg(fetched("riscv64")).arg(&bash);
        Run(run(command, b"").expect("it runs"))
    };
    other.same(&off);
}

/// Two programs with the same headers, length and build-id, and different code, which is not in the first page.
fn twins(name: &str) -> [PathBuf; 2] {
    let flags = ["-Wl,--build-id=0x1234567890abcdef", "-fno-toplevel-reorder", "-s"];
    let source = |constant| format!("__asm__(\".text\\n.space 16384\");\n{}", loop_with(constant));
    let twins = [11, 12].map(|constant| build(&format!("{name}{constant}"), &source(constant), &flags));
    let [a, b] = twins.each_ref().map(|path| fs::read(path).expect("just built"));
    assert!(a.len() == b.len() && a[..4096] == b[..4096] && a != b, "the twins are too different");
    twins
}

#[test]
fn translations_are_used_only_for_the_very_bytes() {
    let [a, b] = twins("bytes");
    let none = Cache::new("twins-none");
    let (right_a, right_b) = (none.run(&a), Cache::new("twins-none-b").run(&b));
    assert_ne!(right_a.0.stdout, right_b.0.stdout);
    let cache = Cache::warmed("twins", &a);
    assert_eq!(cache.files(".code").len(), 1);
    let of_b = cache.run(&b);
    of_b.same(&right_b);
    assert!(of_b.from_disk() > 0, "most of their code is the same: {}", of_b.stderr());
    cache.translate();
    for _ in 0..3 {
        cache.run(&a).same(&right_a);
        cache.translate();
        cache.run(&b).same(&right_b);
        cache.translate();
    }
    assert!(cache.verifies());
}

#[test]
fn a_file_that_is_replaced_is_translated_anew() {
    let [a, b] = twins("replaced");
    let right = [Cache::new("replaced-a").run(&a), Cache::new("replaced-b").run(&b)];
    let place = build_folder("cache-programs").join("replaced");
    let cache = Cache::new("replaced");
    for (file, right) in [(&a, &right[0]), (&b, &right[1]), (&a, &right[0])] {
        let _ = fs::remove_file(&place);
        fs::copy(file, &place).expect("the folder is ours");
        for _ in 0..2 {
            cache.run(&place).same(right);
            cache.translate();
        }
    }
}

#[test]
fn code_that_is_patched_in_memory_is_translated_anew() {
    let source = "
        #include <stdio.h>
        #include <string.h>
        #include <sys/mman.h>
        __attribute__((noinline, aligned(4096))) int answer(void) { __asm__ volatile(\"\"); return 1; }
        __attribute__((noinline)) int other(void) { __asm__ volatile(\"\"); return 2; }
        static int sum(void) { int s = 0; for (int i = 0; i < 10000; i++) s += answer(); return s; }
        int main(int argc, char **argv) {
            int before = sum();
            char *page = (char *)((unsigned long)answer & ~4095ul);
            if (mprotect(page, 8192, PROT_READ | PROT_WRITE | PROT_EXEC)) return 99;
            memcpy((void *)answer, (void *)other, 4);
            __builtin___clear_cache(page, page + 8192);
            if (argc > 5 && mprotect(page, 8192, PROT_READ | PROT_EXEC)) return 98;
            int after = sum();
            if (mprotect(page, 8192, PROT_READ | PROT_EXEC)) return 97;
            printf(\"%d %d %d\\n\", before, after, sum());
            return 0;
        }";
    let program = build("patched", source, &[]);
    let cache = Cache::new("patched");
    for round in 0..4 {
        let run = cache.run(&program);
        assert_eq!(String::from_utf8_lossy(&run.0.stdout), "10000 20000 20000\n", "round {round}: {}", run.stderr());
        assert!(round < 2 || run.from_disk() > 0, "{}", run.stderr());
        cache.translate();
    }
}

/// Runs a program with a cache that something is wrong with: the guest must not see it.
fn runs_without(cache: &Cache, program: &Path, right: &Run, what: &str) -> Run {
    let run = cache.run(program);
    run.same(right);
    assert_eq!(run.from_disk(), 0, "{what}: {}", run.stderr());
    assert_eq!(run.reports().len(), 1, "{what} is reported once: {}", run.stderr());
    run
}

#[test]
fn truncated_and_extended_entries_are_noticed() {
    let program = build("truncated", &loop_with(17), &[]);
    let cache = Cache::warmed("truncated", &program);
    let right = cache.run(&program);
    let entry = cache.files(".code").pop().expect("an entry");
    let whole = fs::read(&entry).expect("it is ours");
    let _held = cache.hold();
    let cuts = (0..whole.len()).step_by(4096).chain([1, 127, 128, 200, whole.len() - 1]);
    for len in cuts {
        put(&entry, &whole[..len]);
        runs_without(&cache, &program, &right, &format!("cut to {len}"));
        put(&entry, &whole[..len]);
        assert!(!cache.verifies(), "cut to {len}");
    }
    put(&entry, &[&whole[..], &[0]].concat());
    runs_without(&cache, &program, &right, "extended");
    put(&entry, &whole);
    assert!(cache.run(&program).from_disk() > 0 && cache.verifies());
}

/// Replaces a file's contents as a fault would, without its being another file's.
fn put(path: &Path, bytes: &[u8]) {
    let _ = fs::remove_file(path);
    fs::write(path, bytes).expect("the folder is ours");
    fs::set_permissions(path, Permissions::from_mode(0o600)).expect("it is ours");
}

#[test]
fn flipped_bytes_are_noticed() {
    let program = build("flipped", &loop_with(19), &[]);
    let cache = Cache::warmed("flipped", &program);
    let right = cache.run(&program);
    let entry = cache.files(".code").pop().expect("an entry");
    let whole = fs::read(&entry).expect("it is ours");
    let _held = cache.hold();
    // (The unit tests of the format flip every byte.) Here: what the guest sees, for header, table, and all the rest.
    let mut reported = 0;
    let places: Vec<usize> = (0..128).step_by(5).chain((128..whole.len()).step_by(whole.len() / 120)).collect();
    for at in &places {
        let mut wrong = whole.clone();
        wrong[*at] ^= 1 << (at % 8);
        put(&entry, &wrong);
        let run = cache.run(&program);
        run.same(&right);
        reported += run.reports().len();
        assert!(run.reports().len() <= 1, "byte {at}: {}", run.stderr());
        put(&entry, &wrong);
        assert!(!cache.verifies(), "byte {at} of {}", whole.len());
    }
    assert!(reported * 4 > places.len(), "only {reported} of {} were in use and noticed", places.len());
}

#[test]
fn directories_and_files_of_others_are_not_used() {
    let program = build("hostile", &loop_with(23), &[]);
    let cache = Cache::warmed("hostile", &program);
    let right = cache.run(&program);
    let entry = cache.files(".code").pop().expect("an entry");
    let variant = entry.parent().expect("a directory").to_owned();
    let whole = fs::read(&entry).expect("it is ours");
    let _held = cache.hold();
    let mode = |path: &Path, mode: u32| fs::set_permissions(path, Permissions::from_mode(mode)).expect("it is ours");
    for path in [&cache.0, &variant, &entry] {
        let before = path.metadata().expect("it is there").mode();
        for wrong in [0o020, 0o002] {
            mode(path, before | wrong);
            runs_without(&cache, &program, &right, &format!("{} with mode {:o}", path.display(), before | wrong));
            put(&entry, &whole);
        }
        mode(path, before);
    }
    // SAFETY: no memory is involved.
    if unsafe { libc::geteuid() } == 0 {
        for path in [&cache.0, &variant, &entry] {
            std::os::unix::fs::chown(path, Some(65534), None).expect("root may");
            runs_without(&cache, &program, &right, &format!("another user's {}", path.display()));
            std::os::unix::fs::chown(path, Some(0), None).expect("root may");
            put(&entry, &whole);
        }
    } else {
        runs_without(&Cache("/usr".into()), &program, &right, "root's directory");
    }
    // A process may have put a new one in its place meanwhile; but not where a directory is.
    let aside = entry.with_extension("aside");
    fs::rename(&entry, &aside).expect("the folder is ours");
    symlink(&aside, &entry).expect("the folder is ours");
    runs_without(&cache, &program, &right, "a link");
    let _ = fs::remove_file(&entry);
    assert!(Command::new("mkfifo").arg(&entry).status().expect("mkfifo is there").success());
    runs_without(&cache, &program, &right, "a pipe");
    let _ = fs::remove_file(&entry);
    fs::create_dir(&entry).expect("the folder is ours");
    runs_without(&cache, &program, &right, "a directory");
    fs::remove_dir(&entry).expect("the folder is ours");
    put(&entry, &whole);
    assert!(cache.run(&program).from_disk() > 0);
}

#[test]
fn entries_of_other_builds_and_cpus_are_not_used() {
    let program = build("builds", &loop_with(29), &[]);
    let cache = Cache::warmed("builds", &program);
    let right = cache.run(&program);
    let entry = cache.files(".code").pop().expect("an entry");
    let mut command = cache.command();
    command.args(["--stats", "--log", "info", "--cpu", "rv64"]).arg(&program);
    let other = Run(run(command_of(&command), b"").expect("it runs"));
    assert_eq!((other.0.stdout.clone(), other.from_disk()), (right.0.stdout.clone(), 0));
    // Until it has an entry of its own.
    let own = (0..500).any(|_| Run(run(command_of(&command), b"").expect("it runs")).from_disk() > 0);
    assert!(own, "the other CPU has no entry");
    // An entry of another build under this build's name.
    let variant = entry.parent().expect("a directory");
    let renamed = cache.0.join(format!("{:032x}", 7));
    fs::rename(variant, &renamed).expect("the folder is ours");
    assert_eq!(cache.run(&program).from_disk(), 0);
    cache.translate();
    let _held = cache.hold();
    // Its checksums are right: only the name differs.
    let other = other_entry(&cache, &entry);
    put(&entry, &other);
    runs_without(&cache, &program, &right, "an entry with another build's name");
}

/// The bytes of an entry of the same file that another variant made.
fn other_entry(cache: &Cache, entry: &Path) -> Vec<u8> {
    let own = fs::read(entry).expect("it is ours");
    let others = cache.files(".code").into_iter().filter(|file| file.file_name() == entry.file_name());
    let others = others.map(|file| fs::read(file).expect("it is ours"));
    others.into_iter().find(|bytes| bytes[16..32] != own[16..32]).expect("another CPU's")
}

#[test]
fn writers_that_are_killed_leave_nothing_behind_that_counts() {
    let program = build("killed", &loop_with(31), &[]);
    let right = Cache::new("killed-right").run(&program);
    let cache = Cache::new("killed");
    for round in 0..60u64 {
        let worker = round % 2 == 1;
        let mut command = cache.command();
        match worker {
            true => command.args(["cache", "translate", "identity", "--cache"]).arg(&cache.0).arg("-"),
            false => command.arg(&program),
        };
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
        std::thread::sleep(Duration::from_micros(if worker { round * 2_000 } else { 2_000 + round * 300 }));
        child.kill().expect("it is ours");
        child.wait().expect("it is ours");
        if round % 10 == 9 {
            assert!(cache.verifies(), "round {round}");
            cache.run(&program).same(&right);
        }
    }
    cache.translate();
    cache.run(&program).same(&right);
    cache.translate();
    let warm = cache.run(&program);
    assert!(warm.from_disk() > 0, "{}", warm.stderr());
}

#[test]
fn many_writers_at_once_agree() {
    let program = build("many", &loop_with(37), &[]);
    let cache = Cache::new("many");
    let right = Cache::new("many-right").run(&program);
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| (0..5).for_each(|_| cache.run(&program).same(&right)));
        }
    });
    cache.translate();
    assert!(cache.verifies());
    let warm = cache.run(&program);
    warm.same(&right);
    assert!(warm.from_disk() > 0, "{}", warm.stderr());
}

#[test]
fn clocks_may_jump() {
    let program = build("clocks", &loop_with(41), &[]);
    let cache = Cache::warmed("clocks", &program);
    let year = Duration::from_secs(400 * 86_400);
    for time in [SystemTime::UNIX_EPOCH, SystemTime::now() + year, SystemTime::now() - year] {
        for file in cache.files(".code").iter().chain(&cache.files(".profile")) {
            fs::File::options().write(true).open(file).and_then(|file| file.set_modified(time)).expect("it is ours");
        }
        let run = cache.run(&program);
        assert!(run.from_disk() > 0 && run.reports().is_empty(), "{}", run.stderr());
        let used = cache.files(".code")[0].metadata().and_then(|meta| meta.modified()).expect("it is there");
        let off = SystemTime::now().duration_since(used).unwrap_or(year);
        assert!(off < Duration::from_secs(60), "its use was not noted: {off:?}");
    }
}

/// Runs a shell script as root of a mount namespace of its own, where `$1` is a cache and the rest a command.
fn in_namespace(script: &str, cache: &Cache, program: &Path) -> Option<Run> {
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--mount", "sh", "-c", script, "sh"]).arg(&cache.0);
    command.arg(mynah().get_program()).args(["--stats", "--log", "info"]).arg(program);
    command.env("MYNAH_CACHE", &cache.0);
    let outcome = run(command, b"").expect("unshare is there");
    let refused = String::from_utf8_lossy(&outcome.stderr).contains("unshare:");
    if refused {
        eprintln!("not tested: this machine allows no user namespaces: {}", excerpt(&outcome.stderr));
    }
    (!refused).then_some(Run(outcome))
}

#[test]
fn a_full_disk_is_no_trouble() {
    let program = build("full", &loop_with(43), &[]);
    let right = Cache::new("full-right").run(&program);
    let cache = Cache::new("full");
    let script = "set -e; c=$1; shift; mount -t tmpfs -o size=4k,mode=700 none $c; head -c 4096 /dev/zero >$c/x || true
        \"$@\"";
    if let Some(run) = in_namespace(script, &cache, &program) {
        run.same(&right);
        assert_eq!(run.reports().len(), 1, "{}", run.stderr());
    }
}

#[test]
fn a_read_only_cache_is_used_and_not_written() {
    let program = build("readonly", &loop_with(47), &[]);
    let cache = Cache::warmed("readonly", &program);
    let right = cache.run(&program);
    let script = "set -e; c=$1; shift; mount --bind $c $c; mount -o remount,ro,bind $c; \"$@\"";
    if let Some(run) = in_namespace(script, &cache, &program) {
        run.same(&right);
        assert_eq!(run.from_disk(), right.from_disk(), "{}", run.stderr());
    }
    for file in cache.files(".code") {
        fs::remove_file(file).expect("it is ours");
    }
    if let Some(run) = in_namespace(script, &cache, &program) {
        run.same(&right);
        assert_eq!((run.from_disk(), run.reports().len()), (0, 1), "{}", run.stderr());
        assert!(cache.files(".code").is_empty());
    }
}

#[test]
fn a_limit_on_files_is_not_met() {
    let program = build("limited", &loop_with(53), &[]);
    let cache = Cache::new("limited");
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -f 1; exec \"$@\"", "sh"]).arg(mynah().get_program()).args(["--stats", "--log", "info"]);
    command.arg(&program).env("MYNAH_CACHE", &cache.0);
    let run = Run(run(command, b"").expect("it runs"));
    run.same(&Cache::new("limited-right").run(&program));
    assert_eq!(run.reports().len(), 1, "{}", run.stderr());
}

#[test]
fn children_and_executed_programs_use_it_too() {
    let bash = fetched("riscv64/usr/bin/bash");
    let cache = Cache::new("children");
    let script = "for i in 1 2 3; do (echo $i; /bin/true && exec /bin/echo child); done";
    let outcome = || {
        let mut command = cache.command();
        command.arg("--sysroot").arg(fetched("riscv64")).args(["--stats", "--log", "info"]).arg(&bash).args(["-c", script]);
        Run(run(command, b"").expect("it runs"))
    };
    for _ in 0..3 {
        let run = outcome();
        assert_eq!(String::from_utf8_lossy(&run.0.stdout), "1\nchild\n2\nchild\n3\nchild\n", "{}", run.stderr());
        assert!(run.reports().is_empty(), "{}", run.stderr());
        cache.translate();
    }
    // Every summary, that of bash and those of the programs that it executed.
    let text = outcome().stderr();
    let counts: Vec<&str> = text.lines().filter(|line| line.contains("regions from disk")).collect();
    assert!(counts.len() >= 4 && counts.iter().all(|line| !line.contains(" 0 regions from disk")), "{text}");
}

#[test]
fn commands_look_after_it() {
    let program = build("commands", &loop_with(59), &[]);
    let (cache, elsewhere) = (Cache::new("commands"), Cache::new("commands-elsewhere"));
    let action = |cache: &Cache, words: &[&str]| {
        let mut command = cache.command();
        command.arg("cache").args(words);
        run(command, b"").expect("it runs")
    };
    let good = |cache: &Cache, words: &[&str]| {
        let outcome = action(cache, words);
        assert!(outcome.status.success(), "{words:?}: {}", excerpt(&outcome.stderr));
        String::from_utf8_lossy(&outcome.stdout).into_owned()
    };
    let path = program.to_str().expect("a name in UTF-8");
    assert!(good(&cache, &["info"]).contains("this build:  0 guest files"));
    assert!(good(&cache, &["warm", path]).contains("1 guest files"));
    let warm = cache.run(&program);
    assert!(warm.from_disk() > 5, "nothing ran before: {}", warm.stderr());
    cache.translate();
    assert!(good(&cache, &["list"]).contains(path));
    assert!(good(&cache, &["info"]).contains("this build:  1 guest files"));
    let tar = elsewhere.0.join("all.tar");
    let tar = tar.to_str().expect("a name in UTF-8");
    good(&cache, &["export", tar]);
    assert!(good(&elsewhere, &["import", tar]).starts_with("2 files taken; 0 not"));
    assert!(good(&elsewhere, &["import", tar]).starts_with("0 files taken; 2 not"));
    assert!(elsewhere.run(&program).from_disk() > 5);
    let mut damaged = fs::read(tar).expect("it is ours");
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    fs::write(tar, &damaged).expect("it is ours");
    let third = Cache::new("commands-third");
    assert!(good(&third, &["import", tar]).contains("1 not"));
    assert!(third.verifies());
    good(&cache, &["clear"]);
    assert_eq!(cache.files(".code"), Vec::<PathBuf>::new());
    assert_eq!(cache.run(&program).from_disk(), 0);
    assert_eq!(action(&cache, &["warm"]).status.code(), Some(2));
    assert_eq!(action(&cache, &["nonsense"]).status.code(), Some(2));
    assert_eq!(action(&cache, &["warm", "/nowhere/at/all"]).status.code(), Some(1));
    assert_eq!(action(&cache, &["import", path]).status.code(), Some(1));
}

#[test]
fn without_a_cache_nothing_is_kept() {
    let program = build("off", &loop_with(61), &[]);
    let home = Cache::new("off");
    for (variables, kept) in [
        ([("MYNAH_CACHE", "off"), ("HOME", "x")], false),
        ([("XDG_CACHE_HOME", "relative"), ("HOME", "relative")], false),
        ([("XDG_CACHE_HOME", "home"), ("HOME", "x")], true),
        ([("XDG_CACHE_HOME", ""), ("HOME", "home")], true),
    ] {
        let mut command = mynah();
        command.env_remove("MYNAH_CACHE").arg(&program).current_dir(&home.0);
        for (name, value) in variables {
            let value = if value == "home" { home.0.as_os_str() } else { value.as_ref() };
            command.env(name, value);
        }
        run(command, b"").expect("it runs");
        let there = [home.0.join("mynah"), home.0.join(".cache/mynah")].iter().any(|path| path.exists());
        assert_eq!(there, kept, "{variables:?}");
        let _ = fs::remove_dir_all(home.0.join("mynah"));
        let _ = fs::remove_dir_all(home.0.join(".cache"));
    }
}
