"""The functions against the command line, with arrays of every library, and on bad input."""

import json
import os
import warnings

import jax
import numpy as np
import pandas
import pytest
import torch

import disentangle


def test_decomposition_equals_that_of_the_command_line(posterior, command, tmp_path):
    np.savez(tmp_path / "p.npz", mean=posterior[0], log_variance=posterior[1])
    words = ("--samples", 300, "--seed", 7, "--batch-size", 32, "--format", "json")
    printed = json.loads(command("decompose", "--posterior", tmp_path / "p.npz", *words))
    result = disentangle.decompose(*posterior, samples=300, seed=7, batch_size=32)
    assert result.to_dict() == printed
    assert result.rate == printed["rate"] and result.mutual_information.value == printed["mutual_information"]["value"]
    assert result.total_correlation.standard_error == printed["total_correlation"]["standard_error"]
    assert result.marginal_kl.tolist() == printed["dimension_wise_kl"]["per_dimension"]
    parts = result.mutual_information.value + result.total_correlation.value + result.dimension_wise_kl.value
    assert abs(parts - result.rate) < 1e-9 * result.rate
    assert np.isclose(result.kl.sum(), result.rate, rtol=1e-12) and result.active_units == 4


def test_closed_form():
    """A latent of one Gaussian for all data points: the rate is the marginal KL alone."""
    mean, log_variance = np.full((50, 2), 0.5), np.full((50, 2), np.log(0.25))
    result = disentangle.decompose(mean, log_variance, samples=100)
    each = 0.5 * (0.25 + 0.25 - 1 - np.log(0.25))
    assert np.allclose(result.marginal_kl, each, rtol=1e-9) and np.isclose(result.rate, 2 * each, rtol=1e-9)
    # The densities of samples are of single precision.
    assert abs(result.mutual_information.value) < 1e-6 and abs(result.total_correlation.value) < 1e-6


def test_audit_equals_that_of_the_command_line(posterior, command, tmp_path):
    np.savez(tmp_path / "p.npz", mean=posterior[0], log_variance=posterior[1])
    words = ("--samples", 300, "--batch-size", 16, "--batch-size", 64, "--batches", 4, "--format", "json")
    printed = json.loads(command("audit", "--posterior", tmp_path / "p.npz", *words))
    result = disentangle.audit(*posterior, samples=300, batch_sizes=[16, 64], batches=4)
    assert result.to_dict() == printed
    assert {row["estimator"] for row in result.rows()} >= {"exact", "mws", "mss", "gaussian"}
    exact = disentangle.decompose(*posterior, samples=300)
    assert result.rows()[0]["TC(z)"] == exact.total_correlation.value


def test_evaluation_equals_that_of_the_command_line(coded, command, tmp_path):
    np.savez(tmp_path / "c.npz", codes=coded[0], factors=coded[1])
    words = ("--metrics", "mig,dci,sap", "--preset", "fast", "--seed", 3, "--set", "mig.bins=15", "--format", "json", "--parts")
    printed = json.loads(command("evaluate", "--codes", tmp_path / "c.npz", *words))
    result = disentangle.evaluate(*coded, metrics=["mig", "dci", "sap"], preset="fast", seed=3, settings={"mig.bins": 15})
    assert result.to_dict() == printed
    assert result["mig"].value == printed["metrics"]["mig"]["scores"]["mig"]["value"] > 0.1
    assert result["dci"].scores["completeness"].value == printed["metrics"]["dci"]["scores"]["completeness"]["value"]
    assert result["dci"].parts["importance"].shape == (3, 3)
    with pytest.raises(ValueError, match="several scores"):
        _ = result["dci"].value


def test_names_of_factors(coded):
    result = disentangle.evaluate(
        *coded, metrics=["mig"], factor_names=["shape", "size", "angle"], factor_kinds=["categorical", "ordered", "cyclic"])
    assert [factor["name"] for factor in result.raw["factors"]] == ["shape", "size", "angle"]


@pytest.mark.parametrize("convert", [
    torch.from_numpy, lambda x: torch.from_numpy(x).requires_grad_(), jax.numpy.asarray, np.ndarray.tolist,
    lambda x: np.asfortranarray(x)[::1], lambda x: type("Lent", (), {
        "__dlpack__": lambda self, **keys: x.__dlpack__(**keys), "__dlpack_device__": lambda self: x.__dlpack_device__()})(),
], ids=["torch", "gradient", "jax", "list", "fortran", "dlpack"])
def test_arrays_of_other_libraries(posterior, convert):
    # In double precision: a list says nothing else, and JAX rounds to single.
    expected = disentangle.decompose(*posterior, samples=50)
    assert disentangle.decompose(*map(convert, posterior), samples=50).rate == pytest.approx(expected.rate, rel=1e-6)


def test_half_precision(posterior):
    expected = disentangle.decompose(*posterior, samples=50).rate
    for kind in (torch.bfloat16, torch.float16):
        result = disentangle.decompose(*(torch.from_numpy(x).to(kind) for x in posterior), samples=50)
        assert result.rate == pytest.approx(expected, rel=1e-2)


BAD = {
    "nan": (lambda m, v: (np.where(np.arange(4) == 2, np.nan, m), v), disentangle.DisentangleError, r"mean\[0, 2\] is nan"),
    "shapes": (lambda m, v: (m, v[:10]), ValueError, r"mean has shape \(500, 4\), log_variance \(10, 4\)"),
    "vector": (lambda m, v: (m[0], v[0]), ValueError, r"mean has shape \(4,\), not \[data points, latents\]"),
    "empty": (lambda m, v: (m[:0], v[:0]), ValueError, r"mean has shape \(0, 4\)"),
    "text": (lambda m, v: (m.astype(str), v), TypeError, "mean holds <U32, not numbers"),
    "complex": (lambda m, v: (m, v + 1j), TypeError, "log_variance holds complex64, not numbers"),
    "objects": (lambda m, v: ([[1], [1, 2]], v), TypeError, "mean cannot be read as an array"),
    "elsewhere": (lambda m, v: (torch.empty(5, 4, device="meta"), v), TypeError, "mean cannot be read as an array"),
}


@pytest.mark.parametrize("change,kind,message", BAD.values(), ids=BAD.keys())
def test_bad_posteriors(posterior, change, kind, message):
    with pytest.raises(kind, match=message):
        disentangle.decompose(*change(*posterior), samples=50)


def test_bad_factors_and_settings(coded):
    codes, factors = coded
    for changed, message in [
        (factors[:5], "factors has 5 rows, codes has 600"), (factors - 3, "other values than whole numbers"),
        (factors + 0.5, "other values than whole numbers"), (np.full_like(factors, np.nan, dtype=float), "other values than"),
    ]:
        with pytest.raises(ValueError, match=message):
            disentangle.evaluate(codes, changed, metrics=["mig"])
    with pytest.raises(disentangle.DisentangleError, match="metrics names 'nonsense', which is no metric") as info:
        disentangle.evaluate(codes, factors, metrics=["nonsense"])
    assert "/proc/self" not in str(info.value) and not str(info.value).startswith("error:")
    with pytest.raises(disentangle.DisentangleError, match="--samples must be from 2"):
        disentangle.decompose(codes, codes, samples=1)
    with pytest.raises(ValueError, match="factor_names has 1 entries for 3 factors"):
        disentangle.evaluate(codes, factors, factor_names=["one"])


def test_shown(posterior, coded):
    result = disentangle.decompose(*posterior, samples=50)
    assert "TC(z)" in str(result) and "<svg" in result._repr_html_() and "<table>" in result._repr_html_()
    assert list(result.to_frame().columns) == ["quantity", "nats", "standard error"]
    assert set(result.scalars()) == {"rate", "mutual_information", "total_correlation", "dimension_wise_kl", "active_units"}
    scores = disentangle.evaluate(*coded, metrics=["mig"])
    assert isinstance(scores.to_frame(), pandas.DataFrame) and "mig" in str(scores) and "<td>mig</td>" in scores._repr_html_()
    assert str(disentangle.Estimate(1.0, 0.25)) == "1.0000 ± 0.2500" and float(disentangle.Estimate(2.0)) == 2


def test_warnings_of_the_program_are_warnings(tmp_path, posterior, monkeypatch):
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\necho 'warning: look here' >&2\nexec " + os.environ["DISENTANGLE_PROGRAM"] + ' "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("DISENTANGLE_PROGRAM", str(program))
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        disentangle.decompose(*posterior, samples=50)
    assert [str(warning.message) for warning in seen] == ["warning: look here"]


@pytest.mark.parametrize("body,message", [
    ("kill -9 $$", "decompose: the program was ended by SIGKILL"), ("exit 3", "decompose: the program ended with code 3"),
    ("echo 'error: cannot' >&2; exit 1", "^cannot$"),
])
def test_a_program_that_ends_badly(tmp_path, posterior, monkeypatch, body, message):
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o755)
    monkeypatch.setenv("DISENTANGLE_PROGRAM", str(program))
    with pytest.raises(disentangle.DisentangleError, match=message):
        disentangle.decompose(*posterior)


def test_no_program(posterior, monkeypatch):
    monkeypatch.setenv("DISENTANGLE_PROGRAM", "/nowhere")
    with pytest.raises(disentangle.DisentangleError, match="the program disentangle is missing"):
        disentangle.decompose(*posterior)


def test_version_is_that_of_the_program(command):
    assert command("--version").split()[1] == disentangle.__version__


def test_pairs():
    pairs = disentangle.sample_pairs([3, 1, 4, 5], 20_000, seed=1)
    first, second = (np.stack(np.unravel_index(points, (3, 1, 4, 5)), axis=1) for points in (pairs.first, pairs.second))
    assert np.array_equal(first != second, pairs.differs) and not pairs.differs[:, 1].any()
    numbers = pairs.differs.sum(axis=1)
    # One or two of the three factors with several values, each as often as the other: 5 standard errors.
    assert set(numbers) == {1, 2} and abs((numbers == 1).mean() - 0.5) < 5 * 0.5 / np.sqrt(20_000)
    assert np.abs(pairs.differs[:, [0, 2, 3]].mean(axis=0) - 0.5).max() < 5 * 0.5 / np.sqrt(20_000)
    assert np.bincount(pairs.first, minlength=60).min() > 0.7 * 20_000 / 60
    assert (disentangle.sample_pairs([3, 4], 50, differing=2).differs).all()
    again = disentangle.sample_pairs([3, 1, 4, 5], 20_000, seed=1)
    assert np.array_equal(again.second, pairs.second)
    for sizes, count, differing in [([], 1, None), ([1, 1], 1, None), ([2, 3], 0, None), ([2, 3], 1, 3), ([2, -1], 1, None)]:
        with pytest.raises(ValueError):
            disentangle.sample_pairs(sizes, count, differing=differing)


def test_dsprites(tmp_path):
    data = disentangle.dsprites(tmp_path / "dsprites.npz")
    assert len(data) == 737_280 == np.prod(data.sizes) and data.bits.shape == (737_280, 64, 8)
    with np.load(tmp_path / "dsprites.npz") as file:
        assert np.array_equal(file["packed_images"][::997], data.bits[::997])
        assert np.array_equal(file["factors"][::97], data.factors[::97])
        assert tuple(file["factor_names"].tolist()) == data.names
    # Area grows with the scale, and the sprite moves right with x and down with y.
    grid = np.arange(len(data)).reshape(data.sizes)
    areas = [int(data[index].sum()) for index in grid[0, :, 0, 16, 16]]
    assert areas == sorted(areas) and areas[0] > 0
    columns = [data[index].sum(axis=0) @ np.arange(64) / data[index].sum() for index in grid[1, 2, 5, :, 7]]
    rows = [data[index].sum(axis=1) @ np.arange(64) / data[index].sum() for index in grid[1, 2, 5, 3, :]]
    assert columns == sorted(columns) and rows == sorted(rows)
    np.savez(tmp_path / "small.npz", packed_images=np.zeros((3, 64, 8), np.uint8))
    with pytest.raises(ValueError, match="not those of dSprites"):
        disentangle.dsprites(tmp_path / "small.npz")
    np.savez(tmp_path / "other.npz", images=np.zeros(3))
    with pytest.raises(ValueError, match="there is no array packed_images"):
        disentangle.dsprites(tmp_path / "other.npz")
    assert data[grid[2, :2, 0, 0, 0]].shape == (2, 64, 64) and set(np.unique(data[0])) == {0, 1}
