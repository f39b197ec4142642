//! A verdict beside the truth.

use gifthorse_report::escape::Shown;
use gifthorse_report::report::Verdict;
use gifthorse_report::{Evidence, Report, evidence};

use super::models::Made;

/// A model of known truth with what its scan said.
pub struct Outcome {
    /// The model and the truth.
    pub made: Made,
    /// The report of the scan.
    pub report: Report,
    /// The pictures of the scan.
    pub evidence: Evidence,
    /// The truth as pages show it.
    pub shown: evidence::Truth,
}

impl Outcome {
    /// Whether the scan was right: clean for a clean model, and backdoored with exactly the planted
    /// target for a backdoored one. Inconclusive never is.
    pub fn is_right(&self) -> bool {
        is_right(self.report.verdict, &self.report.targets, self.shown.target)
    }

    /// Verdict and truth in a few lines.
    pub fn text(&self) -> String {
        let truth = &self.made.truth;
        let accuracy = 100.0 * truth.clean_accuracy;
        let planted = match truth.backdoors.first() {
            None => format!("clean; {accuracy:.1} % of test images right"),
            Some(backdoor) => format!(
                "backdoored, leads to {}; {accuracy:.1} % of test images right, {:.1} % of stamped ones led astray",
                self.classes(&truth.targets(self.report.model.classes)),
                100.0 * backdoor.effect.with_trigger.other_classes
            ),
        };
        let found = match self.report.verdict {
            Verdict::Clean => "clean".to_owned(),
            Verdict::Backdoored => format!(
                "backdoored, leads to {}",
                self.classes(&self.report.targets)
            ),
            Verdict::Inconclusive => {
                let reasons: Vec<String> = self
                    .report
                    .reasons
                    .iter()
                    .map(|reason| Shown(reason).to_string())
                    .collect();
                format!("inconclusive: {}", reasons.join("; "))
            }
        };
        let right = if self.is_right() { "RIGHT" } else { "WRONG" };
        format!(
            "{}\n  truth    {planted}\n  verdict  {found}\n  {right}\n",
            self.made.title()
        )
    }

    fn classes(&self, indices: &[usize]) -> String {
        let named =
            |&index: &usize| format!("class {index} ({})", Shown(&self.report.class_name(index)));
        indices.iter().map(named).collect::<Vec<_>>().join(" and ")
    }
}

fn is_right(verdict: Verdict, targets: &[usize], planted: Option<usize>) -> bool {
    match (verdict, planted) {
        (Verdict::Clean, None) => true,
        (Verdict::Backdoored, Some(target)) => targets == [target],
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_truth_is_right() {
        use Verdict::{Backdoored, Clean, Inconclusive};
        assert!(is_right(Clean, &[], None));
        assert!(is_right(Backdoored, &[3], Some(3)));
        for (verdict, targets, planted) in [
            (Clean, vec![], Some(3)),
            (Backdoored, vec![3], None),
            (Backdoored, vec![4], Some(3)),
            (Backdoored, vec![3, 4], Some(3)),
            (Backdoored, vec![], Some(3)),
            (Inconclusive, vec![3], Some(3)),
            (Inconclusive, vec![], None),
        ] {
            assert!(
                !is_right(verdict, &targets, planted),
                "{verdict:?} {targets:?} {planted:?}"
            );
        }
    }
}
