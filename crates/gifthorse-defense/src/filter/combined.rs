//! Combined: several filters, each of another kind, whose surprise adds up.
//!
//! # What it does
//! Asks one filter of each kind: [`neuron_activation`](super::neuron_activation) where a trigger is
//! known; [`repaired_disagreement`](super::repaired_disagreement) where there is a repaired model,
//! else [`mmdf`](super::mmdf); [`ted`](super::ted); and [`ibd_psc`](super::ibd_psc). Filters of one
//! kind say the same, and would count several times. Which one speaks for a kind is fixed here, and
//! not chosen by what it says of the images in question. A filter that the model does not allow is
//! left out, which a note tells. The safe label of an image is that of the most surprised filter
//! that has an opinion.
//!
//! # Threat model
//! What any of the filters sees.
//!
//! # Statistic
//! The sum over the filters of `-ln p`, p the share of clean images with as large a score. The
//! clean images are in two parts: the filters are fitted to one, and their scores on the other are
//! what p is counted among. Above the largest tenth of them an exponential tail is laid through
//! their mean excess, so that a filter that tells stamped images from all clean ones by far is not
//! held to one in so many. The filters need not be independent for the threshold to hold, since it
//! is set by the sums of clean images that nothing was fitted to.
//!
//! # Needs
//! Clean images, a few hundred; and what there is of a trigger and a repaired model.
//!
//! # Cost
//! The passes of all filters that are asked: ten with a repaired model or bounds and a trigger.
//!
//! # Known failures
//! What none of the filters sees. What one sees alone has to outdo the noise of the others.
//!
//! # References
//! R. A. Fisher, "Statistical Methods for Research Workers", 1932, section 21.1, for the sum of
//! logarithms of p-values. V. Vovk, A. Gammerman, G. Shafer, "Algorithmic Learning in a Random
//! World", 2005, for p-values by rank.

mod clean_scores;

use gifthorse_data::split_holdout;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{About, Family, Filter, Given, Held, Row, Score, Scored, named};
use crate::error::Error;
use clean_scores::CleanScores;

/// The share of the clean images that scores are compared with.
const COMPARED: f64 = 0.4;

/// Filters of which the first that can be had speaks for its kind.
const KINDS: [&[&str]; 4] = [
    &["neuron_activation"],
    &["repaired_disagreement", "mmdf"],
    &["ted"],
    &["ibd_psc"],
];

/// What it is.
const ABOUT: About = About {
    name: "combined",
    title: "Several filters together",
    family: Family::Several,
    needs_trigger: false,
    needs_repaired: false,
    passes: 10.0,
    misses: &["what each of its filters misses"],
};

/// The row.
pub(super) const ROW: Row = Row {
    about: &ABOUT,
    make: || Box::new(Combined),
};

#[derive(Debug)]
struct Combined;

/// What is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    members: Vec<KeptMember>,
}

/// What is kept of a filter.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeptMember {
    filter: String,
    kept: Value,
    clean: CleanScores,
}

/// A filter that is asked.
struct Member {
    filter: &'static str,
    score: Box<dyn Score>,
    /// Its scores of clean images that it was not fitted to.
    clean: CleanScores,
}

struct Fitted {
    members: Vec<Member>,
    notes: Vec<String>,
}

impl Filter for Combined {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn fit(&self, given: &Given<'_>) -> Result<Box<dyn Score>, Error> {
        let (fit, compared) = split_holdout(given.labels()?, COMPARED, given.seed);
        let compared = given.images.subset(&compared);
        let given = Given {
            images: &given.images.subset(&fit),
            ..*given
        };
        let (mut members, mut notes) = (Vec::new(), Vec::new());
        for kind in KINDS {
            for &name in kind {
                let filter = named(name)?;
                let about = filter.about();
                if (about.needs_trigger && given.triggers.is_empty())
                    || (about.needs_repaired && given.held.repaired.is_none())
                {
                    continue;
                }
                let score = match filter.fit(&given) {
                    Ok(score) => score,
                    Err(why @ (Error::CannotFilter(_) | Error::NoGradient)) => {
                        notes.push(format!("{name} is left out: {why}"));
                        continue;
                    }
                    Err(error) => return Err(error),
                };
                let clean = score.score(compared.pixels())?;
                let Some(clean) = CleanScores::new(clean.iter().map(|it| it.score).collect())
                else {
                    notes.push(format!(
                        "{name} is left out: too few clean images to compare with"
                    ));
                    continue;
                };
                notes.extend(
                    score
                        .notes()
                        .into_iter()
                        .map(|note| format!("{name}: {note}")),
                );
                members.push(Member {
                    filter: about.name,
                    score,
                    clean,
                });
                break;
            }
        }
        if members.is_empty() {
            return Err(Error::CannotFilter(format!(
                "none of its filters can be had; {}",
                notes.join("; ")
            )));
        }
        let names: Vec<&str> = members.iter().map(|member| member.filter).collect();
        notes.insert(0, format!("asks {}", names.join(", ")));
        Ok(Box::new(Fitted { members, notes }))
    }

    fn restore(&self, kept: Value, held: &Held<'_>) -> Result<Box<dyn Score>, Error> {
        let kept: Kept = ABOUT.read(kept)?;
        let asked = |kind: &&[&str]| {
            let of_kind = kept.members.iter();
            of_kind.filter(|it| kind.contains(&&it.filter[..])).count()
        };
        if kept.members.is_empty() || KINDS.iter().any(|kind| asked(kind) > 1) {
            let reason = "it has no filters, or several of a kind".to_owned();
            return Err(ABOUT.refused(reason));
        }
        let members = kept.members.into_iter().map(|member| {
            let known = KINDS
                .concat()
                .into_iter()
                .find(|name| *name == member.filter);
            let Some(filter) = known.filter(|_| member.clean.is_sound()) else {
                let reason = format!(
                    "{:?} is no filter that it asks, or its clean scores are not in order",
                    member.filter
                );
                return Err(ABOUT.refused(reason));
            };
            Ok(Member {
                filter,
                score: named(filter)?.restore(member.kept, held)?,
                clean: member.clean,
            })
        });
        Ok(Box::new(Fitted {
            members: members.collect::<Result<_, _>>()?,
            notes: Vec::new(),
        }))
    }
}

impl Score for Fitted {
    fn score(&self, pixels: &[f32]) -> Result<Vec<Scored>, Error> {
        let said = self.members.iter().map(|member| {
            let scored = member.score.score(pixels)?.into_iter();
            let surprised = scored.map(|it| (member.clean.surprise(it.score), it));
            Ok(surprised.collect::<Vec<(f64, Scored)>>())
        });
        let said = said.collect::<Result<Vec<_>, Error>>()?;
        let images = said.first().map_or(0, Vec::len);
        Ok((0..images)
            .map(|image| together(said.iter().map(|of_all| of_all[image])))
            .collect())
    }

    fn keep(&self) -> Result<Value, Error> {
        let members = self.members.iter().map(|member| {
            Ok(KeptMember {
                filter: member.filter.to_owned(),
                kept: member.score.keep()?,
                clean: member.clean.clone(),
            })
        });
        ABOUT.write(&Kept {
            members: members.collect::<Result<_, Error>>()?,
        })
    }

    fn asks_repaired(&self) -> bool {
        self.members
            .iter()
            .any(|member| member.score.asks_repaired())
    }

    fn notes(&self) -> Vec<String> {
        self.notes.clone()
    }
}

/// What filters say together of an image, each with its surprise.
fn together(said: impl Iterator<Item = (f64, Scored)> + Clone) -> Scored {
    let answer = said.clone().next().map_or(0, |(_, it)| it.answer);
    let sum = said.clone().map(|(surprise, _)| surprise).sum();
    let opinions = said.filter(|(_, it)| it.safe_label.is_some());
    let most = opinions.reduce(|most, it| if it.0 > most.0 { it } else { most });
    Scored::new(sum, answer).with_safe_label(most.and_then(|(_, it)| it.safe_label))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn surprises_add_up_and_the_most_surprised_opinion_is_taken() {
        let said = |surprise: f64, safe: Option<usize>| {
            (surprise, Scored::new(0.0, 3).with_safe_label(safe))
        };
        let of = [said(1.0, Some(1)), said(4.0, None), said(2.0, Some(2))];
        let all = together(of.into_iter());
        assert_eq!((all.score, all.answer, all.safe_label), (7.0, 3, Some(2)));
    }
}
