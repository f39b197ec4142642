//! The reasons of a decision, in words.

use super::decide::Gates;
use super::doubt::{Doubt, Effect};
use super::evidence::{Conviction, Evidence, Soundness, Statistic, Tail};
use super::faintness::{AloneSuspect, faintness};
use super::hearing::{Hearing, Unheard};
use super::obstacle::{Obstacle, stand_against_clean, told};
use super::outcome::{confirmation, outcome, spared};
use super::set_aside::Thinning;
use super::trial::{Alone, Charge, Trial, gate};

/// Detectors of which each is told what it found in no class; with more, the sentence would be a
/// list.
const MOST_LISTED: usize = 2;

/// All that a decision is made from.
pub(super) struct Grounds<'a> {
    pub evidence: &'a Evidence,
    pub trial: &'a Trial<'a>,
    /// Classes that a witness names by itself; `None` if none was heard by itself.
    pub alone: Option<&'a [AloneSuspect]>,
    pub charges: &'a [Charge],
    pub gates: &'a Gates,
    pub obstacles: &'a [Obstacle],
    pub doubts: &'a [(&'a Doubt, Effect)],
}

impl Grounds<'_> {
    /// Why, in full sentences, the weightiest first.
    pub(super) fn reasons(&self) -> Vec<String> {
        let doubts = |wanted: Effect| {
            let doubts = self
                .doubts
                .iter()
                .filter(move |(_, effect)| *effect == wanted);
            doubts.map(|(doubt, _)| doubt.sentence())
        };
        let obstacles: Vec<String> = told(self.obstacles).map(|it| self.obstacle(it)).collect();
        let faintness = faintness(self.evidence, self.alone);
        let mut reasons = Vec::new();
        let (first, last) = match self.is_outvoted() {
            true => (faintness, None),
            false => (None, faintness),
        };
        reasons.extend(first);
        if self.charges.iter().any(|charge| charge.flagged) {
            reasons.extend(self.suspicions());
            reasons.extend(self.by_size());
            reasons.extend(self.in_the_wake());
            reasons.extend(doubts(Effect::NotClean));
            reasons.extend(self.thinnings());
            reasons.extend(obstacles);
        } else if stand_against_clean(self.obstacles) {
            // That a search cannot be believed weighs more than what keeps a believable one from
            // being enough.
            if self.has_unsound_witness() {
                reasons.extend(obstacles);
                reasons.extend(doubts(Effect::NotClean));
            } else {
                reasons.extend(doubts(Effect::NotClean));
                reasons.extend(obstacles);
            }
            reasons.extend(self.nothing_found());
            reasons.extend(self.unreached());
            reasons.extend(self.thinnings());
        } else {
            reasons.extend(doubts(Effect::NotClean));
            reasons.extend(self.nothing_found());
            reasons.extend(self.unreached());
            reasons.extend(self.thinnings());
            reasons.extend(obstacles);
        }
        if self.evidence.witnesses.is_empty() {
            reasons.push("No detector was run.".to_owned());
        }
        if let Some(why) = &self.trial.out_of_span {
            reasons.push(format!(
                "The verdict is not calibrated for such a model: {why}. Its classes were compared with one another alone; clean \
                 models of the same task say more (--reference)."
            ));
        }
        reasons.extend(last);
        reasons.extend(doubts(Effect::Told));
        reasons
    }

    /// Whether a witness names a class by itself, and all together name none.
    pub(super) fn is_outvoted(&self) -> bool {
        let alone = self.alone.is_some_and(|alone| !alone.is_empty());
        alone && self.suspects().next().is_none()
    }

    fn has_unsound_witness(&self) -> bool {
        let mut witnesses = self.evidence.witnesses.iter();
        witnesses.any(|witness| matches!(witness.soundness, Soundness::Unsound(_)))
    }

    /// The classes that are named.
    pub(super) fn suspects(&self) -> impl Iterator<Item = &Charge> {
        self.charges.iter().filter(|charge| charge.named)
    }

    /// The witness's name in brackets, where there are several.
    fn by(&self, place: usize) -> String {
        if self.evidence.witnesses.len() < 2 {
            return String::new();
        }
        format!(" ({})", self.evidence.witnesses[place].method.detector)
    }

    /// The same, and from which class its trigger leads, if from one.
    fn by_of(&self, hearing: &Hearing<'_>, class: usize) -> String {
        let against = hearing.witness.against(class);
        match against.and_then(|(_, found)| found.source) {
            Some(source) => format!(
                " ({}; from class {source})",
                hearing.witness.method.detector
            ),
            None => self.by(hearing.place),
        }
    }

    /// A sentence for each class named and each witness that is sure of it, or for those that are
    /// so together.
    fn suspicions(&self) -> Vec<String> {
        let mut sentences = Vec::new();
        for charge in self.suspects() {
            let class = charge.class;
            let heard = self.trial.hearings.iter().enumerate();
            let sure: Vec<&Hearing<'_>> = heard
                .clone()
                .filter(|(_, hearing)| self.trial.is_sure(hearing, class))
                .map(|(_, hearing)| hearing)
                .collect();
            if sure.is_empty() {
                let parts = heard.filter(|(_, hearing)| hearing.surprise(class) > 0.0);
                let named: Vec<String> = parts
                    .clone()
                    .map(|(place, hearing)| {
                        let p = self.trial.p_alone(place, class);
                        format!("{} (p = {p:.3})", hearing.witness.method.detector)
                    })
                    .collect();
                let outcomes = parts.filter_map(|(_, hearing)| self.outcome(hearing, class));
                sentences.push(format!(
                    "Class {class} is suspicious to {}, which together is too much for a clean model{}",
                    named.join(" and "),
                    outcomes.map(|outcome| format!(", {outcome}")).collect::<String>()
                ) + ".");
                continue;
            }
            sentences.extend(sure.into_iter().filter_map(|hearing| {
                let who = self.said_of(hearing, class)?;
                let said = accusation(hearing.statistic());
                let by = self.by_of(hearing, class);
                let outcome = self.outcome(hearing, class);
                let outcome = outcome.map_or_else(String::new, |outcome| format!(", {outcome}"));
                let spared = spared(confirmation(hearing, class));
                Some(format!("{who} {said}{by}{outcome}.{spared}"))
            }));
        }
        sentences
    }

    /// The beginning of a sentence about a class that is named. What is found in the model as a whole
    /// is said once, of all classes that it accuses: `None` for the others.
    fn said_of(&self, hearing: &Hearing<'_>, class: usize) -> Option<String> {
        if !hearing.statistic().of_model {
            return Some(format!("Class {class} is"));
        }
        let accused = self.suspects().map(|charge| charge.class);
        let accused = accused.filter(|&it| hearing.values.place_of(it).is_some());
        let accused: Vec<String> = accused.map(|it| it.to_string()).collect();
        let is_first = accused.first()? == &class.to_string();
        is_first.then(|| match accused.as_slice() {
            [one] => format!("Class {one} is"),
            several => format!("Classes {} are", several.join(", ")),
        })
    }

    /// What came of the trigger of a class on held-out images, if the witness has one to try.
    fn outcome(&self, hearing: &Hearing<'_>, class: usize) -> Option<String> {
        let tried = confirmation(hearing, class);
        let gate = gate(hearing, class, self.gates);
        if tried.is_none() && hearing.statistic().conviction == Conviction::ByStatistic {
            return None;
        }
        Some(outcome(gate, tried, hearing.statistic().conviction.rate()))
    }

    /// Flagged classes that are no outliers among the classes of the model.
    fn by_size(&self) -> Vec<String> {
        let trial = self.trial;
        let heard = trial.hearings.iter().zip(&trial.alone);
        let sentence = |(hearing, alone): (&Hearing<'_>, &Alone)| {
            if hearing.statistic().of_model {
                return None;
            }
            let sure = self
                .charges
                .iter()
                .filter(|charge| trial.is_sure(hearing, charge.class));
            let sure = sure.count();
            let outliers = alone.reading.as_ref().map_or(0, |reading| reading.flagged);
            let by_size = sure.checked_sub(outliers).filter(|count| *count > 0)?;
            let whole = if 2 * sure > hearing.values.compared() {
                " That so many are is what a backdoor to all classes looks like, and a clean model of a kind that is not \
                 among the clean models known; clean models of the same task as references tell these apart."
            } else {
                ""
            };
            Some(format!(
                "{by_size} of the {sure} flagged classes do not stand out from the others{}; they are flagged because no more \
                 than a few clean models have any class so suspicious.{whole}",
                self.by(hearing.place)
            ))
        };
        heard.filter_map(sentence).collect()
    }

    /// Classes that are flagged and not named.
    fn in_the_wake(&self) -> Option<String> {
        let others = self
            .charges
            .iter()
            .filter(|charge| charge.flagged && !charge.named);
        let first = self.suspects().next()?;
        match others.count() {
            0 => None,
            count => Some(format!(
                "{count} more classes are more suspicious than those of clean models, but far less so than class {}: they are \
                 taken for its neighbours and not for targets.",
                first.class
            )),
        }
    }

    /// Nothing flagged; the number that would have been is told for each witness that could have
    /// flagged something.
    fn nothing_found(&self) -> Option<String> {
        let p = self.trial.p_value(self.charges)?;
        let heard = self.trial.hearings.iter().zip(&self.trial.alone);
        let able = |place: usize| self.obstacles.contains(&Obstacle::None(place));
        let limits = heard.clone().filter(|(hearing, _)| able(hearing.place));
        let limits = limits.filter_map(|(hearing, alone)| {
            let statistic = hearing.statistic();
            let number = statistic.number(alone.value_threshold?);
            let than = match statistic.tail {
                Tail::Small => "less",
                Tail::Large => "more",
            };
            Some(format!(
                " A class {} of {than} than {number:.1} {} would have stood out.",
                statistic.found, statistic.unit
            ))
        });
        let limits: String = limits.collect();
        let said = match self.trial.hearings.len() {
            many if many > MOST_LISTED => {
                format!(
                    "too suspicious for a clean model, to any of {many} detectors or to all together"
                )
            }
            _ => {
                let said = heard.map(|(hearing, _)| accusation(hearing.statistic()));
                said.collect::<Vec<_>>().join(", or ")
            }
        };
        Some(format!(
            "No class is {said} (p = {p:.3}, limit {}).{limits}",
            self.trial.fpr
        ))
    }

    /// Classes never reached, which are no candidates whatever was found for the others.
    fn unreached(&self) -> Vec<String> {
        let heard = self.trial.hearings.iter();
        let sentence = |hearing: &Hearing<'_>| {
            let classes = &hearing.witness.classes;
            let unreached = classes.iter().filter(|found| !found.reached).count();
            if unreached > 0 && hearing.statistic().of_model {
                let by = self.by(hearing.place);
                return Some(format!(
                    "No trigger was found that moves images of all classes{by}: nothing is known of one that the search \
                     missed."
                ));
            }
            (unreached > 0).then(|| {
                format!(
                    "{unreached} of {} classes were not {} at all{}: they count as harder to reach than all others, and nothing \
                     is known of one that the search missed.",
                    classes.len(),
                    hearing.statistic().found,
                    self.by(hearing.place)
                )
            })
        };
        heard.filter_map(sentence).collect()
    }

    /// Classes that were not searched to the end.
    fn thinnings(&self) -> Vec<String> {
        let heard = self.trial.hearings.iter();
        let thinnings =
            heard.filter_map(|hearing| Some((hearing.place, hearing.values.thinning()?)));
        thinnings
            .map(|(place, of)| thinning(of, &self.by(place)))
            .collect()
    }

    fn obstacle(&self, obstacle: &Obstacle) -> String {
        match obstacle {
            Obstacle::None(_) => String::new(),
            Obstacle::Unheard(place, Unheard::Unsound(why)) => format!(
                "The search cannot be believed for this model{}: {}.",
                self.by(*place),
                why.trim_end_matches('.')
            ),
            Obstacle::Unheard(place, Unheard::CannotSay(why)) | Obstacle::CannotSay(place, why) => {
                format!(
                    "The classes cannot be compared with one another{}: {why}.",
                    self.by(*place)
                )
            }
            Obstacle::Unheard(place, why) => format!(
                "What {} found has no part in the verdict: {why}.",
                self.evidence.witnesses[*place].method.detector
            ),
            Obstacle::NothingWouldStandOut(place) => {
                let statistic = &self.evidence.witnesses[*place].statistic;
                let extreme = statistic.extreme.map_or_else(String::new, |extreme| {
                    format!(
                        ": not even one {} of {extreme} {} would have stood out",
                        statistic.found,
                        if extreme == 1.0 {
                            statistic.unit.trim_end_matches('s')
                        } else {
                            statistic.unit
                        }
                    )
                });
                format!(
                    "So few classes, and so unequal, cannot show a backdoor{}{extreme}.",
                    self.by(*place)
                )
            }
            Obstacle::TooFewCleanModels { least, rate } => format!(
                "There are too few clean models for a false positive rate of {rate}: with them no p-value is below {least:.4}."
            ),
        }
    }
}

fn accusation(statistic: &Statistic) -> String {
    let extreme = match statistic.tail {
        Tail::Small => "small",
        Tail::Large => "large",
    };
    format!(
        "{} that is too {extreme} for a clean model",
        statistic.found
    )
}

fn thinning(thinning: Thinning, by: &str) -> String {
    let Thinning {
        finalists,
        sample,
        set_aside,
    } = thinning;
    let all = finalists + sample + set_aside;
    format!(
        "Of {all} classes, the {finalists} that were nearest to a small trigger after a short search{by} and {sample} \
         of the others, drawn at random, were searched to the end; these {sample} stand for the {set_aside} that \
         were set aside."
    )
}
