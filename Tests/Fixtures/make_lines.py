"""Writes drawn-lines.json: what OpenCV draws for the sampling rule `line` (opencv-python-headless 4.10 and 5.0 agree).

Rows of [n1, n2, strength, sum of the picture, sum of pixel * (7 * position mod 101)].
"""

import json
import math
import pathlib

import cv2
import numpy as np

SIZES = [
    (2, 2), (2, 9), (3, 3), (3, 32), (5, 4), (6, 40), (7, 7), (7, 100), (8, 8), (8, 3), (9, 31), (11, 10), (12, 12),
    (16, 16), (17, 23), (20, 100), (24, 24), (25, 8), (33, 31), (40, 40), (48, 64), (64, 64), (100, 20), (64, 129),
]
STRENGTHS = (0.04, 0.1, 0.2, 0.25, 0.4, 0.5, 0.7, 0.95)


def picture(n1, n2, strength):
    smaller = min(n1, n2)
    image = np.zeros((n1, n2), np.uint8)
    cv2.line(image, (0, 0), (n2, n1), 255, math.ceil(strength * smaller))
    kernel = smaller // 4 | 1
    return cv2.GaussianBlur(image, (kernel, kernel), 0) if kernel > 1 else image


rows = []
for n1, n2 in SIZES:
    for strength in STRENGTHS:
        pixels = picture(n1, n2, strength).astype(int).ravel()
        marks = np.arange(pixels.size) * 7 % 101
        rows.append([n1, n2, strength, int(pixels.sum()), int((pixels * marks).sum())])
path = pathlib.Path(__file__).with_name("drawn-lines.json")
path.write_text("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n")
