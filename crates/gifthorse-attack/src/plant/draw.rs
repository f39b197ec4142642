//! Which images are stamped with what.

use gifthorse_data::Images;
use rand::seq::index::sample;

use crate::Error;
use crate::plant::poison::NO_BACKDOOR;
use crate::plant::rate::Group;
use crate::plant::{LabelMap, Manner, Poison};
use crate::random::Purpose;
use crate::trigger::{Stamp, Trigger};

/// All that a poison stamps, made ready for images of one shape and checked against them.
#[derive(Debug)]
pub struct Plan {
    /// In order: the backdoors, each followed by its own cover if it has one, then the covers.
    pub parts: Vec<Part>,
    /// Number of classes.
    pub classes: usize,
}

/// Images that are stamped with one trigger.
#[derive(Debug)]
pub struct Part {
    /// What it is there for.
    pub role: Role,
    /// Its trigger.
    pub stamp: Stamp,
    /// Images to draw.
    pub groups: Vec<Group>,
    /// How errors call it.
    name: String,
}

/// What stamped images are there for.
#[derive(Debug, Clone, PartialEq)]
pub enum Role {
    /// To plant the backdoor of this index, whose labels are these.
    Backdoor(usize, LabelMap),
    /// To keep the backdoor of this index to its source classes.
    Kept(usize),
    /// To be the cover of this index.
    Cover(usize),
}

impl Part {
    /// The label of an image of `class` once it is stamped.
    pub fn label(&self, class: usize, classes: usize) -> usize {
        match &self.role {
            Role::Backdoor(_, labels) => labels.leads_to(class, classes).unwrap_or(class),
            Role::Kept(_) | Role::Cover(_) => class,
        }
    }
}

impl Plan {
    /// Fits the triggers to the images and counts what is to be drawn.
    ///
    /// # Errors
    /// As [`Poison::apply`].
    pub fn new(poison: &Poison, images: &Images) -> Result<Self, Error> {
        let labels = labels_of(images)?;
        let classes = class_count(images, labels);
        let shape = images.shape();
        let backdoors = poison.all_backdoors(shape.channels)?;
        if backdoors.is_empty() {
            return Err(Error::Poison(NO_BACKDOOR.to_owned()));
        }
        let mut parts = Vec::new();
        for (index, backdoor) in backdoors.into_iter().enumerate() {
            let name = backdoor.called(index);
            let made = || -> Result<_, Error> {
                backdoor.labels.check(classes)?;
                // It is measured after training, which is too late to find that it does not fit.
                backdoor.trigger.fit(shape)?;
                let stamp = backdoor.stamped().fit(shape)?;
                let pools = pools(labels, classes, |class| backdoor.labels.poisons(class));
                let groups = backdoor.rate.groups(pools, images.len())?;
                let poisoned: usize = groups.iter().map(|group| group.count).sum();
                let kept = (backdoor.labels.cover() * poisoned as f64).round() as usize;
                let others = pools_of(labels, |class| !backdoor.labels.poisons(class));
                if kept > others.len() {
                    let cover = backdoor.labels.cover();
                    let reason = format!(
                        "`cover` = {cover} wants {kept} images of other classes, and there are {}",
                        others.len()
                    );
                    return Err(Error::Poison(reason));
                }
                Ok((stamp, groups, kept, others))
            };
            let (stamp, groups, kept, others) = made().map_err(|error| error.of(name.clone()))?;
            let role = Role::Backdoor(index, backdoor.labels.clone());
            parts.push(Part {
                role,
                stamp,
                groups,
                name: name.clone(),
            });
            if kept > 0 {
                let stamp = backdoor.stamped().fit(shape)?;
                let group = Group {
                    pool: others,
                    count: kept,
                    class: None,
                };
                let name = format!("the cover of {name}");
                parts.push(Part {
                    role: Role::Kept(index),
                    stamp,
                    groups: vec![group],
                    name,
                });
            }
        }
        for (index, cover) in poison.covers.iter().enumerate() {
            let name = cover.called(index);
            let made = || -> Result<_, Error> {
                let chosen = cover.classes.as_deref();
                if let Some(&class) =
                    chosen.and_then(|chosen| chosen.iter().find(|class| **class >= classes))
                {
                    return Err(Error::NoSuchClass { class, classes });
                }
                let stamp = cover.trigger.fit(shape)?;
                let pools = pools(labels, classes, |class| {
                    chosen.is_none_or(|chosen| chosen.contains(&class))
                });
                Ok((stamp, cover.rate.groups(pools, images.len())?))
            };
            let (stamp, groups) = made().map_err(|error| error.of(name.clone()))?;
            parts.push(Part {
                role: Role::Cover(index),
                stamp,
                groups,
                name,
            });
        }
        Ok(Self { parts, classes })
    }

    /// The images of each part, ascending. In place of clean images, no two parts take the same
    /// one, and the parts with the fewest images to choose from choose first.
    ///
    /// # Errors
    /// [`Error::Part`] naming the part that finds too few images.
    pub fn draw(&self, manner: Manner, seed: u64) -> Result<Vec<Vec<usize>>, Error> {
        let mut rng = Purpose::Poison.rng(seed);
        let mut order: Vec<(usize, &Group)> = Vec::new();
        for (index, part) in self.parts.iter().enumerate() {
            order.extend(part.groups.iter().map(|group| (index, group)));
        }
        order.sort_by_key(|(_, group)| group.pool.len());
        let mut taken = std::collections::HashSet::new();
        let mut drawn = vec![Vec::new(); self.parts.len()];
        for (index, group) in order {
            let free = |image: &&usize| manner == Manner::Append || !taken.contains(*image);
            let pool: Vec<usize> = group.pool.iter().filter(free).copied().collect();
            if pool.len() < group.count {
                let reason = format!(
                    "it wants {} image(s), and the other parts leave it {} of {}; lower the rates",
                    group.count,
                    pool.len(),
                    group.pool.len()
                );
                return Err(Error::Poison(reason).of(self.parts[index].name.clone()));
            }
            let chosen = sample(&mut rng, pool.len(), group.count);
            for image in chosen.into_iter().map(|at| pool[at]) {
                taken.insert(image);
                drawn[index].push(image);
            }
        }
        for images in &mut drawn {
            images.sort_unstable();
        }
        Ok(drawn)
    }
}

/// The labels.
///
/// # Errors
/// [`Error::Images`] without labels.
pub fn labels_of(images: &Images) -> Result<&[usize], Error> {
    let missing = || Error::Images("they have no labels".to_owned());
    images.labels().ok_or_else(missing)
}

/// The number of classes: of names where there are any, else as many as the labels need.
pub fn class_count(images: &Images, labels: &[usize]) -> usize {
    let labelled = labels.iter().max().map_or(0, |largest| largest + 1);
    images.class_names().len().max(labelled)
}

/// Each chosen class with the indices of its images.
fn pools(
    labels: &[usize],
    classes: usize,
    chosen: impl Fn(usize) -> bool,
) -> Vec<(usize, Vec<usize>)> {
    let of = |class: usize| pools_of(labels, |label| label == class);
    (0..classes)
        .filter(|&class| chosen(class))
        .map(|class| (class, of(class)))
        .collect()
}

/// Indices of the images of all chosen classes.
fn pools_of(labels: &[usize], chosen: impl Fn(usize) -> bool) -> Vec<usize> {
    (0..labels.len())
        .filter(|&index| chosen(labels[index]))
        .collect()
}
