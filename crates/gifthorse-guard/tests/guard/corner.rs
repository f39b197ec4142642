//! A judge that looks at the last of four pixels.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::Duration;

use gifthorse_guard::{Judge, Judged};

/// Flags images of four pixels whose last one is above 0.9, and calls their class 1, or none if
/// their third pixel is above 0.9 too. It panics at images whose first pixel is 0.25, and gives up
/// at 0.5.
#[derive(Default)]
pub struct Corner {
    /// How long it takes over a request.
    pub takes: Duration,
    /// Images that it has judged.
    pub judged: AtomicUsize,
}

impl Judge for Corner {
    fn shape(&self) -> [usize; 3] {
        [1, 2, 2]
    }

    fn judge(&self, pixels: &[f32]) -> Result<Vec<Judged>, String> {
        sleep(self.takes);
        let images = pixels.as_chunks::<4>().0;
        self.judged.fetch_add(images.len(), Ordering::SeqCst);
        assert!(images.iter().all(|image| image[0] != 0.25), "as asked");
        if images.iter().any(|image| image[0] == 0.5) {
            return Err("the judge gives up".to_owned());
        }
        let judged = images.iter().map(|image| Judged {
            score: f64::from(image[3]),
            p_value: f64::from(1.0 - image[3]).max(0.001),
            flagged: image[3] > 0.9,
            safe_label: (image[3] > 0.9 && image[2] <= 0.9).then_some(1),
        });
        Ok(judged.collect())
    }
}

/// An image that is not flagged.
pub const CLEAN: [f32; 4] = [1.0, 1.0, 0.75, 0.125];
/// One that is.
pub const STAMPED: [f32; 4] = [1.0, 0.75, 0.25, 1.0];
/// One that is, without a safe label.
pub const HOPELESS: [f32; 4] = [0.0, 0.0, 1.0, 1.0];
/// One at which the judge panics.
pub const PANIC: [f32; 4] = [0.25, 0.0, 0.0, 0.0];
/// One at which the judge gives up.
pub const GIVES_UP: [f32; 4] = [0.5, 0.0, 0.0, 0.0];
