//! Starting a process that has nothing to do with the guest.

use std::ffi::CString;

unsafe extern "C" {
    // glibc 2.34 and later; the libc crate does not know it.
    fn posix_spawn_file_actions_addclosefrom_np(actions: *mut libc::posix_spawn_file_actions_t, from: i32) -> i32;
}

/// Starts Mynah with these words, detached: in a session of its own, with no descriptor of the caller's, an empty
/// environment, and default signals. Nobody waits for it. False if it could not be started.
pub fn start(words: &[CString]) -> bool {
    let mut argv: Vec<*mut libc::c_char> = words.iter().map(|word| word.as_ptr().cast_mut()).collect();
    argv.push(std::ptr::null_mut());
    let envp: [*mut libc::c_char; 1] = [std::ptr::null_mut()];
    // SAFETY: every structure is initialised before it is used and destroyed afterwards; the strings outlive the call.
    unsafe {
        let mut actions = std::mem::zeroed::<libc::posix_spawn_file_actions_t>();
        let mut attributes = std::mem::zeroed::<libc::posix_spawnattr_t>();
        let (mut none, mut all) = (std::mem::zeroed::<libc::sigset_t>(), std::mem::zeroed::<libc::sigset_t>());
        libc::sigemptyset(&mut none);
        libc::sigfillset(&mut all);
        libc::posix_spawn_file_actions_init(&mut actions);
        libc::posix_spawnattr_init(&mut attributes);
        for fd in 0..3 {
            libc::posix_spawn_file_actions_addopen(&mut actions, fd, c"/dev/null".as_ptr(), libc::O_RDWR, 0);
        }
        posix_spawn_file_actions_addclosefrom_np(&mut actions, 3);
        libc::posix_spawnattr_setsigmask(&mut attributes, &none);
        libc::posix_spawnattr_setsigdefault(&mut attributes, &all);
        const SETSID: i32 = 0x80;
        let flags = SETSID | libc::POSIX_SPAWN_SETSIGMASK | libc::POSIX_SPAWN_SETSIGDEF;
        libc::posix_spawnattr_setflags(&mut attributes, flags as libc::c_short);
        let mut pid = 0;
        let path = c"/proc/self/exe".as_ptr();
        let result = libc::posix_spawn(&mut pid, path, &actions, &attributes, argv.as_ptr(), envp.as_ptr());
        libc::posix_spawn_file_actions_destroy(&mut actions);
        libc::posix_spawnattr_destroy(&mut attributes);
        result == 0
    }
}

/// Makes this process one that runs only when nothing else wants to, and that holds no directory.
pub fn yield_to_all() {
    // SAFETY: plain calls on this process; that one fails only costs others time.
    unsafe {
        let parameters = libc::sched_param { sched_priority: 0 };
        libc::sched_setscheduler(0, libc::SCHED_IDLE, &parameters);
        libc::setpriority(libc::PRIO_PROCESS, 0, 19);
        libc::chdir(c"/".as_ptr());
    }
}
