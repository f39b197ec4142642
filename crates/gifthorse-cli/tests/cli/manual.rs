//! Every command has a page in `docs/commands`, and every flag of a command is on its page.

use std::collections::BTreeSet;
use std::path::Path;

use crate::bench::Bench;

/// Flags that all commands share; `--help` explains them.
const SHARED: [&str; 6] = [
    "--seed",
    "--threads",
    "--quiet",
    "--color",
    "--help",
    "--version",
];

/// The words of `text` that start with `--`.
fn flags(text: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '-';
    text.split(|c: char| !is_part(c))
        .filter(|word| word.starts_with("--") && word.len() > 2)
        .map(str::to_owned)
        .collect()
}

/// The names of the commands that `help` lists.
fn commands(help: &str) -> Vec<String> {
    let listed = help.split("Commands:\n").nth(1).unwrap_or_default();
    listed
        .lines()
        .take_while(|line| !line.trim().is_empty())
        // Descriptions that go on in another line are indented further.
        .filter_map(|line| line.strip_prefix("  ")?.split(' ').next())
        .filter(|name| !name.is_empty())
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_pages_have_all_commands_and_flags() {
    let bench = Bench::new();
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/commands");
    let all = commands(&bench.run("-h").expect(0).out());
    assert!(all.len() > 10, "{all:?}");
    for command in all {
        let page = std::fs::read_to_string(docs.join(format!("{command}.md"))).unwrap();
        let named = flags(&page);
        let help = bench.run(&format!("{command} --help")).expect(0).out();
        let mut wanted = flags(&help);
        for part in commands(&help) {
            wanted.extend(flags(
                &bench
                    .run(&format!("{command} {part} --help"))
                    .expect(0)
                    .out(),
            ));
        }
        let missing: Vec<_> = wanted
            .difference(&named)
            .filter(|flag| !SHARED.contains(&flag.as_str()))
            .collect();
        assert!(
            missing.is_empty(),
            "docs/commands/{command}.md lacks {missing:?}"
        );
    }
}

#[test]
fn the_help_of_scan_has_a_heading_for_each_thing_that_is_asked() {
    let help = Bench::new().run("scan --help").expect(0).out();
    let flags = |heading: &str| -> Vec<String> {
        let rest = help.split(&format!("\n{heading}:\n")).nth(1);
        let rest = rest.unwrap_or_else(|| panic!("no heading {heading} in\n{help}"));
        let part = rest
            .lines()
            .take_while(|line| line.trim().is_empty() || line.starts_with(' '));
        let flag = |line: &str| {
            let line = line.trim_start();
            let line = line.split_once(", --").map_or(line, |(_, long)| long);
            let word = line.trim_start_matches('-').split([' ', ',']).next();
            word.unwrap_or_default().to_owned()
        };
        part.filter(|line| line.trim_start().starts_with('-') && !line.starts_with("        "))
            .map(flag)
            .collect()
    };
    for (heading, expected) in [
        ("Options", &["help", "version"][..]),
        ("Images", &["images", "split", "crop", "exif", "max-images"]),
        ("Labels", &["labels", "class-names", "label-order"]),
        ("Model", &["input", "output"]),
        (
            "Search",
            &[
                "detector",
                "preset",
                "search",
                "classes",
                "max-time",
                "work",
                "second-opinion",
            ],
        ),
        (
            "Verdict",
            &[
                "fpr",
                "reference",
                "baseline",
                "fail-on",
                "exit-zero",
                "policy",
            ],
        ),
        ("Output", &["out", "no-images", "json", "profile"]),
        ("Every command", &["seed", "threads", "quiet", "color"]),
    ] {
        assert_eq!(flags(heading), expected, "{heading}");
    }
    let preprocessing = flags("Preprocessing");
    for flag in [
        "preprocess",
        "range",
        "mean",
        "std",
        "channels",
        "layout",
        "input-size",
    ] {
        assert!(
            preprocessing.iter().any(|there| there == flag),
            "{flag}: {preprocessing:?}"
        );
    }
}
