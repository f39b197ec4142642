"""Warps, filters and shades as PyTorch, NumPy and Python's colorsys compute them, for the tests of the triggers.

    python oracle/triggers.py crates/gifthorse-attack/tests/golden
"""

import colorsys
import json
import math
import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F


def numbers(array):
    return [float(f"{value:.7g}") for value in np.asarray(array, dtype=np.float32).ravel()]


def warp(shape, grid, strength, rescale, seed):
    """The grid and the warped image of WaNet, with bicubic enlargement and bilinear sampling by PyTorch."""
    generator = torch.Generator().manual_seed(seed)
    _, height, width = shape
    displacements = torch.rand(1, 2, grid, grid, generator=generator) * 2 - 1
    image = torch.rand(1, *shape, generator=generator)
    even = displacements / displacements.abs().mean()
    field = F.interpolate(even, size=(height, width), mode="bicubic", align_corners=True).permute(0, 2, 3, 1)
    y, x = torch.meshgrid(torch.linspace(-1, 1, height), torch.linspace(-1, 1, width), indexing="ij")
    still = torch.stack((x, y), 2)[None]
    points = torch.clamp((still + strength * field / height) * rescale, -1, 1)
    warped = F.grid_sample(image, points, mode="bilinear", padding_mode="zeros", align_corners=True)
    return {
        "shape": shape,
        "grid": grid,
        "strength": strength,
        "rescale": rescale,
        "displacements": numbers(displacements),
        "image": numbers(image),
        "x": numbers(points[..., 0]),
        "y": numbers(points[..., 1]),
        "warped": numbers(warped),
    }


def toned(pixel):
    """Lightness by 1.2 and saturation by 0.1 in HLS, then a fifth of #222b6d."""
    hue, lightness, saturation = colorsys.rgb_to_hls(*pixel)
    lightness, saturation = 1.2 * lightness, 0.1 * saturation
    if lightness <= 1:
        pixel = colorsys.hls_to_rgb(hue, lightness, saturation)
    else:
        # colorsys takes only lightness up to 1; beyond, the chroma 1 - |2 L - 1| shrinks further, and all is held at 1.
        chroma = saturation * (1 - abs(2 * lightness - 1))
        part = colorsys.hsv_to_rgb(hue, 1, 1)
        pixel = [lightness + chroma * (value - 0.5) for value in part]
    pixel = np.clip(pixel, 0, 1)
    return 0.8 * pixel + 0.2 * np.array([0x22, 0x2B, 0x6D]) / 255


def acoomans(pixel):
    pixel = toned(pixel) ** 2
    for _ in range(2):
        hue, saturation, value = colorsys.rgb_to_hsv(*pixel)
        value += 0.5 * (0.5 * (math.sin(math.pi * (value - 0.5)) + 1) - value)
        pixel = colorsys.hsv_to_rgb(hue, saturation, min(max(value, 0), 1))
    return pixel


def trojai(pixel):
    pixel = toned(pixel) ** (1 / 0.9)
    for _ in range(2):
        # ImageMagick's sigmoidal contrast of strength 3, by the hyperbolic tangent.
        curve = lambda value: np.tanh(1.5 * (value - 0.5))
        pixel = (curve(pixel) - curve(0.0)) / (curve(1.0) - curve(0.0))
    return pixel


def squeezed(image, bits, dither):
    """Each plane in 2^bits whole shades, with Floyd and Steinberg's error diffusion or without."""
    shades = np.floor(np.linspace(0, 255, 2**bits) + 0.5)
    image = image.astype(np.float64)
    channels, height, width = image.shape
    for y in range(height):
        for x in range(width):
            old = image[:, y, x].copy()
            step = np.floor(old / 255 * (len(shades) - 1) + 0.5)
            new = shades[np.clip(step, 0, len(shades) - 1).astype(int)]
            image[:, y, x] = new
            if not dither:
                continue
            for dy, dx, share in ((0, 1, 7), (1, -1, 3), (1, 0, 5), (1, 1, 1)):
                if 0 <= x + dx < width and y + dy < height:
                    image[:, y + dy, x + dx] += (old - new) * share / 16
    return image


def shades(shape, bits, dither, seed):
    # Smooth, as photographs are: noise would hide what becomes of errors.
    y, x = np.mgrid[0 : shape[1], 0 : shape[2]]
    waves = np.random.default_rng(seed).random((shape[0], 4))
    image = [127.5 + 127.5 * np.sin(a * y / 2 + b * x / 3 + 6 * c) * (0.5 + d / 2) for a, b, c, d in waves]
    image = np.round(np.array(image)).astype(int)
    return {
        "shape": shape,
        "bits": bits,
        "dither": dither,
        "image": image.ravel().tolist(),
        "squeezed": squeezed(image, bits, dither).astype(int).ravel().tolist(),
    }


def main():
    folder = Path(sys.argv[1])
    warps = [
        warp([3, 9, 9], 4, 0.5, 1.0, 1),
        warp([1, 8, 11], 4, 2.0, 0.95, 2),
        warp([1, 7, 6], 3, 1.0, 1.1, 3),
    ]
    (folder / "wanet.json").write_text(json.dumps(warps) + "\n")
    corners = [[r, g, b] for r in (0.0, 1.0) for g in (0.0, 1.0) for b in (0.0, 1.0)]
    others = np.random.default_rng(1).random((64, 3)).astype(np.float32).tolist()
    pixels = [numbers(pixel) for pixel in corners + others]
    gotham = {
        "pixels": pixels,
        "acoomans": [numbers(acoomans(pixel)) for pixel in pixels],
        "trojai": [numbers(trojai(pixel)) for pixel in pixels],
    }
    (folder / "gotham.json").write_text(json.dumps(gotham) + "\n")
    bpp = [
        shades(shape, bits, dither, bits)
        for shape, bits in (([3, 9, 10], 1), ([1, 11, 8], 3), ([3, 8, 8], 5))
        for dither in (True, False)
    ]
    (folder / "bpp.json").write_text(json.dumps(bpp) + "\n")


if __name__ == "__main__":
    main()
