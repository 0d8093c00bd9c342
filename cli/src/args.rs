//! From the words of a command line to [`Choices`].
//!
//! Words are options until the first that does not begin with a dash, or until `--`; that one is the program, and all
//! after it belong to the guest. QEMU's spellings (`-L`, `-strace`) are rewritten to long names first, so that clap
//! sees one form only.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Command};
use mynah_runtime::options::Options;

use crate::{binfmt, dump, log};
use crate::options::{Choices, Effect, Group, OPTIONS, Opt, Scope, default_cache};

/// Why there is nothing to run.
#[derive(Debug)]
pub enum Refusal {
    /// Text that was asked for: goes to standard output, status 0.
    Show(String),
    /// A mistake on the command line: goes to standard error after `mynah: `, status 2.
    Wrong(String),
}

/// What a command is called and how its help text is framed.
pub struct Usage {
    /// `mynah` or `mynah dump`.
    pub name: &'static str,
    /// Which options it takes.
    pub scope: Scope,
    /// What it does.
    pub about: &'static str,
    /// What stands after the options.
    pub operands: &'static str,
    /// Examples and further explanations, at the end.
    pub after: &'static str,
}

/// Reads the words after the command's name, and the variables that `variable` looks up.
pub fn parse(
    usage: &Usage,
    words: &[OsString],
    variable: &dyn Fn(&str) -> Option<OsString>,
) -> Result<Choices, Refusal> {
    let (options, guest) = split(usage.scope, words)?;
    let matches = command(usage).try_get_matches_from(options).map_err(refusal)?;
    let mut choices = initial();
    choices.run.cache = default_cache(variable);
    let from_variables = given_by_variables(usage.scope, variable);
    for (option, value) in from_variables.iter().chain(&given(usage.scope, &matches)) {
        apply(option, value, &mut choices)?;
    }
    let Some((program, arguments)) = guest.split_first() else {
        return Err(Refusal::Wrong(format!(
            "no program given\nusage: {} [options] {}\nTry '{} --help'.",
            usage.name, usage.operands, usage.name
        )));
    };
    if !choices.profile.file.as_os_str().is_empty() {
        choices.run.profile = Some(choices.profile.clone());
    }
    choices.run.program = PathBuf::from(program);
    if choices.run.argv.is_empty() {
        choices.run.argv.push(program.clone());
    }
    choices.run.argv.extend_from_slice(arguments);
    Ok(choices)
}

/// The choices before any option.
fn initial() -> Choices {
    let run = Options { env: environment(), ..Options::default() };
    Choices {
        run,
        log: log::Items::default(),
        dump: dump::Request::default(),
        binfmt: binfmt::Request::default(),
        profile: Default::default(),
        report: Default::default(),
    }
}

/// Mynah's own environment, which is the guest's.
fn environment() -> Vec<OsString> {
    let join = |(name, value): (OsString, OsString)| {
        OsString::from_vec([name.as_bytes(), b"=", value.as_bytes()].concat())
    };
    std::env::vars_os().map(join).collect()
}

fn in_scope(option: &Opt, scope: Scope) -> bool {
    option.scope.includes(scope)
}

/// Splits the words into options, in long form, and the guest's part.
fn split(scope: Scope, words: &[OsString]) -> Result<(Vec<OsString>, &[OsString]), Refusal> {
    let mut options = vec![OsString::from("mynah")];
    let mut at = 0;
    while at < words.len() {
        let word = &words[at];
        let bytes = word.as_bytes();
        if bytes == b"--" {
            at += 1;
            break;
        }
        if bytes.len() < 2 || bytes[0] != b'-' {
            break;
        }
        at += 1;
        let option = match long(word) {
            Long::Complete => {
                options.push(word.clone());
                continue;
            }
            Long::Named(name) => {
                OPTIONS.iter().find(|o| o.name == name).filter(|o| in_scope(o, scope)).ok_or(Some(word.clone()))
            }
            Long::No => short(word).filter(|o| in_scope(o, scope)).ok_or(None),
        };
        match option {
            Ok(option) => options.push(spell(option, words.get(at), &mut at)?),
            // clap knows similar names.
            Err(Some(unknown)) => options.push(unknown),
            Err(None) => return Err(Refusal::Wrong(format!("there is no option '{}'", word.display()))),
        }
    }
    Ok((options, &words[at..]))
}

/// What kind of long option a word is.
enum Long<'a> {
    /// `--name=value`.
    Complete,
    /// `--name`, perhaps with the value in the next word.
    Named(&'a OsStr),
    /// Not one.
    No,
}

fn long(word: &OsStr) -> Long<'_> {
    match word.as_bytes().strip_prefix(b"--") {
        None => Long::No,
        Some(rest) if rest.contains(&b'=') => Long::Complete,
        Some(rest) => Long::Named(OsStr::from_bytes(rest)),
    }
}

/// The option that QEMU spells like this. `-h` is what people try first.
fn short(word: &OsStr) -> Option<&'static Opt> {
    let word = if word == "-h" { OsStr::new("-help") } else { word };
    OPTIONS.iter().find(|option| !option.qemu.is_empty() && word == option.qemu)
}

/// The option as one word in long form; takes the value from `next` and steps over it.
fn spell(option: &Opt, next: Option<&OsString>, at: &mut usize) -> Result<OsString, Refusal> {
    let name = format!("--{}", option.name);
    if !option.takes_value() {
        return Ok(name.into());
    }
    let value = next.ok_or_else(|| Refusal::Wrong(format!("option '{}' needs {}", shown(option), option.value)))?;
    *at += 1;
    Ok(OsString::from_vec([name.as_bytes(), b"=", value.as_bytes()].concat()))
}

/// How messages name an option: as QEMU does where it has it.
fn shown(option: &Opt) -> String {
    if option.qemu.is_empty() { format!("--{}", option.name) } else { option.qemu.to_owned() }
}

/// The options that variables give, Mynah's after QEMU's. A switch is on unless the variable is empty or `0`.
fn given_by_variables(scope: Scope, variable: &dyn Fn(&str) -> Option<OsString>) -> Vec<(&'static Opt, OsString)> {
    let mut given = Vec::new();
    for option in OPTIONS.iter().filter(|option| in_scope(option, scope)) {
        let names = [Some(option.qemu_variable.to_owned()).filter(|name| !name.is_empty()), option.variable()];
        for value in names.iter().flatten().filter_map(|name| variable(name)) {
            if option.takes_value() || !(value.is_empty() || value == "0") {
                given.push((option, value));
            }
        }
    }
    given
}

/// The options on the command line, in order.
fn given(scope: Scope, matches: &ArgMatches) -> Vec<(&'static Opt, OsString)> {
    let mut given = Vec::new();
    for option in OPTIONS.iter().filter(|option| in_scope(option, scope)) {
        let Some(indices) = matches.try_contains_id(option.name).ok().and_then(|_| matches.indices_of(option.name)) else {
            continue;
        };
        if matches.value_source(option.name) != Some(clap::parser::ValueSource::CommandLine) {
            continue;
        }
        let values = matches.get_raw(option.name).into_iter().flatten().map(OsStr::to_owned);
        let values = values.chain(std::iter::repeat(OsString::new()));
        given.extend(indices.zip(values).map(|(index, value)| (index, option, value)));
    }
    given.sort_by_key(|(index, ..)| *index);
    given.into_iter().map(|(_, option, value)| (option, value)).collect()
}

/// Carries an option out and remembers it for the programs that the guest executes.
fn apply(option: &'static Opt, value: &OsStr, choices: &mut Choices) -> Result<(), Refusal> {
    match option.effect {
        Effect::Set(_) if option.name == "cpu" && value == "help" => Err(Refusal::Show(cpu_help())),
        Effect::Set(set) => {
            set(choices, value).map_err(|why| Refusal::Wrong(format!("option '{}': {why}", shown(option))))?;
            if option.carried {
                let mut word = OsString::from(format!("--{}", option.name));
                if option.value_is_optional() && !value.is_empty() {
                    word.push("=");
                    word.push(value);
                }
                choices.run.carried.push(word);
                choices.run.carried.extend(option.takes_value().then(|| value.to_owned()));
            }
            Ok(())
        }
        Effect::Missing(what) => {
            Err(Refusal::Wrong(format!("option '{}' is not available yet: {what} is missing", shown(option))))
        }
        // clap handles these.
        Effect::Help | Effect::Version => Ok(()),
    }
}

/// The models and extensions that `--cpu` takes.
fn cpu_help() -> String {
    mynah_frontend::riscv64::Cpu::help()
}

/// The clap command: the table's rows under their headings.
pub fn command(usage: &Usage) -> Command {
    let rows = |group| OPTIONS.iter().filter(move |option: &&Opt| option.group == group && in_scope(option, usage.scope));
    Command::new(usage.name)
        .version(env!("CARGO_PKG_VERSION"))
        .about(usage.about)
        .override_usage(format!("{} [options] {}", usage.name, usage.operands))
        .after_help(usage.after)
        .disable_help_flag(true)
        .disable_version_flag(true)
        .max_term_width(110)
        .args(Group::ALL.into_iter().flat_map(rows).map(argument))
}

/// One row as clap's argument.
fn argument(option: &'static Opt) -> Arg {
    let action = match option.effect {
        Effect::Help => ArgAction::Help,
        Effect::Version => ArgAction::Version,
        _ if option.takes_value() || option.value_is_optional() => ArgAction::Append,
        _ => ArgAction::Count,
    };
    let argument = Arg::new(option.name)
        .long(option.name)
        .help(help(option))
        .help_heading(option.group.title())
        .action(action);
    if option.value_is_optional() {
        let value = argument.value_name(option.value.trim_matches(['[', ']'])).num_args(0..=1);
        return value.require_equals(true).default_missing_value("").value_parser(clap::value_parser!(OsString));
    }
    if !option.takes_value() {
        return argument;
    }
    argument.value_name(option.value).value_parser(clap::value_parser!(OsString)).allow_hyphen_values(true)
}

/// The help text of a row, with its other names.
fn help(option: &Opt) -> String {
    let names = [Some(option.qemu.to_owned()), Some(option.qemu_variable.to_owned())];
    let names: Vec<String> = names.into_iter().flatten().filter(|name| !name.is_empty()).collect();
    if names.is_empty() { option.help.to_owned() } else { format!("{} [{}]", option.help, names.join(", ")) }
}

/// Turns clap's answer into ours.
fn refusal(error: clap::Error) -> Refusal {
    use clap::error::ErrorKind;
    let text = error.render().to_string();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Refusal::Show(text),
        _ => {
            let text = text.strip_prefix("error: ").unwrap_or(&text);
            let message = text.split("\n\nUsage:").next().unwrap_or(text);
            Refusal::Wrong(message.trim_end().to_owned())
        }
    }
}
