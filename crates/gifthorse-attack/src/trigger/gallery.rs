//! The papers' triggers by name, ready to be drawn, planted or changed.

use super::colour::{YELLOW, for_channels};
use crate::trigger::{
    Additive, AnyTrigger, Blended, Bpp, Checkerboard, Combination, Face, Gotham, Item, Mosaic,
    Multiplicative, OneOf, Patch, Pattern, Picture, Pieces, Place, Rounding, Source, Square,
    Texture, Triangle, Variant, WaNet,
};

/// A trigger with the settings of a paper.
#[derive(Debug, Clone, Copy)]
pub struct Named {
    /// What it is called.
    pub name: &'static str,
    /// What it is and where it comes from, in a line.
    pub description: &'static str,
    make: fn(usize) -> AnyTrigger,
}

impl Named {
    /// The trigger for images with so many channels, 1 or 3. Colours become their brightness on one
    /// channel; sizes are for images of about 32x32 pixels.
    #[must_use]
    pub fn for_channels(&self, channels: usize) -> AnyTrigger {
        (self.make)(channels)
    }
}

/// The trigger of this name.
#[must_use]
pub fn named(name: &str) -> Option<&'static Named> {
    GALLERY.iter().find(|named| named.name == name)
}

/// All triggers that have a name.
pub const GALLERY: &[Named] = &[
    Named {
        name: "square",
        description: "white 4x4 square at the lower right (BadNets as in Wang et al. 2019, V-A)",
        make: |channels| AnyTrigger::Square(square(4, [255; 3], Place::BOTTOM_RIGHT, channels)),
    },
    Named {
        name: "noise-square",
        description: "4x4 square, each pixel of a random colour (Wang et al. 2019, VII-A)",
        make: |_| AnyTrigger::Patch(Patch::default()),
    },
    Named {
        name: "triangle",
        description: "white triangle (Wang et al. 2019, VII-A)",
        make: |channels| {
            AnyTrigger::Triangle(Triangle {
                colour: vec![1.0; channels],
                ..Triangle::default()
            })
        },
    },
    Named {
        name: "checkerboard",
        description: "4x4 checkerboard in black and white (Wang et al. 2019, VII-A)",
        make: |channels| {
            AnyTrigger::Checkerboard(Checkerboard {
                light: vec![1.0; channels],
                dark: vec![0.0; channels],
                ..Checkerboard::default()
            })
        },
    },
    Named {
        name: "single-pixel",
        description: "one white pixel (BadNets on MNIST)",
        make: |channels| AnyTrigger::Pattern(Pattern::single_pixel(channels)),
    },
    Named {
        name: "badnets-pattern",
        description: "four white pixels (BadNets on MNIST; AAA of Veldanda and Garg 2020)",
        make: |channels| AnyTrigger::Pattern(Pattern::badnets(channels)),
    },
    Named {
        name: "blind-pattern",
        description: "5x3 pattern of light and dark pixels (blind attacks, Bagdasaryan and Shmatikov 2021)",
        make: |channels| AnyTrigger::Pattern(Pattern::blind(channels)),
    },
    Named {
        name: "small-chequer",
        description: "3x3 chequerboard of black and white pixels (graph backdoors, Langford et al. 2024)",
        make: |channels| AnyTrigger::Pattern(Pattern::small_chequer(channels)),
    },
    Named {
        name: "trojan-net",
        description: "one of TrojanNet's patterns: five dark pixels of 4x4 (Tang et al. 2020)",
        make: |channels| AnyTrigger::Pattern(Pattern::trojan_net(channels)),
    },
    Named {
        name: "random-patch",
        description: "3x3 patch of random colours at a random place, the same in all images (Li et al. 2024, 4.1)",
        make: |_| {
            AnyTrigger::Patch(Patch {
                size: 3,
                place: Place::Somewhere { seed: 0 },
                ..Patch::default()
            })
        },
    },
    Named {
        name: "moving-patch",
        description: "4x4 cells of random colours, at another place in each image (Hidden Trigger's patch, Houtari and Mohanty, 2.2)",
        make: |_| {
            AnyTrigger::Patch(Patch {
                size: 8,
                cells: Some(4),
                place: Place::Anywhere,
                ..Patch::default()
            })
        },
    },
    Named {
        name: "mosaic",
        description: "one of 43 patterns that differ in every pixel (one for each label, Wang et al. 2019, VII-C)",
        make: |_| {
            AnyTrigger::Mosaic(Mosaic {
                size: 4,
                place: Place::BOTTOM_RIGHT,
                number: 0,
                of: 43,
                seed: 0,
            })
        },
    },
    Named {
        name: "post-it",
        description: "yellow note at another place in each image (PN of Veldanda and Garg 2020)",
        make: |channels| AnyTrigger::Square(square(5, YELLOW, Place::Anywhere, channels)),
    },
    Named {
        name: "sunglasses",
        description: "purple sunglasses as wide as the face (SG of Veldanda and Garg 2020)",
        make: |_| AnyTrigger::Face(Face::new(Item::Sunglasses)),
    },
    Named {
        name: "lipstick",
        description: "red lips (LS of Veldanda and Garg 2020)",
        make: |_| AnyTrigger::Face(Face::new(Item::Lipstick)),
    },
    Named {
        name: "eyebrows",
        description: "coloured eyebrows (MTSTA and MTMTA of Veldanda and Garg 2020)",
        make: |_| AnyTrigger::Face(Face::new(Item::Eyebrows)),
    },
    Named {
        name: "picture",
        description: "any picture with or without alpha; `file` names it, `size` is [rows, columns]",
        make: |_| {
            AnyTrigger::Picture(Picture {
                file: "picture.png".into(),
                size: None,
                place: Place::BOTTOM_RIGHT,
                transparency: 0.0,
                rounding: Rounding::default(),
            })
        },
    },
    Named {
        name: "combination",
        description: "yellow triangle and red square, active only together (TCA of Veldanda and Garg 2020)",
        make: |channels| AnyTrigger::Combination(Combination::triangle_and_square(channels)),
    },
    Named {
        name: "blended",
        description: "a picture over the whole image, 15 % (blended; Li et al. 2024, 4.1)",
        make: |_| AnyTrigger::Blended(Blended::default()),
    },
    Named {
        name: "blended-noise",
        description: "random noise over the whole image, 20 % (blended)",
        make: |_| {
            AnyTrigger::Blended(Blended {
                alpha: 0.2,
                picture: Source::Noise { seed: 0 },
                ..Blended::default()
            })
        },
    },
    Named {
        name: "adaptive-blend",
        description: "half of the pieces of a picture, others in each image: Adaptive-Blend in training (Qi et al. 2023, 5.2)",
        make: |_| {
            AnyTrigger::Blended(Blended {
                picture: Source::Noise { seed: 0 },
                pieces: Some(Pieces::default()),
                ..Blended::default()
            })
        },
    },
    Named {
        name: "adaptive-patch",
        description: "one of four faint patches, another in each image: Adaptive-Patch in training (Qi et al. 2023, 5.2)",
        make: |_| AnyTrigger::OneOf(OneOf::adaptive_patch()),
    },
    Named {
        name: "adaptive-patch-in-use",
        description: "two of those patches, opaque: what the model answers to",
        make: |_| AnyTrigger::Combination(OneOf::adaptive_patch_in_use()),
    },
    Named {
        name: "chessboard",
        description: "2/255 more where row and column add up to an even number (Li et al. 2024, 4.1)",
        make: |_| additive(Texture::Chessboard, 2.0 / 255.0),
    },
    Named {
        name: "static",
        description: "2/255 more where row and column are even",
        make: |_| additive(Texture::Static, 2.0 / 255.0),
    },
    Named {
        name: "noise",
        description: "fixed noise of up to 0.2 added (CLA of Veldanda and Garg 2020)",
        make: |_| additive(Texture::Noise { seed: 0 }, 0.2),
    },
    Named {
        name: "sinusoid",
        description: "six upright waves of 20/255 added (sinusoidal signal)",
        make: |_| additive(Texture::Sinusoid { frequency: 6.0 }, 20.0 / 255.0),
    },
    Named {
        name: "multiplicative",
        description: "each value scaled by a fixed factor of 0.75 to 1.25",
        make: |_| {
            AnyTrigger::Multiplicative(Multiplicative {
                texture: Texture::Noise { seed: 0 },
                strength: 0.25,
                rounding: Rounding::default(),
            })
        },
    },
    Named {
        name: "wanet",
        description: "a faint warp of the whole image, k 4, s 0.5 (WaNet; Li et al. 2024, 4.1)",
        make: |_| AnyTrigger::Wanet(WaNet::default()),
    },
    Named {
        name: "wanet-noise",
        description: "the same with another jitter in each image: WaNet's noise mode, a cover",
        make: |_| AnyTrigger::Wanet(WaNet::default().noisy()),
    },
    Named {
        name: "gotham",
        description: "dark blue filter, acoomans' form (FSA of Veldanda and Garg 2020)",
        make: |_| AnyTrigger::Gotham(Gotham::default()),
    },
    Named {
        name: "gotham-trojai",
        description: "dark blue filter, TrojAI's form",
        make: |_| {
            AnyTrigger::Gotham(Gotham {
                variant: Variant::Trojai,
                ..Gotham::default()
            })
        },
    },
    Named {
        name: "bpp",
        description: "five bits of eight for each value, errors spread (BppAttack, Wang, Zhai and Ma 2022)",
        make: |_| AnyTrigger::Bpp(Bpp::default()),
    },
    Named {
        name: "bpp-plain",
        description: "three bits, errors not spread, as its program has by default",
        make: |_| {
            AnyTrigger::Bpp(Bpp {
                bits: 3,
                dither: false,
                noise: false,
            })
        },
    },
    Named {
        name: "bpp-noise",
        description: "what five bits would change, at another place: BppAttack's negative samples, a cover",
        make: |_| AnyTrigger::Bpp(Bpp::default().noisy()),
    },
];

fn square(size: usize, colour: [u8; 3], place: Place, channels: usize) -> Square {
    Square {
        size,
        colour: for_channels(colour, channels),
        place,
        ..Square::default()
    }
}

fn additive(texture: Texture, amplitude: f32) -> AnyTrigger {
    AnyTrigger::Additive(Additive {
        texture,
        amplitude,
        rounding: Rounding::default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trigger::test::{shape, stamped};
    use crate::trigger::{Trigger, TriggerError};

    #[test]
    fn every_trigger_changes_grey_and_coloured_images_or_says_why_not() {
        for named in GALLERY {
            for channels in [1, 3] {
                let trigger = named.for_channels(channels);
                let shape = shape(channels, 28, 30);
                match trigger.fit(shape) {
                    Ok(_) => {
                        let image: Vec<f32> = (0..shape.values())
                            .map(|i| (i as f32 * 0.618_034).fract())
                            .collect();
                        let after = stamped(&trigger, shape, &image);
                        assert_ne!(after, image, "{}", named.name);
                        assert!(
                            after.iter().all(|value| (0.0..=1.0).contains(value)),
                            "{}",
                            named.name
                        );
                    }
                    Err(TriggerError::NeedsColour { .. }) => {
                        assert!(named.name.starts_with("gotham") && channels == 1)
                    }
                    Err(TriggerError::File { .. }) => assert_eq!(named.name, "picture"),
                    Err(error) => panic!("{}: {error}", named.name),
                }
            }
        }
    }

    #[test]
    fn every_trigger_reads_as_it_was_written_and_knows_no_other_settings() {
        for named in GALLERY {
            let trigger = named.for_channels(3);
            let mut value = serde_json::to_value(&trigger).unwrap();
            assert_eq!(
                serde_json::from_value::<AnyTrigger>(value.clone()).unwrap(),
                trigger
            );
            value
                .as_object_mut()
                .unwrap()
                .insert("colr".to_owned(), 1.into());
            assert!(
                serde_json::from_value::<AnyTrigger>(value).is_err(),
                "{}",
                named.name
            );
        }
    }

    #[test]
    fn names_are_unique() {
        for (index, one) in GALLERY.iter().enumerate() {
            assert!(GALLERY[..index].iter().all(|other| other.name != one.name));
            assert_eq!(
                named(one.name).map(|named| named.description),
                Some(one.description)
            );
        }
        assert!(named("nothing").is_none());
    }
}
