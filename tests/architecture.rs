//! ARCHITECTURE.md stays true: what it names exists, and `unsafe` stays behind its fence.

use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Every Rust file of a folder.
fn sources(folder: &str) -> Vec<PathBuf> {
    let mut folders = vec![root().join(folder)];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())).flatten() {
            match entry.path() {
                path if path.is_dir() => folders.push(path),
                path if path.extension().is_some_and(|e| e == "rs") => files.push(path),
                _ => {}
            }
        }
    }
    files
}

#[test]
fn every_path_that_is_named_exists() {
    let text = read(&root().join("ARCHITECTURE.md"));
    let quoted = text.split('`').skip(1).step_by(2);
    let paths: Vec<&str> = quoted
        .filter(|q| q.contains('/') || ["tests", "examples", "fuzz", "scripts"].contains(q))
        .filter(|q| q.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c)) && !q.starts_with('/'))
        .collect();
    assert!(paths.len() > 30, "only {} paths found", paths.len());
    let missing: Vec<&&str> = paths.iter().filter(|p| !root().join(p).exists()).collect();
    assert!(missing.is_empty(), "ARCHITECTURE.md names what does not exist: {missing:?}");
}

#[test]
fn ir_and_frontend_forbid_unsafe() {
    for krate in ["ir", "frontend"] {
        assert!(read(&root().join(krate).join("src/lib.rs")).contains("#![forbid(unsafe_code)]"), "{krate}");
    }
}

#[test]
fn every_unsafe_block_says_why_it_is_safe() {
    let mut bare = Vec::new();
    for file in ["backend/src", "runtime/src", "cli/src"].iter().flat_map(|folder| sources(folder)) {
        let text = read(&file);
        let lines: Vec<&str> = text.lines().collect();
        for (i, line) in lines.iter().enumerate() {
            let code = line.split("//").next().unwrap_or("");
            if code.contains("unsafe {") && !lines[i.saturating_sub(8)..=i].iter().any(|l| l.contains("SAFETY")) {
                bare.push(format!("{}:{}", file.display(), i + 1));
            }
        }
    }
    assert!(bare.is_empty(), "unsafe without a SAFETY sentence near it: {bare:#?}");
}
