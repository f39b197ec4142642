//! Which images something has seen, whatever they are called and wherever they lie.

use std::collections::HashSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gifthorse_data::Images;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Hashes of the pixels of images: the first eight bytes of the SHA-256 of each.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Seen(HashSet<u64>);

impl Seen {
    /// These images.
    pub fn of(images: &Images) -> Self {
        let places = 0..images.len();
        Self(places.map(|place| hash(images.image(place))).collect())
    }

    /// These images and those.
    #[must_use]
    pub fn and(mut self, others: Self) -> Self {
        self.0.extend(others.0);
        self
    }

    /// Whether this image is among them.
    pub fn has(&self, image: &[f32]) -> bool {
        self.0.contains(&hash(image))
    }
}

fn hash(image: &[f32]) -> u64 {
    let mut all = Sha256::new();
    for pixel in image {
        all.update(pixel.to_le_bytes());
    }
    let mut first = [0; 8];
    first.copy_from_slice(&all.finalize()[..8]);
    u64::from_le_bytes(first)
}

impl From<Seen> for String {
    fn from(seen: Seen) -> Self {
        let mut hashes: Vec<u64> = seen.0.into_iter().collect();
        hashes.sort_unstable();
        let bytes: Vec<u8> = hashes.iter().flat_map(|hash| hash.to_le_bytes()).collect();
        STANDARD.encode(bytes)
    }
}

impl TryFrom<String> for Seen {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let bytes = STANDARD.decode(text).map_err(|error| error.to_string())?;
        if !bytes.len().is_multiple_of(8) {
            return Err("the hashes of the images have no whole number of bytes".to_owned());
        }
        let hashes = bytes.chunks_exact(8).map(|bytes| {
            let mut eight = [0; 8];
            eight.copy_from_slice(bytes);
            u64::from_le_bytes(eight)
        });
        Ok(Self(hashes.collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_known_again_by_their_pixels() {
        let shape = gifthorse_data::ImageShape {
            channels: 1,
            height: 1,
            width: 2,
        };
        let names = vec!["a".to_owned(), "b".to_owned()];
        let images = Images::new(shape, vec![0.0, 0.5, 1.0, 0.25], None, Vec::new(), names);
        let seen = Seen::of(&images.unwrap());
        let text = String::from(seen.clone());
        assert_eq!(Seen::try_from(text).unwrap(), seen);
        assert!(seen.has(&[1.0, 0.25]) && !seen.has(&[0.25, 1.0]));
        assert!(Seen::try_from("AAAA".to_owned()).is_err());
    }
}
