//! What is lost, and what goes wrong, if classes that lag behind early are not searched to the end?
//!
//! `cargo run --release -p gifthorse-defense --example elimination_power [-- MODELS]` simulates
//! models whose classes have a final log size (standard deviation 1, infected classes shifted down)
//! and an early standing, which is correlated with it. The classes with the lowest standing and a
//! random sample of the others are searched to the end; the verdict is that of the program at 5 %.
//! Printed in percent: clean models flagged (`false`), and, for one, two and four infected classes,
//! models in which all of them are searched to the end (`kept`) and models that are flagged with an
//! infected class as the smallest (`found`).

#![allow(clippy::print_stdout, reason = "the table is the point")]

use gifthorse_defense::verdict::{
    ClassEvidence, Conviction, EqualClasses, Method, Null, Scan, SetAside, Soundness, Statistic,
    StatsError, Tail, Values, Witness,
};
use rand::SeedableRng;
use rand::seq::index::sample;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use rayon::prelude::*;

const FPR: f64 = 0.05;
/// Classes, finalists, sample; no finalists stand for a search of all.
const PLANS: [(usize, usize, usize); 14] = [
    (10, 0, 0),
    (10, 4, 3),
    (43, 0, 0),
    (43, 8, 8),
    (43, 12, 12),
    (200, 0, 0),
    (200, 12, 12),
    (200, 24, 24),
    (200, 24, 40),
    (1283, 0, 0),
    (1283, 16, 40),
    (1283, 24, 24),
    (1283, 24, 40),
    (1283, 100, 100),
];
const CORRELATIONS: [f64; 5] = [1.0, 0.9, 0.7, 0.5, 0.0];
/// ln(norm) -1.5 and -2 at a standard deviation of 0.35.
const SHIFTS: [f64; 2] = [4.3, 5.7];

/// How the classes of a model are searched.
struct Plan {
    classes: usize,
    finalists: usize,
    sample: usize,
    scan: Scan,
    critical: f64,
}

/// The outcome for one model.
struct Outcome {
    flagged: bool,
    infected_is_smallest: bool,
    kept: bool,
}

fn main() -> Result<(), StatsError> {
    let models = std::env::args()
        .nth(1)
        .and_then(|argument| argument.parse().ok())
        .unwrap_or(2000);
    println!(
        "classes finalists sample correlation false | shift, then kept found for 1, 2, 4 infected"
    );
    for (classes, finalists, sample) in PLANS {
        let Some(plan) = Plan::new(classes, finalists, sample)? else {
            continue;
        };
        let correlations = if finalists == 0 {
            &CORRELATIONS[..1]
        } else {
            &CORRELATIONS[..]
        };
        for &correlation in correlations {
            let clean = plan.run(models, 0, 0.0, correlation)?;
            let of = |count: usize| format!("{:5.1}", 100.0 * count as f64 / models as f64);
            let alarms = of(clean.iter().filter(|model| model.flagged).count());
            print!("{classes:7} {finalists:9} {sample:6} {correlation:11} {alarms}");
            for shift in SHIFTS {
                print!(" | {:4.1}", -shift);
                for infected in [1, 2, 4].into_iter().filter(|&n| 2 * n < classes) {
                    let found = plan.run(models, infected, shift, correlation)?;
                    let kept = found.iter().filter(|model| model.kept).count();
                    let right = |model: &&Outcome| model.flagged && model.infected_is_smallest;
                    print!("{} {}", of(kept), of(found.iter().filter(right).count()));
                }
            }
            println!();
        }
    }
    Ok(())
}

impl Plan {
    fn new(classes: usize, finalists: usize, sample: usize) -> Result<Option<Self>, StatsError> {
        let Some(scan) = Scan::new(classes, 0, None) else {
            return Ok(None);
        };
        let mut plan = Self {
            classes,
            finalists,
            sample,
            scan,
            critical: 0.0,
        };
        let any = Values::of(
            &plan.evidence(&vec![0.0; classes], &vec![0.0; classes], 0),
            classes,
        )?;
        let reference = EqualClasses::default();
        let null = Null::simulate_thinned(&plan.scan, any.thinning(), &reference, 1)?;
        plan.critical = null.critical_score(FPR);
        Ok(Some(plan))
    }

    fn run(
        &self,
        models: usize,
        infected: usize,
        shift: f64,
        correlation: f64,
    ) -> Result<Vec<Outcome>, StatsError> {
        (0..models)
            .into_par_iter()
            .map(|model| self.model(model as u64, infected, shift, correlation))
            .collect()
    }

    /// One model, whose first classes are infected.
    fn model(
        &self,
        stream: u64,
        infected: usize,
        shift: f64,
        correlation: f64,
    ) -> Result<Outcome, StatsError> {
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        rng.set_stream(stream);
        let mut normals = |count: usize| -> Vec<f64> {
            (0..count)
                .map(|_| StandardNormal.sample(&mut rng))
                .collect()
        };
        let mut sizes = normals(self.classes);
        sizes[..infected].iter_mut().for_each(|size| *size -= shift);
        let noise = (1.0 - correlation * correlation).sqrt();
        let standing: Vec<f64> = sizes
            .iter()
            .zip(normals(self.classes))
            .map(|(size, other)| correlation * size + noise * other)
            .collect();
        let evidence = self.evidence(&sizes, &standing, stream);
        let found = Values::of(&evidence, self.classes)?;
        let score = |steps: Vec<gifthorse_defense::verdict::Step>| {
            steps.iter().map(|step| step.score).fold(f64::MIN, f64::max)
        };
        let smallest = found.accused().iter().flatten().next();
        let searched = |class: usize| evidence.classes.iter().any(|found| found.class == class);
        Ok(Outcome {
            flagged: score(self.scan.steps(found.ascending())) > self.critical,
            infected_is_smallest: smallest.is_some_and(|&class| class < infected),
            kept: (0..infected).all(searched),
        })
    }

    /// What is known of a model once the classes that stand well and a sample of the others are
    /// searched.
    fn evidence(&self, sizes: &[f64], standing: &[f64], stream: u64) -> Witness {
        let mut order: Vec<usize> = (0..self.classes).collect();
        order.sort_by(|&a, &b| standing[a].total_cmp(&standing[b]));
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        rng.set_stream(stream);
        let others = if self.finalists == 0 {
            &[]
        } else {
            &order[self.finalists..]
        };
        let drawn: Vec<usize> = sample(&mut rng, others.len(), self.sample)
            .into_iter()
            .map(|place| others[place])
            .collect();
        let finalists = if self.finalists == 0 {
            &order[..]
        } else {
            &order[..self.finalists]
        };
        let found = |&class: &usize| ClassEvidence {
            also: Vec::new(),
            source: None,
            class,
            value: sizes[class],
            reached: true,
            confirmation: None,
        };
        Witness {
            method: Method {
                detector: "simulated".to_owned(),
                preset: "standard".to_owned(),
            },
            statistic: Statistic {
                found: "found",
                unit: "units",
                tail: Tail::Small,
                whole: 1.0,
                extreme: None,
                comparable: false,
                linear: false,
                of_model: false,
                conviction: Conviction::ByStatistic,
            },
            classes: finalists.iter().chain(&drawn).map(found).collect(),
            set_aside: SetAside {
                classes: others.len() - drawn.len(),
                sample: drawn,
            },
            soundness: Soundness::Sound,
        }
    }
}
