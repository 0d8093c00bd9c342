//! Runs the files of `tests/ir`: what passes make of a block, as text.
//!
//! A file is a block, after a comment `; passes: LIST` where passes are to run; then a line `; ----` and the expected
//! text. With `MYNAH_BLESS=1` the expected text is written anew.

use std::path::{Path, PathBuf};

use mynah_ir::passes::{self, Passes};
use mynah_ir::{parse_block, verify};

const SEPARATOR: &str = "; ----\n";
const PASSES: &str = "; passes:";

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/ir");
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "ir"));
    files.sort();
    files
}

/// What the passes named in the input make of its block.
fn output(input: &str) -> Result<String, String> {
    let mut block = parse_block(input).map_err(|error| error.to_string())?;
    verify(&block).map_err(|errors| errors.iter().map(|error| format!("{error}\n")).collect::<String>())?;
    let list = input.lines().find_map(|line| line.strip_prefix(PASSES)).unwrap_or("none");
    let mut passes = Passes::parse(list)?;
    passes.verify = true;
    passes::run(&mut block, passes);
    Ok(block.to_string())
}

#[test]
fn golden_texts() {
    let bless = std::env::var("MYNAH_BLESS").is_ok_and(|value| value == "1");
    let files = files();
    assert!(files.len() >= passes::PASSES.len(), "only {} files", files.len());
    let mut failures = String::new();
    for path in files {
        let text = std::fs::read_to_string(&path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let (input, expected) = text.split_once(SEPARATOR).unwrap_or((&text, ""));
        match output(input) {
            Ok(got) if got == expected => {}
            Ok(got) if bless => std::fs::write(&path, format!("{}\n{SEPARATOR}{got}", input.trim_end())).unwrap(),
            Ok(got) => failures += &format!("{name}: expected\n{expected}but got\n{got}\n"),
            Err(error) => failures += &format!("{name}: {error}\n"),
        }
    }
    assert!(failures.is_empty(), "{failures}If the new texts are right, set MYNAH_BLESS=1 to write them to the files.");
}

/// Every pass has a file of its own.
#[test]
fn every_pass_has_a_text() {
    let texts: Vec<String> = files().iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
    for pass in &passes::PASSES {
        let line = format!("{PASSES} {}\n", pass.name);
        assert!(texts.iter().any(|text| text.contains(&line)), "no file in tests/ir has the line `{line}`");
    }
}
