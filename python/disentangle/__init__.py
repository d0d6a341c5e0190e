"""Disentangle: the exact decomposition of a VAE's rate, and the metrics of disentanglement.

    import disentangle
    decomposition = disentangle.decompose(mean, log_variance)   # of all data points, [N, D]
    decomposition.total_correlation                              # Estimate(value=…, standard_error=…), in nats

Arrays of NumPy, PyTorch, JAX and others are accepted. The work is done by the program `disentangle` in a process of its
own; its errors are raised as `DisentangleError`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from . import _arrays
from ._process import Array, DisentangleError, call, options, program
from ._results import Audit, Decomposition, Estimate, Evaluation, Metric, Score
from .data import DSprites, Pairs, dsprites, sample_pairs
from .runs import Report, Run, configurations, load_run, report

__version__ = "0.1.0"
__all__ = [
    "Audit", "DSprites", "Decomposition", "DisentangleError", "Estimate", "Evaluation", "Metric", "Pairs", "Report", "Run",
    "Score", "audit", "configurations", "decompose", "dsprites", "evaluate", "load_run", "program", "report", "sample_pairs"]


def _measure(command: str, mean: Any, log_variance: Any, words: list[str]) -> Any:
    arrays = {"mean": _arrays.matrix(mean, "mean"), "log_variance": _arrays.matrix(log_variance, "log_variance")}
    if arrays["mean"].shape != arrays["log_variance"].shape:
        raise ValueError(f"mean has shape {arrays['mean'].shape}, log_variance {arrays['log_variance'].shape}")
    fixed = [command, "--posterior", "{arrays}", "--format", "json", "--log-level", "warning"]
    return json.loads(call([*fixed, *words], arrays, title=command)[0])


def decompose(
    mean: Any, log_variance: Any, *, samples: int = 10_000, seed: int = 0, batch_size: int = 64, threads: int | None = None,
) -> Decomposition:
    """Decomposes the rate of Gaussian posteriors N(mean, diag exp(log_variance)) exactly.

    `mean` and `log_variance` are [N, D], of all data points: the aggregate posterior is over these. `samples` of it estimate
    the joint entropy; the marginals are integrated. `batch_size` is that of the minibatch estimates beside it.
    """
    words = options(samples=samples, seed=seed, batch_size=batch_size, threads=threads)
    return Decomposition.read(_measure("decompose", mean, log_variance, words))


def audit(
    mean: Any, log_variance: Any, *, batch_sizes: Sequence[int] = (64, 256, 1024), batches: int = 32, samples: int = 10_000,
    seed: int = 0, threads: int | None = None,
) -> Audit:
    """Compares minibatch estimates of I(x; z), TC(z) and dimension-wise KL with the exact values, as `decompose` has them."""
    sizes = [word for size in batch_sizes for word in options(batch_size=size)]
    words = sizes + options(batches=batches, samples=samples, seed=seed, threads=threads)
    return Audit(_measure("audit", mean, log_variance, words))


def evaluate(
    codes: Any, factors: Any, *, metrics: Sequence[str] | None = None, preset: str | None = None, seed: int = 0,
    settings: Mapping[str, Any] | None = None, log_variances: Any = None, factor_names: Sequence[str] | None = None,
    factor_kinds: Sequence[str] | None = None, threads: int | None = None,
) -> Evaluation:
    """Computes disentanglement metrics of codes [N, D] with factors [N, K], whole numbers from 0, −1 where unknown.

    `metrics` are names as `disentangle list metrics` has them, by default all but optional ones; `preset` is `dlib` (the
    default: sizes of disentanglement_lib), `fast` or `exact`; `settings` such as `{"mig.bins": 30}`. `factor_kinds` are
    `ordered`, `cyclic` or `categorical`.
    """
    arrays: dict[str, Array] = {"codes": _arrays.matrix(codes, "codes")}
    arrays["factors"] = _arrays.factor_table(factors, len(arrays["codes"]))
    if log_variances is not None:
        arrays["log_variances"] = _arrays.matrix(log_variances, "log_variances")
    for name, values in (("factor_names", factor_names), ("factor_kinds", factor_kinds)):
        if values is not None:
            if len(values) != arrays["factors"].shape[1]:
                raise ValueError(f"{name} has {len(values)} entries for {arrays['factors'].shape[1]} factors")
            arrays[name] = np.array([str(value) for value in values], dtype=np.str_)
    words = ["evaluate", "--codes", "{arrays}", "--format", "json", "--parts", "--log-level", "warning"]
    words += options(metrics=None if metrics is None else ",".join(metrics), preset=preset, seed=seed, threads=threads)
    # JSON is YAML: `true`, not `True`.
    changes = {key: value if isinstance(value, str) else json.dumps(value) for key, value in (settings or {}).items()}
    words += [word for key, value in changes.items() for word in ("--set", f"{key}={value}")]
    return Evaluation.read(json.loads(call(words, arrays, title="evaluate")[0]))
