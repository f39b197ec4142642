//! A method's module documentation as Markdown that stands by itself.

use std::{fs, path::Path};

use gifthorse_defense::audit::AUDITS;
use gifthorse_defense::detect::DETECTORS;
use gifthorse_defense::filter::FILTERS;
use gifthorse_defense::repair::REPAIRS;

/// The headings that every detector's module has, in their order.
pub const SECTIONS: &[&str] = &[
    "What it does",
    "Threat model",
    "Statistic and decision",
    "Cost",
    "Known failures",
    "References",
];
/// Those of a repair's.
pub const SECTIONS_OF_REPAIRS: &[&str] = &[
    "What it does",
    "Threat model",
    "Needs",
    "Cost",
    "Known failures",
    "References",
];
/// Those of a filter's, and of an audit's.
pub const SECTIONS_OF_FILTERS: &[&str] = &[
    "What it does",
    "Threat model",
    "Statistic",
    "Needs",
    "Cost",
    "Known failures",
    "References",
];

/// A kind of method.
#[derive(Clone, Copy)]
pub struct Kind {
    /// The folder of its modules.
    pub modules: &'static str,
    /// The folder of its pages, in docs.
    pub pages: &'static str,
    /// Its headings.
    pub sections: &'static [&'static str],
}

pub const DETECTOR: Kind = Kind {
    modules: "detect",
    pages: "detectors",
    sections: SECTIONS,
};
pub const REPAIR: Kind = Kind {
    modules: "repair",
    pages: "repairs",
    sections: SECTIONS_OF_REPAIRS,
};
pub const FILTER: Kind = Kind {
    modules: "filter",
    pages: "filters",
    sections: SECTIONS_OF_FILTERS,
};

pub const AUDIT: Kind = Kind {
    modules: "audit",
    pages: "audits",
    sections: SECTIONS_OF_FILTERS,
};

/// What a module says of itself.
pub struct ModuleDoc {
    /// The words before the first heading.
    pub opening: String,
    /// The kind's headings, and the words under each.
    sections: Vec<(&'static str, String)>,
}

impl Kind {
    /// The module of a method: of its own name, or of the name without its last word where several
    /// methods are one module.
    pub fn module(self, name: &str) -> &str {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        match (root.join(self.source(name)).exists(), name.rsplit_once('_')) {
            (false, Some((module, _))) => module,
            _ => name,
        }
    }

    /// The file of a module, from the root of the repository.
    pub fn source(self, name: &str) -> String {
        format!("crates/gifthorse-defense/src/{}/{name}.rs", self.modules)
    }
}

impl ModuleDoc {
    /// What the module of the method says of itself.
    pub fn read(kind: Kind, name: &str) -> Result<Self, String> {
        let (root, source) = (
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."),
            kind.source(name),
        );
        fs::read_to_string(root.join(&source))
            .map_err(|error| error.to_string())
            .and_then(|code| Self::of(&code, (kind, name)))
            .map_err(|error| format!("{source}: {error}"))
    }

    /// The words under each heading, in order.
    pub fn sections(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.sections
            .iter()
            .map(|(heading, words)| (*heading, words.as_str()))
    }

    /// The words under a heading.
    pub fn section(&self, heading: &str) -> Option<&str> {
        let mut sections = self.sections();
        sections
            .find(|(known, _)| *known == heading)
            .map(|(_, words)| words)
    }

    fn of(code: &str, (kind, name): (Kind, &str)) -> Result<Self, String> {
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
        let wanted = kind.sections;
        if headings != wanted {
            return Err(format!(
                "the module's headings are {headings:?} and have to be {wanted:?}"
            ));
        }
        let mut texts = parts
            .into_iter()
            .map(|(_, text)| plain(text.trim(), (kind, name)));
        let opening = texts.next().unwrap()?;
        let sections = wanted.iter().zip(texts);
        let sections = sections.map(|(heading, text)| Ok((*heading, text?)));
        Ok(Self {
            opening,
            sections: sections.collect::<Result<_, String>>()?,
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

/// Text without links that only rustdoc follows: a link to another method's module leads to that
/// method's page, any other is the code that it stands at; the page itself is "below".
fn plain(text: &str, (kind, name): (Kind, &str)) -> Result<String, String> {
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
        let of_kind = match kind.pages {
            "detectors" => DETECTORS.iter().any(|row| row.about.name == of),
            "audits" => AUDITS.iter().any(|row| row.about.name == of),
            "filters" => FILTERS.iter().any(|row| row.about.name == of),
            _ => REPAIRS.iter().any(|row| row.about.name == of),
        };
        plain += &match of_kind {
            true => format!("[`{code}`]({of}.md)"),
            false => format!("`{code}`"),
        };
        rest = after;
    }
    plain += rest;
    let plain = plain.replace(&format!("docs/{}/{name}.md", kind.pages), "below");
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
    let read = |text| plain(text, (DETECTOR, "cepa")).unwrap();
    assert_eq!(
        read("see [`mm_bd`](super::mm_bd), [`Rule`] and [`Effort`](crate::detect::Effort)."),
        "see [`mm_bd`](mm_bd.md), `Rule` and `Effort`."
    );
    assert_eq!(
        read("pixels in [0, 1] (docs/detectors/cepa.md)"),
        "pixels in [0, 1] (below)"
    );
    assert!(plain("[a detector](super::mm_bd)", (DETECTOR, "cepa")).is_err());
    assert!(plain("docs/verdict.md", (DETECTOR, "cepa")).is_err());
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
    let doc = ModuleDoc::of(&code("Cost"), (DETECTOR, "a")).unwrap();
    assert_eq!(doc.opening, "A: what?");
    assert_eq!(
        doc.sections().map(|(_, words)| words).collect::<Vec<_>>(),
        ["One\ntwo.", "T", "S", "C", "K", "R `Rule`."]
    );
    let error = ModuleDoc::of(&code("Costs"), (DETECTOR, "a"))
        .err()
        .unwrap();
    assert!(error.contains("Costs"), "{error}");
}
