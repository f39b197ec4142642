//! How much memory a scan will take, said before it takes it.

use std::path::Path;

use gifthorse_data::ImageShape;
use gifthorse_defense::detect::Detector;
use gifthorse_defense::health;
use gifthorse_engine::{Classifier, Pass};
use gifthorse_onnx::{Graph, Tensor};

use crate::Error;
use crate::plan::PlanMemory;

/// What the program holds where the system does not tell.
const PROGRAM: usize = 8 << 20;
/// Code that a scan comes to use, and what the allocator does not give back: as measured by
/// `bench/memory.py`.
const CODE: usize = 15 << 20;
/// Copies of a batch of images that a search holds at a time besides what goes into the model: the
/// images, the stamped ones, and what the chain rule makes of them.
const SEARCH_COPIES: usize = 3;
/// As many of a batch that is only evaluated.
const EVALUATION_COPIES: usize = 4;

/// The passes that a scan makes through its model: it evaluates images, looks at gradients, and
/// searches with batches of `batch` images.
pub(crate) fn passes(batch: usize) -> [Pass; 3] {
    [
        Pass {
            samples: Classifier::EVALUATION_BATCH,
            backward: false,
            together: false,
        },
        Pass {
            samples: health::SAMPLE,
            backward: true,
            together: true,
        },
        Pass {
            samples: batch,
            backward: true,
            together: false,
        },
    ]
}

/// The memory of a scan in bytes, by what it is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScanMemory {
    /// The model and the passes through it.
    pub model: PlanMemory,
    /// All images.
    pub images: usize,
    /// The batches that are worked on.
    pub batches: usize,
    /// The triggers of all classes, or all their searches where these wait for one another.
    pub triggers: usize,
    /// The program itself.
    pub program: usize,
    /// The most that was held so far, while files were read; 0 where the system does not tell.
    pub so_far: usize,
}

impl ScanMemory {
    /// The scan's peak.
    pub fn peak(&self) -> usize {
        self.still_to_come().max(self.so_far)
    }

    /// The most that is held from the prediction on.
    fn still_to_come(&self) -> usize {
        self.model.total() + self.images + self.batches + self.triggers + self.program
    }

    /// Refuses a scan of the model `path` that would need more than there is.
    ///
    /// # Errors
    /// [`Error::Memory`]
    pub(crate) fn check(&self, path: &Path) -> Result<(), Error> {
        let further = self.still_to_come().saturating_sub(held_now().unwrap_or(0));
        fits(path, further)
    }

    /// The memory of a scan that holds so many images, by detectors and the number of units that
    /// each searches. `before` is what the process held before it began.
    pub(crate) fn predict(
        classifier: &Classifier,
        images: usize,
        detectors: &[Box<dyn Detector>],
        units: &[usize],
        before: Option<usize>,
    ) -> Result<Self, Error> {
        let threads = rayon::current_num_threads();
        let [channels, height, width] = classifier.shape();
        let shape = ImageShape {
            channels,
            height,
            width,
        };
        let image = shape.values() * size_of::<f32>();
        let batch = largest_batch(detectors.iter().map(Box::as_ref));
        let held = detectors
            .iter()
            .zip(units)
            .map(|(detector, &units)| detector.held_bytes(classifier.shape(), images, units));
        let searched = SEARCH_COPIES * batch;
        let evaluated = EVALUATION_COPIES * Classifier::EVALUATION_BATCH;
        let model = classifier.network().memory(&passes(batch), threads)?;
        Ok(Self {
            model: model.into(),
            images: images * image,
            batches: threads * searched.max(evaluated) * image,
            triggers: held.sum(),
            program: before.unwrap_or(PROGRAM) + CODE,
            so_far: resident("VmHWM").unwrap_or(0),
        })
    }
}

/// Images in the largest pass that a search makes through the model.
pub(crate) fn largest_batch<'a>(detectors: impl Iterator<Item = &'a dyn Detector>) -> usize {
    detectors.map(Detector::batch).max().unwrap_or(1)
}

/// Refuses the model `path` if its weights alone, once packed, are more than there is memory for.
///
/// # Errors
/// [`Error::Memory`]
pub(crate) fn check_weights(path: &Path, graph: &Graph) -> Result<(), Error> {
    let counts = graph.tensors().map(Tensor::len);
    let count = counts.fold(0, usize::saturating_add);
    fits(path, count.saturating_mul(size_of::<f32>()))
}

/// Refuses the model `path` for a comparison if its largest constant, as it is and as 64-bit numbers,
/// beside that of another model, is more than there is memory for.
///
/// # Errors
/// [`Error::Memory`]
pub(crate) fn check_comparison(path: &Path, graph: &Graph) -> Result<(), Error> {
    let bytes = |tensor: &Tensor| {
        let element = tensor.element_type().size() + size_of::<f64>();
        tensor.len().saturating_mul(2 * element)
    };
    fits(path, graph.tensors().map(bytes).max().unwrap_or(0))
}

fn fits(path: &Path, needed: usize) -> Result<(), Error> {
    match available_memory() {
        Some(available) if needed > available => Err(Error::Memory {
            path: path.to_owned(),
            needed,
            available,
        }),
        _ => Ok(()),
    }
}

/// What the process holds now, if the system tells.
pub(crate) fn held_now() -> Option<usize> {
    resident("VmRSS")
}

/// What may still be taken, if the system tells: of the machine's memory, of what the control group
/// may have (a container's limit), and of the process's own address space (`ulimit -v`).
pub fn available_memory() -> Option<usize> {
    let machine = figure("/proc/meminfo", "MemAvailable");
    let second = SECOND.left(Path::new("/sys/fs/cgroup"));
    let first = FIRST.left(Path::new("/sys/fs/cgroup/memory"));
    let space = address_space().and_then(|limit| Some(limit.saturating_sub(resident("VmSize")?)));
    [machine, second, first, space].into_iter().flatten().min()
}

/// What the process's control group may still take, if it has a limit. Files that the system keeps
/// at hand count as taken there, but make way.
#[derive(Debug, Clone, Copy)]
struct GroupFiles {
    limit: &'static str,
    taken: &'static str,
    /// Lines of `memory.stat` that make way.
    makes_way: &'static [&'static str],
}

/// Version 2 of control groups.
const SECOND: GroupFiles = GroupFiles {
    limit: "memory.max",
    taken: "memory.current",
    makes_way: &["active_file", "inactive_file", "slab_reclaimable"],
};
/// Version 1, in whose folder for memory these are; without a limit it gives one that nobody
/// reaches.
const FIRST: GroupFiles = GroupFiles {
    limit: "memory.limit_in_bytes",
    taken: "memory.usage_in_bytes",
    makes_way: &["total_active_file", "total_inactive_file"],
};

impl GroupFiles {
    fn left(self, folder: &Path) -> Option<usize> {
        let read = |file: &str| std::fs::read_to_string(folder.join(file)).ok();
        let number = |file: &str| read(file)?.trim().parse::<usize>().ok();
        let (limit, taken) = (number(self.limit)?, number(self.taken)?);
        let statistics = read("memory.stat").unwrap_or_default();
        let of_line = |line: &str| {
            let (name, bytes) = line.split_once(' ')?;
            let counts = self.makes_way.contains(&name);
            counts.then(|| bytes.trim().parse::<usize>().ok())?
        };
        let makes_way: usize = statistics.lines().filter_map(of_line).sum();
        Some(limit.saturating_sub(taken.saturating_sub(makes_way)))
    }
}

/// The limit on the process's address space, if there is one.
fn address_space() -> Option<usize> {
    let limits = std::fs::read_to_string("/proc/self/limits").ok()?;
    let soft = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max address space"))?;
    soft.split_whitespace().next()?.parse().ok()
}

fn resident(field: &str) -> Option<usize> {
    figure("/proc/self/status", field)
}

/// A figure of a file of Linux's `/proc`, in bytes.
fn figure(file: &str, field: &str) -> Option<usize> {
    let status = std::fs::read_to_string(file).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    let kibibytes: usize = line
        .strip_prefix(':')?
        .trim()
        .strip_suffix("kB")?
        .trim()
        .parse()
        .ok()?;
    Some(kibibytes << 10)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_system_tells_what_is_held() {
        // Other tests take and give memory meanwhile; this block at least is there.
        let block = std::hint::black_box(vec![1u8; 64 << 20]);
        let now = resident("VmRSS").unwrap();
        assert!(now >= 64 << 20, "{now}");
        assert!(resident("VmHWM").unwrap() >= 64 << 20);
        assert_eq!(block.len(), 64 << 20);
        assert_eq!(resident("VmNothing"), None);
        assert!(available_memory().unwrap() > 0);
    }

    #[test]
    fn a_groups_limit_counts_without_the_files_that_make_way() {
        let folder = tempfile::tempdir().unwrap();
        let write =
            |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        let left = || SECOND.left(folder.path());
        assert_eq!(left(), None);
        write("memory.max", "max\n");
        write("memory.current", "700\n");
        assert_eq!(left(), None);
        write("memory.max", "1000\n");
        assert_eq!(left(), Some(300));
        write(
            "memory.stat",
            "anon 100\ninactive_file 400\nactive_file 50\nfile 450\n",
        );
        assert_eq!(left(), Some(750));
        write("memory.current", "2000\n");
        assert_eq!(left(), Some(0));

        write("memory.limit_in_bytes", "1000\n");
        write("memory.usage_in_bytes", "900\n");
        write("memory.stat", "inactive_file 1\ntotal_inactive_file 400\n");
        assert_eq!(FIRST.left(folder.path()), Some(500));
    }

    #[test]
    fn what_is_more_than_there_is_is_refused() {
        assert!(fits(Path::new("m.onnx"), 1).is_ok());
        let error = fits(Path::new("m.onnx"), 1 << 60).unwrap_err().to_string();
        assert!(
            error.contains("m.onnx") && error.contains("1099511627776 MiB"),
            "{error}"
        );
    }
}
