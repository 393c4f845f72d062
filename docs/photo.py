#!/usr/bin/env python3
"""Paints a picture like a photo, a sounder of wild hogs on a meadow, and seeds to cut them out with.

usage: docs/photo.py FOLDER      writes FOLDER/hogs.png and FOLDER/seeds.png
"""
import math
import os
import random
import struct
import sys
import zlib

WIDTH, HEIGHT = 320, 190
HORIZON = 78
# Where a hog stands, and its size; larger is nearer.
HOGS = [(118, 120, 1.0), (236, 108, 0.62), (272, 152, 0.5)]
# Parts of a hog that looks to the left, as ellipses: centre, half axes and tilt in degrees.
PARTS = [(0, 0, 46, 25, 0), (-18, -6, 30, 27, 0), (-47, 4, 22, 16, 25), (-66, 13, 12, 8, 25), (-38, -14, 8, 11, -30),
         (-24, 26, 7, 22, 0), (-10, 27, 6, 20, 0), (22, 25, 8, 22, 0), (34, 24, 6, 20, 0)]


def write_png(path, pixels):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + bytes(byte for pixel in row for byte in pixel) for row in pixels)
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0)
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b""))


def noise(source, cell):
    """Smooth noise between -1 and 1: random values on a lattice, and what lies between them."""
    columns = WIDTH // cell + 2
    lattice = [[source.uniform(-1, 1) for _ in range(columns)] for _ in range(HEIGHT // cell + 2)]

    def at(x, y):
        i, j, u, v = int(x // cell), int(y // cell), x % cell / cell, y % cell / cell
        top = lattice[j][i] * (1 - u) + lattice[j][i + 1] * u
        return top * (1 - v) + (lattice[j + 1][i] * (1 - u) + lattice[j + 1][i + 1] * u) * v

    return at


def inside(x, y, part):
    centre_x, centre_y, wide, high, tilt = part
    c, s = math.cos(math.radians(tilt)), math.sin(math.radians(tilt))
    dx, dy = x - centre_x, y - centre_y
    return ((c * dx + s * dy) / wide) ** 2 + ((c * dy - s * dx) / high) ** 2 <= 1


def hog_at(x, y):
    """The height in its body, from -1 on its back to 1 at its feet, of the hog that is seen there, if any."""
    for hog_x, hog_y, size in HOGS:
        u, v = (x - hog_x) / size, (y - hog_y) / size
        if any(inside(u, v, part) for part in PARTS):
            return max(-1, min(1, v / 45))
    return None


def colour_at(x, y, coarse, fine):
    """Of the sky, the wood at the horizon, the grass or a hog."""
    height = hog_at(x, y)
    if height is not None:
        light = 1 - 0.35 * height + 0.18 * coarse(x, y) + 0.22 * fine(2 * x % WIDTH, y)
        return [light * c for c in (92, 68, 50)]
    wood = HORIZON - 14 - 7 * coarse(x, HORIZON)
    if y < wood:
        light = 1 - 0.25 * (1 - y / HORIZON) + 0.05 * coarse(x, y)
        return [light * c for c in (196, 214, 232)]
    if y < HORIZON:
        light = 1 + 0.3 * fine(x, y)
        return [light * c for c in (52, 84, 58)]
    light = 0.75 + 0.35 * (y - HORIZON) / (HEIGHT - HORIZON) + 0.12 * coarse(x, y) + 0.14 * fine(x, y)
    return [light * c for c in (126, 158, 74)]


def paint(source):
    coarse, fine = noise(source, 20), noise(source, 3)
    clamp = lambda value: max(0, min(255, round(value)))
    return [[[clamp(c) for c in colour_at(x, y, coarse, fine)] for x in range(WIDTH)] for y in range(HEIGHT)]


def seeds():
    """What one marks with a brush: white along the bodies, blue on what is around them, black elsewhere."""
    pixels = [[[0, 0, 0] for _ in range(WIDTH)] for _ in range(HEIGHT)]

    def stroke(x0, y0, x1, y1, colour):
        for i in range(201):
            x, y = x0 + (x1 - x0) * i / 200, y0 + (y1 - y0) * i / 200
            for dx in range(-2, 3):
                for dy in range(-2, 3):
                    pixels[round(y) + dy][round(x) + dx] = colour

    for x, y, size in HOGS:
        stroke(x - 50 * size, y + 4 * size, x + 34 * size, y, [255, 255, 255])
    stroke(6, 20, 312, 20, [0, 0, 255])
    stroke(6, 72, 180, 72, [0, 0, 255])
    stroke(6, 182, 312, 182, [0, 0, 255])
    stroke(186, 96, 186, 180, [0, 0, 255])
    return pixels


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    write_png(os.path.join(sys.argv[1], "hogs.png"), paint(random.Random(1)))
    write_png(os.path.join(sys.argv[1], "seeds.png"), seeds())


if __name__ == "__main__":
    main()
