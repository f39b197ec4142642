//! Colours by hue.

/// A colour by hue, saturation and lightness.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hsl {
    /// From 0 to below 6: red at 0, green at 2, blue at 4.
    pub hue: f32,
    /// From 0, grey, to 1.
    pub saturation: f32,
    /// From 0, black, to 1, white.
    pub lightness: f32,
}

impl Hsl {
    /// Of red, green and blue in `[0, 1]`.
    pub fn of([red, green, blue]: [f32; 3]) -> Self {
        let (high, low) = (red.max(green).max(blue), red.min(green).min(blue));
        let (lightness, chroma) = (0.5 * (high + low), high - low);
        if chroma <= 0.0 {
            return Self {
                hue: 0.0,
                saturation: 0.0,
                lightness,
            };
        }
        let hue = if high == red {
            ((green - blue) / chroma).rem_euclid(6.0)
        } else if high == green {
            (blue - red) / chroma + 2.0
        } else {
            (red - green) / chroma + 4.0
        };
        let saturation = chroma / (1.0 - (2.0 * lightness - 1.0).abs());
        Self {
            hue,
            saturation,
            lightness,
        }
    }

    /// Red, green and blue; in `[0, 1]` if saturation and lightness are.
    pub fn to_rgb(self) -> [f32; 3] {
        let chroma = self.saturation * (1.0 - (2.0 * self.lightness - 1.0).abs());
        let low = self.lightness - 0.5 * chroma;
        // How far each of red, green and blue is from its own hue.
        [0.0, 2.0, 4.0].map(|own| {
            let apart = (self.hue - own).rem_euclid(6.0);
            let apart = apart.min(6.0 - apart);
            low + chroma * (2.0 - apart).clamp(0.0, 1.0)
        })
    }
}

/// A colour with its brightness, the largest of its values, put through a curve; hue and saturation
/// (of HSB) stay.
pub fn brighten(colour: [f32; 3], curve: impl Fn(f32) -> f32) -> [f32; 3] {
    let brightness = colour.iter().copied().fold(0.0, f32::max);
    if brightness <= 0.0 {
        return [curve(0.0); 3];
    }
    let factor = curve(brightness) / brightness;
    colour.map(|value| value * factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_by_hand_and_back_again() {
        let hsl = |hue, saturation, lightness| Hsl {
            hue,
            saturation,
            lightness,
        };
        assert_eq!(Hsl::of([1.0, 0.0, 0.0]), hsl(0.0, 1.0, 0.5));
        assert_eq!(Hsl::of([0.0, 1.0, 1.0]), hsl(3.0, 1.0, 0.5));
        assert_eq!(Hsl::of([0.25, 0.25, 0.75]), hsl(4.0, 0.5, 0.5));
        assert_eq!(Hsl::of([0.4; 3]), hsl(0.0, 0.0, 0.4));
        for i in 0..200 {
            let value = |factor: f32| (i as f32 * factor).fract();
            let colour = [value(0.618), value(0.287), value(0.411)];
            let back = Hsl::of(colour).to_rgb();
            assert!(
                (0..3).all(|c| (back[c] - colour[c]).abs() < 1e-5),
                "{colour:?} {back:?}"
            );
        }
    }

    #[test]
    fn brightening_keeps_the_ratios() {
        let doubled = brighten([0.1, 0.2, 0.4], |brightness| 2.0 * brightness);
        assert_eq!(doubled, [0.2, 0.4, 0.8]);
        assert_eq!(brighten([0.0; 3], |_| 0.5), [0.5; 3]);
    }
}
