"""Every function once, with nothing but NumPy; run by script/wheel-check in an empty environment, with the folder of a run.

    python smoke.py RUN
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

import disentangle

random = np.random.default_rng(0)
mean = random.normal(size=(1000, 5)).astype(np.float32)
result = disentangle.decompose(mean, mean * 0 - 2, samples=500)
assert abs(result.rate - float(result.kl.sum())) < 1e-9 * result.rate and result.total_correlation.value > 0
assert len(disentangle.audit(mean, mean * 0 - 2, samples=500, batches=2).rows()) > 6
factors = np.stack(np.unravel_index(np.arange(1000), (10, 10, 10)), axis=1)
scores = disentangle.evaluate(factors + 0.1 * mean[:, :3], factors, metrics=["mig", "dci"], preset="fast")
assert scores["mig"].value > 0.5 and "mig" in str(scores) and "<table>" in scores._repr_html_()
assert disentangle.sample_pairs([3, 4], 10).first.shape == (10,)
assert "quickstart" in disentangle.configurations()
run = disentangle.load_run(sys.argv[1])
codes = run.encode(rows="0:4")["codes"]
assert run.decode(codes).shape == (4, 64, 64, 1)
assert run.decompose(samples=100).rate > 0 and run.metrics
few = {"samples": 100, "pairwise_samples": 50, "audit_batches": 2, "likelihood_images": 0, "distortion_images": 64}
report = disentangle.report(run, open_page=False, **few)
assert report.contents["decomposition"]["rate"] > 0 and "<svg" in report.figure("decomposition")
# The font of figures is that of the package: text is drawn where the machine has no font.
picture = (report.path / "figures" / "decomposition.png").read_bytes()
assert picture.startswith(b"\x89PNG") and len(picture) > 5000
with tempfile.TemporaryDirectory() as folder:
    data = disentangle.dsprites(Path(folder) / "dsprites.npz")
    assert len(data) == 737_280 and data[0].sum() > 0
try:
    disentangle.decompose(mean * np.nan, mean)
except disentangle.DisentangleError as error:
    assert "nan" in str(error)
else:
    raise AssertionError("NaN is an error")
version = subprocess.run(["disentangle", "--version"], capture_output=True, text=True, check=True).stdout
print(f"Python {sys.version.split()[0]}, NumPy {np.__version__}: {version.strip()}")
