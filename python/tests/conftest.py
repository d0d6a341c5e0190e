import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "python"))
os.environ.setdefault("DISENTANGLE_PROGRAM", str(ROOT / ".build" / "release" / "disentangle"))


@pytest.fixture(scope="session")
def command():
    """Runs the program from the command line."""

    def run(*words):
        result = subprocess.run([os.environ["DISENTANGLE_PROGRAM"], *map(str, words)], capture_output=True, text=True)
        assert result.returncode == 0, result.stderr
        return result.stdout

    return run


@pytest.fixture
def posterior():
    """Posteriors of 500 data points, [500, 4] each."""
    random = np.random.default_rng(1)
    return random.normal(size=(500, 4)).astype(np.float32), random.normal(-2, 0.3, size=(500, 4)).astype(np.float32)


@pytest.fixture
def coded():
    """Codes of a grid of factors, with some noise: [600, 3] each."""
    factors = np.stack(np.unravel_index(np.arange(600), (5, 6, 20)), axis=1)
    noise = np.random.default_rng(2).normal(0, 0.1, size=factors.shape)
    return (factors / [5, 6, 20] + noise).astype(np.float32), factors


@pytest.fixture(scope="session")
def trained(tmp_path_factory, command):
    """A run of a few steps on 32 images."""
    folder = tmp_path_factory.mktemp("run")
    images = (np.arange(32 * 64 * 64).reshape(32, 64, 64) // 4096 + 1) % 7 == 0
    images[:, 10:30, 20:40] = True
    factors = np.stack(np.unravel_index(np.arange(32), (4, 8)), axis=1)
    np.savez(folder / "data.npz", images=images, factors=factors)
    (folder / "config.yaml").write_text(
        f"dataset: {{name: file, path: {folder}/data.npz}}\nmodel: {{architecture: burgess, latents: 3}}\n"
        "objective: {name: beta-vae}\ntraining: {steps: 8, batch_size: 8, log_every: 2}\n"
        "report: {samples: 50, distortion_images: 8}\n")
    command("train", folder / "config.yaml", "--output", folder / "run", "--log-level", "warning")
    return folder / "run"
