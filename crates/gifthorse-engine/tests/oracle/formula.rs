//! Numbers that the oracle's scripts and these tests both compute, bit for bit, from integers.

const LATTICE: u64 = 1;
const NOISE: u64 = 2;
const COEFFICIENTS: u64 = 3;
const POSITIONS: u64 = 4;
const SIGNS: u64 = 5;

/// The stream of a node case's input.
pub const FIRST_TENSOR: u64 = 1000;

fn splitmix64(x: u64) -> u64 {
    let mut z = x.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

fn hashes(stream: u64) -> impl Fn(usize) -> u64 {
    let base = splitmix64(stream);
    move |i| splitmix64(base.wrapping_add(i as u64))
}

/// `low + width * u` with `u` in [0, 1) from the top 24 bits of the hash.
pub fn uniform(stream: u64, count: usize, low: f32, width: f32) -> impl Iterator<Item = f32> {
    let hash = hashes(stream);
    let unit = 1.0 / (1u32 << 24) as f32;
    (0..count).map(move |i| (hash(i) >> 40) as f32 * unit * width + low)
}

/// Weights in [-1, 1) of the scalar whose gradient is compared.
pub fn coefficients(count: usize) -> Vec<f32> {
    uniform(COEFFICIENTS, count, -1.0, 2.0).collect()
}

/// Where a large gradient of `size` values was sampled.
pub fn positions(size: usize, count: usize) -> Vec<usize> {
    let hash = hashes(POSITIONS);
    (0..count)
        .map(|i| (hash(i) % size as u64) as usize)
        .collect()
}

/// 64 sums of all values with signs: value `i` counts negatively in sum `j` where bit `j` of its
/// hash is set.
pub fn projections(values: &[f32]) -> [f64; 64] {
    let hash = hashes(SIGNS);
    let mut sums = [0.0; 64];
    for (i, &value) in values.iter().enumerate() {
        let (bits, value) = (hash(i), f64::from(value));
        for (j, sum) in sums.iter_mut().enumerate() {
            *sum += if bits >> j & 1 == 1 { -value } else { value };
        }
    }
    sums
}

/// 8-bit images `[images, channels, height, width]`: a bilinear surface through random
/// values at every eighth pixel, plus noise.
fn pixels([images, channels, height, width]: [usize; 4]) -> Vec<u8> {
    const CELL: usize = 8;
    let (grid_h, grid_w) = (height / CELL + 2, width / CELL + 2);
    let (lattice, noise) = (hashes(LATTICE), hashes(NOISE));
    let mut values = Vec::with_capacity(images * channels * height * width);
    for plane in 0..images * channels {
        let node = |y: usize, x: usize| lattice((plane * grid_h + y) * grid_w + x) >> 56;
        for y in 0..height {
            for x in 0..width {
                let (gy, gx, fy, fx) = (y / CELL, x / CELL, (y % CELL) as u64, (x % CELL) as u64);
                let row = |gy| (8 - fx) * node(gy, gx) + fx * node(gy, gx + 1);
                let surface = ((8 - fy) * row(gy) + fy * row(gy + 1)) / 64;
                let value = surface as i64 + (noise(values.len()) >> 59) as i64 - 16;
                values.push(value.clamp(0, 255) as u8);
            }
        }
    }
    values
}

/// `pixel * multiply[c] + add[c]`, `[images, channels, height, width]`.
pub fn raw_input(shape: [usize; 4], multiply: &[f32], add: &[f32]) -> Vec<f32> {
    let [_, channels, height, width] = shape;
    let scaled = |(i, pixel): (usize, u8)| {
        let channel = i / (height * width) % channels;
        f32::from(pixel) * multiply[channel] + add[channel]
    };
    pixels(shape).into_iter().enumerate().map(scaled).collect()
}

#[test]
fn the_formulas_agree_with_the_scripts() {
    // From `formula.py`: hashes(1, 3), uniform(1000, (3,), -1, 2), projections([1, 2, 4, 8]) and
    // pixels(1, 1, 9, 9).
    assert_eq!(hashes(1)(2), 13_608_149_317_741_381_227);
    let values: Vec<f32> = uniform(FIRST_TENSOR, 3, -1.0, 2.0).collect();
    assert_eq!(values, [-0.017_791_867, -0.599_385_14, -0.726_973_8]);
    let sums = projections(&[1.0, 2.0, 4.0, 8.0]);
    assert_eq!(sums[..6], [5.0, 11.0, -3.0, -13.0, -7.0, -11.0]);
    assert_eq!(sums[63], -15.0);
    assert_eq!(pixels([1, 1, 9, 9])[78..], [218, 202, 228]);
}
