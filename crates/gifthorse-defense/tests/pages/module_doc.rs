//! A detector's module documentation as Markdown that stands by itself.

use std::{fs, path::Path};

use gifthorse_defense::detect::DETECTORS;

/// The headings that every module has, in their order.
pub const SECTIONS: [&str; 6] = [
    "What it does",
    "Threat model",
    "Statistic and decision",
    "Cost",
    "Known failures",
    "References",
];

/// What a module says of itself.
pub struct ModuleDoc {
    /// The words before the first heading.
    pub opening: String,
    /// The words under each of [`SECTIONS`].
    sections: [String; 6],
}

/// The file of a detector's module, from the root of the repository.
pub fn source(name: &str) -> String {
    format!("crates/gifthorse-defense/src/detect/{name}.rs")
}

impl ModuleDoc {
    /// What the module of the detector says of itself.
    pub fn read(name: &str) -> Result<Self, String> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        fs::read_to_string(root.join(source(name)))
            .map_err(|error| error.to_string())
            .and_then(|code| Self::of(&code, name))
            .map_err(|error| format!("{}: {error}", source(name)))
    }

    /// The words under one of [`SECTIONS`].
    pub fn section(&self, heading: &str) -> Option<&str> {
        let at = SECTIONS.iter().position(|&section| section == heading)?;
        Some(&self.sections[at])
    }

    fn of(code: &str, name: &str) -> Result<Self, String> {
        let doc: Vec<&str> = code
            .lines()
            .map_while(|line| line.strip_prefix("//!"))
            .map(|line| line.strip_prefix(' ').unwrap_or(line))
            .filter(|line| !is_definition(line))
            .collect();
        let mut parts = vec![(String::new(), String::new())];
        for line in doc {
            match line.strip_prefix("# ") {
                Some(heading) => parts.push((heading.to_owned(), String::new())),
                None => parts.last_mut().unwrap().1 += &format!("{line}\n"),
            }
        }
        let headings: Vec<&str> = parts.iter().skip(1).map(|(h, _)| h.as_str()).collect();
        if headings != SECTIONS {
            return Err(format!(
                "the module's headings are {headings:?} and have to be {SECTIONS:?}"
            ));
        }
        let mut texts = parts.into_iter().map(|(_, text)| plain(text.trim(), name));
        let opening = texts.next().unwrap()?;
        let sections: Result<Vec<_>, _> = texts.collect();
        Ok(Self {
            opening,
            sections: sections?.try_into().unwrap(),
        })
    }
}

/// Whether the line says where a link leads that stands elsewhere.
fn is_definition(line: &str) -> bool {
    line.starts_with('[')
        && line
            .split_once("]: ")
            .is_some_and(|(_, path)| !path.contains(' '))
}

/// Text without links that only rustdoc follows: a link to another detector's module leads to that
/// detector's page, any other is the code that it stands at; the page itself is "below".
fn plain(text: &str, name: &str) -> Result<String, String> {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("[`") {
        let (code, after) = after.split_once("`]").ok_or("a link has no end")?;
        let aimed = after
            .strip_prefix('(')
            .and_then(|after| after.split_once(')'));
        let (path, after) = aimed.unwrap_or((code, after));
        plain += before;
        let of = path.rsplit("::").next().unwrap_or(path);
        plain += &match DETECTORS.iter().any(|row| row.about.name == of) {
            true => format!("[`{code}`]({of}.md)"),
            false => format!("`{code}`"),
        };
        rest = after;
    }
    plain += rest;
    let plain = plain.replace(&format!("docs/detectors/{name}.md"), "below");
    let mut links = plain.split("](").skip(1);
    let is_lost = |after: &str| !after.split(')').next().unwrap_or(after).ends_with(".md");
    match links.any(is_lost) || plain.contains("docs/") {
        true => Err(format!(
            "a page cannot link to what stands here: write paths of modules as [`name`](path), and \
             no file of docs/ but the detector's own page\n{plain}"
        )),
        false => Ok(plain),
    }
}

#[test]
fn links_lead_to_pages_or_are_code() {
    let read = |text| plain(text, "cepa").unwrap();
    assert_eq!(
        read("see [`mm_bd`](super::mm_bd), [`Rule`] and [`Effort`](crate::detect::Effort)."),
        "see [`mm_bd`](mm_bd.md), `Rule` and `Effort`."
    );
    assert_eq!(
        read("pixels in [0, 1] (docs/detectors/cepa.md)"),
        "pixels in [0, 1] (below)"
    );
    assert!(plain("[a detector](super::mm_bd)", "cepa").is_err());
    assert!(plain("docs/verdict.md", "cepa").is_err());
}

#[test]
fn a_definition_is_a_name_and_a_path() {
    assert!(is_definition("[`Rule`]: crate::detect::Rule"));
    assert!(!is_definition("[`Rule`]: less than half of it"));
    assert!(!is_definition("pixels in [0, 1]: all"));
}

#[test]
fn a_module_is_cut_at_its_headings() {
    let code = |cost: &str| {
        format!(
            "//! A: what?\n//!\n//! # What it does\n//! One\n//! two.\n//!\n//! # Threat model\n//! T\n\
             //! # Statistic and decision\n//! S\n//! # {cost}\n//! C\n//! # Known failures\n//! K\n\
             //! # References\n//! R [`Rule`].\n//!\n//! [`Rule`]: crate::Rule\n\nuse a::b;\n//! no\n"
        )
    };
    let doc = ModuleDoc::of(&code("Cost"), "a").unwrap();
    assert_eq!(doc.opening, "A: what?");
    assert_eq!(
        doc.sections.each_ref().map(String::as_str),
        ["One\ntwo.", "T", "S", "C", "K", "R `Rule`."]
    );
    let error = ModuleDoc::of(&code("Costs"), "a").err().unwrap();
    assert!(error.contains("Costs"), "{error}");
}
