//! How many images are poisoned.

use serde::{Deserialize, Serialize};

use crate::Error;

/// How many of the images that a backdoor may stamp it does stamp.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rate {
    /// So many for each training image: a share of all of them, above 0 and up to 1, whatever the
    /// classes that may be stamped.
    Share(f64),
    /// This share of each class that may be stamped, above 0 and up to 1.
    OfClass(f64),
    /// So many of each class that may be stamped, at least 1.
    PerClass(usize),
}

/// Images of which some are to be drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Indices of the images that may be drawn, ascending.
    pub pool: Vec<usize>,
    /// How many of them.
    pub count: usize,
    /// Their class, where the group is one class.
    pub class: Option<usize>,
}

impl Rate {
    /// Refuses shares of none and of more than all.
    ///
    /// # Errors
    /// [`Error::PoisonRate`].
    pub(super) fn check(self) -> Result<(), Error> {
        match self {
            Self::Share(rate) | Self::OfClass(rate) if !(rate > 0.0 && rate <= 1.0) => {
                Err(Error::PoisonRate { rate })
            }
            _ => Ok(()),
        }
    }

    /// Groups to draw from: `pools` holds each class that may be stamped with the indices of its
    /// images, and there are `total` training images.
    ///
    /// # Errors
    /// [`Error::PoisonRate`]; [`Error::Poison`] if no image would be drawn, or more than there are.
    pub(super) fn groups(
        self,
        pools: Vec<(usize, Vec<usize>)>,
        total: usize,
    ) -> Result<Vec<Group>, Error> {
        self.check()?;
        let part = |share: f64, images: usize| (share * images as f64).round() as usize;
        let groups: Vec<Group> = match self {
            Self::Share(share) => {
                let mut pool: Vec<usize> = pools.into_iter().flat_map(|(_, pool)| pool).collect();
                pool.sort_unstable();
                let count = part(share, total);
                vec![Group {
                    pool,
                    count,
                    class: None,
                }]
            }
            Self::OfClass(share) => (pools.into_iter())
                .map(|(class, pool)| Group {
                    count: part(share, pool.len()),
                    pool,
                    class: Some(class),
                })
                .collect(),
            Self::PerClass(count) => (pools.into_iter())
                .map(|(class, pool)| Group {
                    pool,
                    count,
                    class: Some(class),
                })
                .collect(),
        };
        if groups.iter().all(|group| group.count == 0) {
            return Err(Error::Poison(format!(
                "{self} of {total} images poisons none; take more"
            )));
        }
        if let Some(Group { pool, count, class }) =
            groups.iter().find(|group| group.count > group.pool.len())
        {
            let of = class.map_or_else(
                || "may be stamped".to_owned(),
                |class| format!("are of class {class}"),
            );
            return Err(Error::Poison(format!(
                "{self} wants {count} images, and only {} {of}; take fewer",
                pool.len()
            )));
        }
        Ok(groups)
    }
}

impl std::fmt::Display for Rate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Share(share) => write!(f, "a share of {share}"),
            Self::OfClass(share) => write!(f, "a share of {share} of each class"),
            Self::PerClass(count) => write!(f, "{count} image(s) of each class"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(rate: Rate) -> Result<Vec<usize>, String> {
        let pools = vec![(0, vec![0, 2, 4, 6, 8, 9, 10, 11]), (3, vec![1, 3, 5, 7])];
        let groups = rate.groups(pools, 20).map_err(|error| error.to_string())?;
        Ok(groups.iter().map(|group| group.count).collect())
    }

    #[test]
    fn counts_by_hand() {
        assert_eq!(counts(Rate::Share(0.1)).unwrap(), [2]);
        assert_eq!(counts(Rate::Share(0.6)).unwrap(), [12]);
        assert_eq!(counts(Rate::OfClass(0.25)).unwrap(), [2, 1]);
        assert_eq!(counts(Rate::PerClass(4)).unwrap(), [4, 4]);
    }

    #[test]
    fn rates_that_cannot_be_had_are_refused() {
        for rate in [0.0, -0.1, 1.5, f64::NAN] {
            assert!(
                counts(Rate::Share(rate))
                    .unwrap_err()
                    .contains("poison rate")
            );
            assert!(
                counts(Rate::OfClass(rate))
                    .unwrap_err()
                    .contains("poison rate")
            );
        }
        for none in [Rate::Share(0.01), Rate::OfClass(0.01), Rate::PerClass(0)] {
            assert!(counts(none).unwrap_err().contains("poisons none"), "{none}");
        }
        assert!(
            counts(Rate::Share(0.7))
                .unwrap_err()
                .contains("wants 14 images, and only 12 may be stamped")
        );
        assert!(
            counts(Rate::PerClass(5))
                .unwrap_err()
                .contains("only 4 are of class 3")
        );
    }
}
