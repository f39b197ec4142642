//! Which row of a table is about which image.

use std::collections::HashMap;

use crate::folder::has_picture_ending;

/// Folders of a path that count.
const DEEPEST: usize = 8;

/// Rows by the images that they name.
///
/// A row may name an image by its whole name (`folder/file.png`), with further folders in front or
/// with fewer of them, with another ending or without one, in other case, or by a number without
/// the zeros in front of it. The more of a name is alike, the better; what could be several images
/// is none.
#[derive(Default)]
pub(super) struct Matching {
    /// By the name as it is, from any of its folders on.
    exact: HashMap<String, Found>,
    /// Likewise, without the ending.
    stems: HashMap<String, Found>,
    /// Likewise, in lower case.
    folded: HashMap<String, Found>,
    /// By the number that the file is called, without zeros in front.
    numbers: HashMap<String, Found>,
    labels: HashMap<usize, String>,
}

/// The row for an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// There is none, or it cannot be told which.
    Nothing,
    /// This one.
    Row(usize),
    /// Two rows name the very image and have different labels.
    Contradiction(usize, usize),
}

impl Matching {
    /// Adds the row at `place`.
    pub fn add(&mut self, file: &str, place: usize, label: &str) {
        let name = file.replace('\\', "/");
        let name = name.trim_start_matches("./");
        self.labels.insert(place, label.to_owned());
        let labels = &self.labels;
        for (depth, part) in tails(name).enumerate() {
            put(&mut self.exact, part, place, depth == 0, labels);
            let folded = stem_if_picture(part).to_lowercase();
            put(&mut self.folded, &folded, place, false, labels);
            if has_picture_ending(part) {
                put(&mut self.stems, stem(part), place, false, labels);
            }
        }
        if let Some(number) = number(stem_if_picture(file_name(name))) {
            put(&mut self.numbers, number, place, false, labels);
        }
    }

    /// The row for the image called `name`.
    pub fn find(&self, name: &str) -> Found {
        let exact = tails(name).filter_map(|part| self.exact.get(part));
        let stems = tails(name).filter_map(|part| self.exact.get(stem(part)));
        let other = tails(name).filter_map(|part| self.stems.get(stem(part)));
        let folded = tails(name).filter_map(|part| self.folded.get(&stem(part).to_lowercase()));
        let number = number(stem(file_name(name)));
        let number = number.and_then(|number| self.numbers.get(number));
        // The first that is known at all decides: a shorter name says less.
        let mut known = exact.chain(stems).chain(other).chain(folded).chain(number);
        known.next().copied().unwrap_or(Found::Nothing)
    }
}

/// Two rows of the same label do not contradict each other; others do, if `whole` they name the
/// same image, and else name none.
fn put(
    rows: &mut HashMap<String, Found>,
    name: &str,
    place: usize,
    whole: bool,
    labels: &HashMap<usize, String>,
) {
    let known = rows.entry(name.to_owned()).or_insert(Found::Row(place));
    if let Found::Row(first) = *known
        && labels[&first] != labels[&place]
    {
        *known = match whole {
            true => Found::Contradiction(first, place),
            false => Found::Nothing,
        };
    }
}

/// A path, then what is left of it without its first folder, and so on to the file name.
fn tails(name: &str) -> impl Iterator<Item = &str> {
    let folders = name.match_indices('/').map(|(at, _)| &name[at + 1..]);
    let skipped = name.matches('/').count().saturating_sub(DEEPEST);
    std::iter::once(name).chain(folders.skip(skipped))
}

fn file_name(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

fn stem(name: &str) -> &str {
    match name.rsplit_once('.') {
        Some((stem, ending)) if !ending.contains('/') => stem,
        _ => name,
    }
}

fn stem_if_picture(name: &str) -> &str {
    match has_picture_ending(name) {
        true => stem(name),
        false => name,
    }
}

fn number(stem: &str) -> Option<&str> {
    let digits = !stem.is_empty() && stem.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| stem.trim_start_matches('0'))
}
