"""Numbers that Python and Rust both compute, bit for bit, from integers alone.

Golden files hold outputs only; inputs, weights and coefficients are made again by these formulas wherever they are
needed. README.md states them in words.
"""

import numpy as np

MASK = (1 << 64) - 1

# Streams keep unrelated uses of the hash apart.
LATTICE = 1
NOISE = 2
COEFFICIENTS = 3
POSITIONS = 4
SIGNS = 5
FIRST_TENSOR = 1000


def splitmix64(x):
    """The SplitMix64 output function on an array of u64 (wrapping arithmetic)."""
    z = np.asarray(x, dtype=np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def hashes(stream, count, start=0):
    """hash(stream, i) = splitmix64(splitmix64(stream) + i) for i in start..start + count."""
    base = splitmix64(np.array([stream], dtype=np.uint64))
    return splitmix64(base + np.arange(start, start + count, dtype=np.uint64))


def unit(stream, count):
    """The top 24 bits of each hash as f32 in [0, 1): exact, no rounding."""
    return (hashes(stream, count) >> np.uint64(40)).astype(np.float32) * np.float32(2.0**-24)


def uniform(stream, shape, low, width):
    """low + width * unit, row-major; one f32 multiplication, then one f32 addition."""
    count = int(np.prod(shape, dtype=np.int64))
    return (unit(stream, count) * np.float32(width) + np.float32(low)).reshape(shape)


def coefficients(count):
    """The weights in [-1, 1) of the scalar whose gradient is taken."""
    return uniform(COEFFICIENTS, (count,), -1.0, 2.0)


def positions(size, count):
    """`count` positions in 0..size, drawn with repetition."""
    return (hashes(POSITIONS, count) % np.uint64(size)).astype(np.int64)


def projections(values):
    """64 sums of all values with signs: bit j of hash i is set where value i counts negatively in sum j."""
    flat = np.asarray(values, dtype=np.float64).reshape(-1)
    bits = hashes(SIGNS, flat.size)
    return np.array([np.where(bits >> np.uint64(j) & np.uint64(1), -flat, flat).sum() for j in range(64)])


def pixels(images, channels, height, width):
    """8-bit images [images, channels, height, width]: a random surface every 8 pixels, bilinear between, plus noise."""
    cell = 8
    grid_h, grid_w = height // cell + 2, width // cell + 2
    count = images * channels * grid_h * grid_w
    lattice = (hashes(LATTICE, count) >> np.uint64(56)).astype(np.int64).reshape(images, channels, grid_h, grid_w)
    y, x = np.arange(height)[:, None], np.arange(width)[None, :]
    gy, gx, fy, fx = y // cell, x // cell, y % cell, x % cell
    top = (cell - fx) * lattice[:, :, gy, gx] + fx * lattice[:, :, gy, gx + 1]
    bottom = (cell - fx) * lattice[:, :, gy + 1, gx] + fx * lattice[:, :, gy + 1, gx + 1]
    surface = ((cell - fy) * top + fy * bottom) // (cell * cell)
    noise = (hashes(NOISE, images * channels * height * width) >> np.uint64(59)).astype(np.int64) - 16
    return np.clip(surface + noise.reshape(surface.shape), 0, 255)


def raw_input(images, channels, height, width, multiply, add):
    """pixel * multiply[c] + add[c] in f32: what a model file takes, [images, channels, height, width]."""
    per_channel = lambda v: np.asarray(v, dtype=np.float32).reshape(1, channels, 1, 1)
    return pixels(images, channels, height, width).astype(np.float32) * per_channel(multiply) + per_channel(add)
