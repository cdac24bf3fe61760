use super::*;
use clap::CommandFactory as _;

/// Every help text there is, as a terminal of 100 columns shows it.
fn everything() -> String {
    fn tell(command: &mut clap::Command, name: &str, all: &mut String) {
        *all += &format!("$ {name} --help\n{}\n", command.render_long_help());
        let names: Vec<String> = command.get_subcommands().map(|c| c.get_name().to_owned()).collect();
        for sub in names.iter().filter(|n| *n != "help") {
            if let Some(sub_command) = command.find_subcommand_mut(sub) {
                tell(sub_command, &format!("{name} {sub}"), all);
            }
        }
    }
    let mut root = Cli::command().term_width(100);
    root.build();
    let mut all = String::new();
    tell(&mut root, "portcullis", &mut all);
    all.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

/// `PORTCULLIS_UPDATE=1 cargo test -p portcullis help` writes the file anew; the change is then seen in review.
#[test]
fn the_help_texts_are_those_in_the_file() {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cli/help.txt");
    if option_env!("PORTCULLIS_UPDATE").is_some() {
        std::fs::write(&file, everything()).expect("written");
    }
    let kept = std::fs::read_to_string(&file).expect("src/cli/help.txt");
    let first = everything()
        .lines()
        .zip(kept.lines())
        .find(|(now, then)| now != then)
        .map(|(now, then)| format!("now:  {now}\nfile: {then}"));
    assert!(
        everything() == kept,
        "help changed (see the comment at this test); first difference:\n{first:?}"
    );
}

#[test]
fn every_command_has_an_example_that_parses() {
    Cli::command().debug_assert();
    for command in Cli::command().get_subcommands() {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        assert!(help.contains("Example"), "{} has no example", command.get_name());
        let joined = help.replace("\\\n", " ");
        let examples: Vec<&str> =
            joined.lines().filter_map(|l| l.trim().strip_prefix("portcullis ")).collect();
        assert!(!examples.is_empty(), "{}", command.get_name());
        for example in examples {
            let words = words(example.split(" #").next().unwrap_or(example));
            let parsed = Cli::try_parse_from(["portcullis".to_owned()].into_iter().chain(words));
            assert!(parsed.is_ok(), "{example}: {}", parsed.err().map(|e| e.to_string()).unwrap_or_default());
        }
    }
}

/// Splits like a shell, as far as the examples need: single quotes, and a redirection ends it.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (number, part) in line.split('\'').enumerate() {
        if number % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().take_while(|w| *w != ">").map(str::to_owned));
        }
    }
    words
}

#[test]
fn command_lines() {
    for (line, good) in [
        ("init", true),
        ("init --demo --port-base 18080", true),
        ("init --demo --port-base 80", false),
        ("init --demo --port-base 65530", false),
        ("status --watch --timeout 5s", true),
        ("status --timeout 5", false),
        ("continue imp-1 --why x", false),
        ("continue imp-1 --validated --why x", true),
        ("quorum --with anna --with ben --without ben --json", true),
        ("quorum anna", false),
        ("suspend anna", false),
        ("suspend anna --why x --for 2d --yes", true),
        ("policy", false),
        ("policy propose", false),
        ("policy diff", true),
        ("officer enrol emil --roles legal", false),
        ("officer enrol emil --key emil.pub", true),
        ("lift imp-1", false),
        ("lift imp-1 --why x --reason error", true),
        ("lift imp-1 --why x --reason mistake", false),
        ("propose emergency cus_first --post p", false),
        ("--as anna approve imp-1 --yes", true),
        ("approve imp-1 --yes --as anna --json", true),
        ("", false),
        ("blok", false),
    ] {
        let parsed = Cli::try_parse_from(["portcullis"].into_iter().chain(line.split_whitespace()));
        assert_eq!(parsed.is_ok(), good, "{line}");
    }
}
