//! The classes that the labels of an image set stand for, once it and what the user says of it are
//! put together.

use std::path::Path;

use crate::class_name_file::ClassNames;
use crate::listing::Listing;
use crate::numbering::{Calls, Known, is_from_one, number, renumber};
use crate::{Error, LabelOrder, LoadOptions, Note};

/// Turns the labels of a listing into class indices and names the classes. What the labels were
/// called stays in `calls`, in the order of the classes.
pub(crate) fn settle(
    listing: &mut Listing,
    path: &Path,
    options: &LoadOptions,
    names: Option<&ClassNames>,
) -> Result<(), Error> {
    let known = Known {
        names,
        classes: options.classes,
        order: &options.label_order,
    };
    let given = options.labels.as_ref().or(options.class_names.as_ref());
    let misfit = |reason| Error::Labels {
        path: given.map_or(path, |given| given.as_path()).to_owned(),
        reason,
    };
    if let Some(labels) = &mut listing.labels {
        let class_of = match &listing.calls {
            Calls::Numbers if options.label_order == LabelOrder::Auto => {
                let mut classes = options.classes.into_iter();
                let classes = classes.find(|&n| is_from_one(n, labels.iter().copied()));
                classes.map(|classes| {
                    listing.notes.push(Note::FromOne);
                    let lower = (0..classes).map(Some);
                    std::iter::once(None).chain(lower).collect()
                })
            }
            Calls::Numbers => {
                let count = labels.iter().max().map_or(0, |largest| largest + 1);
                Some(renumber(&used(labels, count), &known).map_err(misfit)?)
            }
            Calls::Folders(calls) | Calls::Cells(calls) => {
                let cells = matches!(listing.calls, Calls::Cells(_));
                let used = used(labels, calls.len());
                let numbered = number(calls, cells, &used, &known).map_err(misfit)?;
                listing.notes.extend(numbered.note);
                Some(numbered.class_of)
            }
        };
        if let Some(class_of) = class_of {
            for label in labels.iter_mut() {
                // Every label that has an image has a class.
                *label = class_of[*label].unwrap_or_default();
            }
            in_order(&mut listing.class_names, &class_of);
            match &mut listing.calls {
                Calls::Numbers => {
                    let calls = (0..class_of.len()).map(|label| label.to_string());
                    let mut calls: Vec<String> = calls.collect();
                    in_order(&mut calls, &class_of);
                    listing.calls = Calls::Cells(calls);
                }
                Calls::Folders(calls) | Calls::Cells(calls) => in_order(calls, &class_of),
            }
        }
    }
    if let Some(names) = names {
        listing.class_names.clone_from(&names.names);
    } else if let (Calls::Cells(calls), true) = (&listing.calls, options.labels.is_some()) {
        listing.class_names.clone_from(calls);
    }
    for (class, name) in listing.class_names.iter_mut().enumerate() {
        if name.is_empty() {
            *name = class.to_string();
        }
    }
    Ok(())
}

/// Which of `count` labels have images.
fn used(labels: &[usize], count: usize) -> Vec<bool> {
    let mut used = vec![false; count];
    labels.iter().for_each(|&label| used[label] = true);
    used
}

/// Puts `values`, one for each label, in the order of their classes, with nothing for a class that
/// no label stands for.
fn in_order(values: &mut Vec<String>, class_of: &[Option<usize>]) {
    if values.len() != class_of.len() {
        return;
    }
    let classes = class_of.iter().flatten().max().map_or(0, |last| last + 1);
    let mut ordered = vec![String::new(); classes];
    for (value, class) in values.drain(..).zip(class_of) {
        if let Some(class) = class {
            ordered[*class] = value;
        }
    }
    *values = ordered;
}

/// What the image set calls the labels of class 0, 1, ...
pub(crate) fn calls(listing: &Listing) -> Vec<String> {
    let Some(labels) = &listing.labels else {
        return Vec::new();
    };
    match &listing.calls {
        Calls::Folders(calls) | Calls::Cells(calls) => calls.clone(),
        Calls::Numbers => {
            let count = labels.iter().max().map_or(0, |largest| largest + 1);
            (0..count).map(|label| label.to_string()).collect()
        }
    }
}

/// What the user should know of the labels.
pub(crate) fn notes(listing: &Listing, options: &LoadOptions) -> Vec<Note> {
    let mut notes = listing.notes.clone();
    let Some(classes) = options.classes else {
        return notes;
    };
    let names = listing.class_names.len();
    if options.class_names.is_some() && names != classes {
        notes.push(Note::NameCount { names, classes });
    }
    if let Some(labels) = &listing.labels {
        let mut has_images = vec![false; classes];
        for &label in labels {
            if let Some(has) = has_images.get_mut(label) {
                *has = true;
            }
        }
        let missing = (0..classes).filter(|&class| !has_images[class]);
        let named = |class: usize| match listing.class_names.get(class) {
            Some(name) if *name != class.to_string() => format!("{class} {name}"),
            _ => class.to_string(),
        };
        let missing: Vec<String> = missing.map(named).collect();
        if !missing.is_empty() {
            notes.push(Note::NoImages { missing, classes });
        }
    }
    notes
}
