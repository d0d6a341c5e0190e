"""Runs, reports, and training loops of PyTorch and Lightning."""

import json
import os
import subprocess
import sys

import lightning
import nbformat
import numpy as np
import pytest
import torch
from lightning.pytorch.loggers import CSVLogger
from nbconvert.preprocessors import ExecutePreprocessor
from torch.utils.tensorboard import SummaryWriter

import disentangle
from conftest import ROOT
from disentangle.torch import RateDecomposition, posterior


def test_run(trained, command):
    run = disentangle.load_run(trained)
    assert "beta-vae" in run.configuration and [line["step"] for line in run.metrics if "step" in line][-1] == 8
    printed = json.loads(command("decompose", trained, "--format", "json", "--samples", 40))
    assert run.decompose(samples=40).to_dict() == printed
    assert run.evaluate(["mig"], preset="fast")["mig"].value == json.loads(
        command("evaluate", trained, "--format", "json", "--metrics", "mig", "--preset", "fast")
    )["metrics"]["mig"]["scores"]["mig"]["value"]
    mean, log_variance = run.posteriors()
    assert mean.shape == log_variance.shape == (32, 3)
    assert disentangle.decompose(mean, log_variance, samples=40).rate == pytest.approx(printed["rate"], rel=1e-6)
    part = run.encode(rows="3:5")
    assert part["index"].tolist() == [3, 4] and np.array_equal(part["codes"], mean[3:5])
    images = np.zeros((2, 64, 64), np.uint8)
    images[:, 20:40, 10:30] = 255
    assert run.encode(images)["codes"].shape == (2, 3)
    decoded = run.decode(mean[:4])
    assert decoded.shape == (4, 64, 64, 1) and decoded.min() >= 0 and decoded.max() <= 1
    with pytest.raises(disentangle.DisentangleError, match="decode"):
        run.decode(np.zeros((2, 7)))
    with pytest.raises(disentangle.DisentangleError, match="there is no run"):
        disentangle.load_run(trained.parent / "nothing")


def test_report(trained, monkeypatch, capsys):
    opened = []
    monkeypatch.setattr("webbrowser.open", lambda address: opened.append(address) or True)
    report = disentangle.report(trained)
    assert opened == [(trained / "report" / "index.html").as_uri()]
    assert report.contents["decomposition"]["rate"] > 0
    assert report.figure("decomposition").startswith("<?xml") or "<svg" in report.figure("decomposition")
    assert "<svg" in report._repr_html_() and "<iframe" in report.explorer()._repr_html_()
    assert "report" in capsys.readouterr().err
    with pytest.raises(KeyError, match="there is no figure nothing; there are "):
        report.figure("nothing")


class VAE(torch.nn.Module):
    """A plain VAE of 64 pixels."""

    def __init__(self):
        super().__init__()
        self.encoder = torch.nn.Linear(64, 6)
        self.decoder = torch.nn.Sequential(torch.nn.Linear(3, 32), torch.nn.ReLU(), torch.nn.Linear(32, 64))

    def encode(self, images):
        return self.encoder(images).chunk(2, dim=-1)

    def loss(self, images):
        mean, log_variance = self.encode(images)
        codes = mean + (log_variance / 2).exp() * torch.randn_like(mean)
        kl = 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).sum(-1)
        return (((self.decoder(codes) - images) ** 2).sum(-1) / 2 + kl).mean()


@pytest.fixture
def images():
    torch.manual_seed(0)
    return torch.rand(200, 64)


def test_plain_training_loop(images, tmp_path):
    model = VAE()
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(images), batch_size=50)
    seen = []
    measure = RateDecomposition(loader, every=10, samples=100, log=lambda values, step: seen.append((step, values)))
    writer = SummaryWriter(tmp_path)
    shown = RateDecomposition(loader, every=20, samples=100, log=writer)
    for step in range(1, 31):
        optimizer.zero_grad()
        model.loss(images[torch.randint(200, (32,))]).backward()
        optimizer.step()
        result = measure(model, step)
        shown(model, step)
        assert (result is not None) == (step % 10 == 0)
        # A step is measured once, and the model is left as it was.
        assert measure(model, step) is None and model.training
    assert [step for step, _ in seen] == [10, 20, 30] == [step for step, _ in measure.history]
    with torch.no_grad():
        mean, log_variance = model.encode(images)
    exact = disentangle.decompose(mean, log_variance, samples=100)
    assert seen[-1][1]["rate_decomposition/rate"] == exact.rate
    assert seen[-1][1]["rate_decomposition/total_correlation"] == exact.total_correlation.value
    writer.close()
    assert any(path.name.startswith("events") for path in tmp_path.iterdir())
    with pytest.raises(ValueError, match="not at least 1"):
        RateDecomposition(loader, every=0)
    with pytest.raises(ValueError, match="no batches"):
        posterior(model, [])


def test_random_numbers_of_training_are_left(images):
    model, loader = VAE(), torch.utils.data.DataLoader(images, batch_size=100)
    state = torch.get_rng_state()
    posterior(model, [images])
    assert torch.equal(torch.get_rng_state(), state)
    assert posterior(model, loader)[0].shape == (200, 3)


def test_distributions(images):
    model = VAE()

    def encode(model, batch):
        mean, log_variance = model.encode(batch)
        return torch.distributions.Independent(torch.distributions.Normal(mean, (log_variance / 2).exp()), 1)

    for ours, theirs in zip(posterior(model, [images], encode), posterior(model, [images])):
        assert np.allclose(ours, theirs, rtol=1e-5, atol=1e-6)


class Module(lightning.LightningModule, VAE):
    def training_step(self, batch, _):
        return self.loss(batch[0])

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), 1e-2)


def test_lightning(images, tmp_path):
    data = torch.utils.data.TensorDataset(images)
    loader = torch.utils.data.DataLoader(data, batch_size=50)
    callback = RateDecomposition(loader, every=6, samples=100)
    trainer = lightning.Trainer(
        max_epochs=3, callbacks=[callback], logger=CSVLogger(tmp_path), enable_progress_bar=False,
        enable_model_summary=False, accelerator="cpu", log_every_n_steps=1)
    module = Module()
    trainer.fit(module, torch.utils.data.DataLoader(data, batch_size=50, shuffle=True))
    assert [step for step, _ in callback.history] == [6, 12]
    table = next(tmp_path.rglob("metrics.csv")).read_text().splitlines()
    column = table[0].split(",").index("rate_decomposition/total_correlation")
    values = [line.split(",")[column] for line in table[1:] if line.split(",")[column]]
    assert [float(value) for value in values] == pytest.approx(
        [result.total_correlation.value for _, result in callback.history])
    final = disentangle.decompose(*posterior(module, loader), samples=100)
    assert callback.history[-1][1].rate == final.rate


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    """The environment of an example, with a folder of caches of its own."""
    folder = tmp_path_factory.mktemp("cache")
    return {**os.environ, "XDG_CACHE_HOME": str(folder), "PYTHONPATH": os.pathsep.join(sys.path)}


def example(name, cache, folder, *words):
    """Runs an example as its user would."""
    path = ROOT / "python" / "examples" / name
    result = subprocess.run(
        [sys.executable, str(path), *words], capture_output=True, text=True, env=cache, cwd=folder)
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_example_of_pytorch(cache, tmp_path):
    output = example("pytorch_vae.py", cache, tmp_path, "--steps", "40", "--every", "20", "--thinning", "500")
    assert [line.split(":")[0] for line in output.splitlines() if line.startswith("step")] == ["step 20", "step 40"]
    assert "TC " in output and "informativeness_test" in output


def test_example_of_lightning(cache, tmp_path):
    example("lightning_vae.py", cache, tmp_path, "--steps", "40", "--every", "20", "--thinning", "500")
    table = next(tmp_path.rglob("metrics.csv")).read_text()
    assert "rate_decomposition/total_correlation" in table.splitlines()[0]


def test_weights_and_biases_and_functions(images):
    """Loggers are told apart by what they can do."""
    calls = []

    class Run:
        def log(self, values, step):
            calls.append((step, len(values)))

    measure = RateDecomposition([images], every=1, samples=50, log=Run())
    measure(VAE(), 1)
    assert calls == [(1, 5)]


def test_in_a_notebook(trained, tmp_path):
    """Results are shown as figures and tables, the explorer in a frame."""
    cells = [
        f"import sys\nsys.path.insert(0, {str(ROOT / 'python')!r})\n"
        f"import disentangle\nrun = disentangle.load_run({str(trained)!r})\nrun.decompose(samples=50)",
        "report = run.report()\nreport", "report.explorer()", "run.evaluate(['mig'], preset='fast')"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    ExecutePreprocessor(timeout=300).preprocess(notebook, {"metadata": {"path": str(tmp_path)}})
    shown = ["".join(output.get("data", {}).get("text/html", "") for output in cell.outputs) for cell in notebook.cells]
    assert "<svg" in shown[0] and "<table>" in shown[0] and "<svg" in shown[1] and "<iframe" in shown[2] and "mig" in shown[3]


def test_every_name_is_documented():
    page = (ROOT / "Sources/CommandLine/Documentation.docc/Python.md").read_text()
    missing = [name for name in disentangle.__all__ if f"`{name}" not in page]
    assert not missing, missing
