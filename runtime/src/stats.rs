//! What a run did, in numbers: for the summary at exit.

use std::sync::atomic::{AtomicU64, Ordering};

use mynah_backend::cache::CacheStats;

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// One thread's counts; plain numbers, added to [`Stats`] when the thread ends.
        #[derive(Clone, Copy, Debug, Default)]
        pub struct Counts { $($(#[$doc])* pub $name: u64,)* }

        impl Counts {
            /// Every count with its name.
            pub fn list(&self) -> Vec<(&'static str, u64)> {
                vec![$((stringify!($name), self.$name),)*]
            }
        }

        /// The process's counts.
        #[derive(Debug, Default)]
        pub struct Stats { $($name: AtomicU64,)* }

        impl Stats {
            /// Adds a thread's counts.
            pub fn add(&self, counts: &Counts) {
                $(self.$name.fetch_add(counts.$name, Ordering::Relaxed);)*
            }

            /// The sums so far.
            pub fn sum(&self) -> Counts {
                Counts { $($name: self.$name.load(Ordering::Relaxed),)* }
            }
        }
    };
}

counters! {
    /// Blocks decoded for tier 0.
    decoded_blocks,
    /// Guest instructions in them.
    decoded_insns,
    /// Blocks executed by tier 0.
    tier0_blocks,
    /// Guest instructions executed by tier 0; counted only when a summary was asked for.
    tier0_insns,
    /// Times translated code was entered from the dispatcher.
    entries,
    /// Regions translated.
    regions,
    /// Regions that could not be translated.
    failed,
    /// Time spent in translation, in the background or in place, nanoseconds.
    translate_ns,
    /// The part of it that guest threads waited for.
    waited_ns,
    /// System calls.
    syscalls,
    /// Time spent in system calls, nanoseconds; measured only when a summary was asked for.
    syscall_ns,
    /// Time the threads ran in all, nanoseconds.
    total_ns,
}

/// The summary as lines for people.
pub fn summary(counts: &Counts, cache: &CacheStats) -> String {
    let ms = |ns: u64| format!("{:.1} ms", ns as f64 / 1e6);
    let guest = counts.total_ns.saturating_sub(counts.waited_ns + counts.syscall_ns);
    format!(
        "mynah: blocks:      {} decoded ({} guest instructions)\n\
         mynah: tier 0:      {} blocks executed ({} guest instructions)\n\
         mynah: tier 1:      {} regions translated ({} guest instructions -> {} host bytes), entered {} times\n\
         mynah: code cache:  {} regions from disk, {} invalidated, {} flushes\n\
         mynah: time:        {} in guest code, {} in translation ({} of it waited for), {} in {} system calls\n",
        counts.decoded_blocks,
        counts.decoded_insns,
        counts.tier0_blocks,
        counts.tier0_insns,
        cache.published,
        cache.guest_insns,
        cache.host_bytes,
        counts.entries,
        cache.activated,
        cache.invalidated,
        cache.flushes,
        ms(guest),
        ms(counts.translate_ns),
        ms(counts.waited_ns),
        ms(counts.syscall_ns),
        counts.syscalls,
    )
}

/// The summary as one line of JSON.
pub fn json(counts: &Counts, cache: &CacheStats) -> String {
    let counts = counts.list().into_iter().chain(cache_list(cache));
    let members: Vec<String> = counts.map(|(name, value)| format!("\"{name}\":{value}")).collect();
    format!("{{{}}}", members.join(","))
}

/// The code cache's counts with their names.
pub fn cache_list(cache: &CacheStats) -> [(&'static str, u64); 5] {
    [
        ("published", cache.published),
        ("host_bytes", cache.host_bytes),
        ("translated_insns", cache.guest_insns),
        ("invalidated", cache.invalidated),
        ("flushes", cache.flushes),
    ]
}
