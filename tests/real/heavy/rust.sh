# rustc at -O and with debug assertions: threads, channels, panics that unwind, collections, a library crate and its tests
cat >m.rs <<'R'
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
pub fn primes(n: usize) -> usize { let mut s = vec![true; n]; let mut c = 0; for i in 2..n { if s[i] { c += 1; let mut j = i * 2; while j < n { s[j] = false; j += i; } } } c }
#[test] fn counts() { assert_eq!(primes(100), 25); }
#[test] #[should_panic] fn panics() { let v: Vec<i32> = vec![]; let i = v.len(); let _ = v[i]; }
fn main() {
    println!("{}", primes(1_000_000));
    let total = Arc::new(Mutex::new(0u64));
    let threads: Vec<_> = (0..4u64).map(|t| { let total = total.clone(); thread::spawn(move || for i in 0..20000 { *total.lock().unwrap() += i * t; }) }).collect();
    for t in threads { t.join().unwrap(); }
    println!("{}", total.lock().unwrap());
    let (tx, rx) = mpsc::channel();
    for id in 0..8 { let tx = tx.clone(); thread::spawn(move || for i in 0..1000 { tx.send(i * id).unwrap(); }); }
    drop(tx);
    println!("{}", rx.iter().sum::<i32>());
    std::panic::set_hook(Box::new(|_| ()));
    let caught = (0..500).filter(|i| std::panic::catch_unwind(|| { if i % 3 == 0 { panic!("x") } }).is_err()).count();
    println!("{caught}");
    let mut m = HashMap::new();
    for w in "the cat and the dog and the bird".split(' ') { *m.entry(w).or_insert(0) += 1; }
    println!("{:?} {:.6} {}", m.iter().collect::<BTreeMap<_, _>>(), (1..=1000).map(|i| 1.0 / i as f64).sum::<f64>(), u128::MAX / 7);
    println!("{:?}", std::process::Command::new("sh").args(["-c", "exit 9"]).status().unwrap().code());
}
R
rustc -O -o m m.rs && ./m && rustc -g -C debug-assertions -o m m.rs && ./m && rustc --test -o mt m.rs && ./mt -q | sed 's/finished in.*//'
