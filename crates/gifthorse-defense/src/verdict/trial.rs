//! The witnesses of one model, heard together at one rate of false alarms.

use std::collections::BTreeSet;

use super::calibration::{Calibration, OutOfSpan};
use super::combine::Worth;
use super::confirmation::Gate;
use super::decide::Gates;
use super::decision::{ClassByWitness, ClassDecision, WitnessDecision, WitnessSays};
use super::error::StatsError;
use super::evidence::{ClassEvidence, Conviction, Evidence, Soundness, Witness};
use super::hearing::{Candidate, Hearing, Unheard, heard_together};
use super::naming::{distances, named};
use super::obstacle::Obstacle;
use super::test::outlier::Reading;
use super::test::{CannotSay, Surprises};

/// The witnesses heard, and what is significant.
pub(super) struct Trial<'a> {
    /// The witnesses heard.
    pub hearings: Vec<Hearing<'a>>,
    /// What each says alone, in the order of `hearings`.
    pub alone: Vec<Alone>,
    /// Place in the evidence of each witness that was not heard, and why.
    pub unheard: Vec<(usize, Unheard)>,
    /// In what the model is unlike those known, if it is.
    pub out_of_span: Option<OutOfSpan>,
    /// What combined surprises are worth; `None` if no witness was heard.
    worth: Option<Worth>,
    /// The rate of false alarms.
    pub fpr: f64,
}

/// What one witness says alone.
pub(super) struct Alone {
    worth: Worth,
    /// The comparison of the classes with one another.
    pub reading: Result<Reading, CannotSay>,
    /// The value below which a class is significant by this witness alone.
    pub value_threshold: Option<f64>,
}

/// A class, and what is held against it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Charge {
    /// Class index.
    pub class: usize,
    surprise: f64,
    distance: f64,
    /// Whether all witnesses together find it too suspicious for a clean model.
    pub flagged: bool,
    /// Whether it is flagged by itself and not only in the wake of another.
    pub named: bool,
    /// Whether it is still flagged by the witnesses whose word is proven.
    pub convicted: bool,
}

/// Which witnesses a trial hears, and at which rate.
#[derive(Debug, Clone, Copy)]
struct Terms {
    /// The place of the only one; all if `None`.
    only: Option<usize>,
    fpr: f64,
}

/// All trials of a model.
pub(super) struct Trials<'a> {
    /// All witnesses together.
    pub together: Trial<'a>,
    /// If some are faint, each sound one by itself; these share the rate of false alarms.
    pub apart: Vec<Trial<'a>>,
}

impl<'a> Trials<'a> {
    /// Hears the witnesses. None is heard by itself where clean models were not measured, since
    /// none outweighs another there.
    ///
    /// # Errors
    /// Evidence that is not made of numbers.
    pub(super) fn hear(
        evidence: &'a Evidence,
        calibration: &'a dyn Calibration,
        fpr: f64,
        seed: u64,
    ) -> Result<Self, StatsError> {
        let under = |only, sharers: usize| {
            let fpr = fpr / sharers as f64;
            Trial::hear(evidence, calibration, Terms { only, fpr }, seed)
        };
        let together = under(None, 1)?;
        let is = |soundness: fn(&Soundness) -> bool| {
            let heard = together.hearings.iter();
            let heard = heard.filter(move |it| soundness(&it.witness.soundness));
            heard.map(|it| it.place)
        };
        let sound: Vec<usize> = is(|it| *it == Soundness::Sound).collect();
        let has_faint = is(|it| matches!(it, Soundness::Faint(_))).next().is_some();
        let is_ranked = matches!(together.worth, Some(Worth::Ranked { .. }));
        let sharers = sound.len();
        let apart = sound.into_iter().filter(|_| has_faint && is_ranked);
        let apart = apart.map(|place| under(Some(place), sharers));
        Ok(Self {
            apart: apart.collect::<Result<_, _>>()?,
            together,
        })
    }
}

impl<'a> Trial<'a> {
    /// Hears the witnesses that are to be heard.
    ///
    /// # Errors
    /// Evidence that is not made of numbers.
    fn hear(
        evidence: &'a Evidence,
        calibration: &'a dyn Calibration,
        Terms { only, fpr }: Terms,
        seed: u64,
    ) -> Result<Self, StatsError> {
        let spanned = calibration.spans(evidence.pixels, evidence.classes);
        let (mut candidates, mut unheard) = (Vec::new(), Vec::new());
        let witnesses = evidence.witnesses.iter().enumerate();
        for (place, witness) in witnesses.filter(|(place, _)| only.is_none_or(|it| it == *place)) {
            match Candidate::check(
                (place, witness),
                calibration,
                (evidence.pixels, evidence.classes, spanned.is_ok()),
            )? {
                Ok(candidate) => candidates.push(candidate),
                Err(why) => unheard.push((place, why)),
            }
        }
        let (heard, left_out) = heard_together(candidates, calibration, fpr);
        let left_out = left_out.into_iter();
        unheard.extend(left_out.map(|candidate| (candidate.place, Unheard::NotCalibrated)));
        let methods: Vec<_> = heard.iter().map(Candidate::method).collect();
        let ranks = calibration.ranks(&methods);
        let ranked = ranks.is_some();
        let hearings = heard.into_iter().map(|it| it.hear(ranked, seed));
        let hearings = hearings.collect::<Result<Vec<_>, _>>()?;
        let tests: usize = hearings.iter().map(Hearing::tests).sum();
        let worth = |ranks: Option<Surprises>, tests: usize| match ranks {
            Some(measured) => Worth::Ranked {
                measured,
                log_classes: (evidence.classes.max(1) as f64).ln(),
            },
            None => Worth::Nominal { tests },
        };
        let of_all = worth(ranks, tests);
        let critical = of_all.critical(fpr);
        let alone = hearings.iter().map(|hearing| {
            let reading = hearing.read(critical);
            let ranks = calibration.ranks(&[&hearing.witness.method]);
            Alone {
                worth: worth(ranks, hearing.tests()),
                value_threshold: hearing.value_threshold(reading.as_ref().ok(), critical),
                reading,
            }
        });
        Ok(Self {
            alone: alone.collect(),
            worth: (!hearings.is_empty()).then_some(of_all),
            hearings,
            unheard,
            out_of_span: spanned.err(),
            fpr,
        })
    }

    /// The classes that some witness has reached, the most suspicious first. Of classes that are
    /// equally surprising (each counts for the best number of suspects that it is among) the one
    /// further from the others comes first.
    pub(super) fn charges(&self, gates: &Gates) -> Vec<Charge> {
        let Some(worth) = &self.worth else {
            return Vec::new();
        };
        let reached = self.hearings.iter().flat_map(|it| it.values.accused());
        let reached: BTreeSet<usize> = reached.flatten().copied().collect();
        let charge = |class| {
            let all = self.hearings.iter().map(|it| it.surprise(class));
            let proven = self
                .hearings
                .iter()
                .filter(|it| is_proven(it, class, gates));
            let surprise = worth.combine(all);
            let proven = worth.combine(proven.map(|it| it.surprise(class)));
            Charge {
                class,
                surprise,
                distance: 0.0,
                flagged: worth.is_significant(surprise, self.fpr),
                named: false,
                convicted: worth.is_significant(proven, self.fpr),
            }
        };
        let charges: Vec<Charge> = reached.into_iter().map(charge).collect();
        let (mut flagged, mut others): (Vec<_>, Vec<_>) =
            charges.into_iter().partition(|charge| charge.flagged);
        let classes: Vec<usize> = flagged.iter().map(|charge| charge.class).collect();
        for (charge, distance) in flagged.iter_mut().zip(distances(&self.hearings, &classes)) {
            charge.distance = distance;
        }
        let most_suspicious_first = |a: &Charge, b: &Charge| {
            let surprise = b.surprise.total_cmp(&a.surprise);
            surprise.then(b.distance.total_cmp(&a.distance))
        };
        flagged.sort_by(most_suspicious_first);
        others.sort_by(most_suspicious_first);
        let classes_in_all = flagged.len() + others.len();
        let distances: Vec<f64> = flagged.iter().map(|charge| charge.distance).collect();
        for (charge, named) in flagged.iter_mut().zip(named(&distances, classes_in_all)) {
            charge.named = named;
        }
        flagged.append(&mut others);
        flagged
    }

    /// What stands in the way of "clean" where nothing is flagged.
    pub(super) fn obstacles(&self) -> Vec<Obstacle> {
        let mut obstacles: Vec<Obstacle> = self
            .unheard
            .iter()
            .map(|(place, why)| Obstacle::Unheard(*place, why.clone()))
            .collect();
        let too_few = self.worth.as_ref().map(Worth::smallest_p_value);
        if let Some(least) = too_few.filter(|least| *least > self.fpr) {
            obstacles.push(Obstacle::TooFewCleanModels {
                least,
                rate: self.fpr,
            });
            return obstacles;
        }
        for (hearing, alone) in self.hearings.iter().zip(&self.alone) {
            let place = hearing.place;
            let out_of_reach = alone
                .value_threshold
                .is_none_or(|value| hearing.statistic().is_beyond_reach(value));
            match &alone.reading {
                Err(CannotSay::TooFewClasses(_)) | Ok(_) if !out_of_reach => {
                    obstacles.push(Obstacle::None(place));
                }
                Err(CannotSay::TooFewClasses(_)) | Ok(_) => {
                    obstacles.push(Obstacle::NothingWouldStandOut(place));
                }
                Err(why) => obstacles.push(Obstacle::CannotSay(place, *why)),
            }
        }
        obstacles
    }

    /// The model's p-value; `None` if no witness was heard, or none reached a class.
    pub(super) fn p_value(&self, charges: &[Charge]) -> Option<f64> {
        let first = charges.first()?;
        let worth = self.worth.as_ref()?;
        Some(worth.p_value(first.surprise))
    }

    /// Whether a witness finds a class too suspicious by itself.
    pub(super) fn is_sure(&self, hearing: &Hearing<'_>, class: usize) -> bool {
        let worth = self.worth.as_ref();
        worth.is_some_and(|worth| worth.is_significant(hearing.surprise(class), self.fpr))
    }

    /// The p-value that a witness alone gives a class.
    pub(super) fn p_alone(&self, place: usize, class: usize) -> f64 {
        let surprise = self.hearings[place].surprise(class);
        self.alone[place].worth.p_value(surprise)
    }

    /// What each witness of the evidence says of the model.
    pub(super) fn witnesses(&self, evidence: &Evidence) -> Vec<WitnessDecision> {
        let witnesses = evidence.witnesses.iter().enumerate();
        let decision = |(place, witness): (usize, &Witness)| {
            let why = self.unheard.iter().find(|(at, _)| *at == place);
            let heard = self.hearings.iter().zip(&self.alone);
            let mut heard = heard.filter(|(hearing, _)| hearing.place == place);
            let says = heard.next().map(|(hearing, alone)| {
                let reading = alone.reading.as_ref().ok();
                WitnessSays {
                    p_value: alone.worth.p_value(hearing.largest()),
                    statistic: reading.map(|reading| reading.statistic),
                    threshold: reading.map(|reading| reading.threshold),
                    value_threshold: alone.value_threshold,
                }
            });
            let why = why.map_or(Unheard::NotCalibrated, |(_, why)| why.clone());
            WitnessDecision {
                method: witness.method.clone(),
                said: says.ok_or(why),
            }
        };
        witnesses.map(decision).collect()
    }

    /// What all say of each class, by class index.
    pub(super) fn decisions(
        &self,
        evidence: &Evidence,
        charges: &[Charge],
        gates: &Gates,
    ) -> Vec<ClassDecision> {
        let searched = evidence.witnesses.iter().flat_map(|it| &it.classes);
        let searched: BTreeSet<usize> = searched.flat_map(ClassEvidence::accused).collect();
        let decision = |class| {
            let charge = charges.iter().find(|charge| charge.class == class);
            let p_value = |charge: &Charge| Some(self.worth.as_ref()?.p_value(charge.surprise));
            let witnesses = (0..evidence.witnesses.len())
                .map(|place| self.by_witness(place, class, gates))
                .collect();
            ClassDecision {
                class,
                p_value: charge.and_then(p_value),
                flagged: charge.is_some_and(|charge| charge.flagged),
                named: charge.is_some_and(|charge| charge.named),
                witnesses,
            }
        };
        searched.into_iter().map(decision).collect()
    }

    fn by_witness(&self, place: usize, class: usize, gates: &Gates) -> Option<ClassByWitness> {
        let at = self.hearings.iter().position(|it| it.place == place)?;
        let hearing = &self.hearings[at];
        let rank = hearing.values.place_of(class)?;
        let reading = self.alone[at].reading.as_ref().ok();
        Some(ClassByWitness {
            source: hearing
                .witness
                .against(class)
                .and_then(|(_, found)| found.source),
            surprise: hearing.surprise(class),
            p_value: self.p_alone(at, class),
            residual: reading.and_then(|reading| reading.residuals.get(rank).copied()),
            flagged: self.is_sure(hearing, class),
            gate: gate(hearing, class, gates),
        })
    }
}

/// What came of a class's trigger on held-out images.
pub(super) fn gate(hearing: &Hearing<'_>, class: usize, gates: &Gates) -> Gate {
    let against = hearing.witness.against(class);
    against.map_or(Gate::NotTried, |(place, _)| gates[hearing.place][place])
}

/// Whether a witness's word about a class counts for a conviction.
fn is_proven(hearing: &Hearing<'_>, class: usize, gates: &Gates) -> bool {
    match hearing.statistic().conviction {
        Conviction::ByStatistic => true,
        Conviction::ByTrigger { .. } => matches!(gate(hearing, class, gates), Gate::Passed { .. }),
    }
}
