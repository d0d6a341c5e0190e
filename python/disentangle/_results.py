"""Results of measurements. All information is in nats."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ._process import Array


@dataclass(frozen=True)
class Estimate:
    """A value with its standard error, which is None where it is not known."""

    value: float
    standard_error: float | None = None

    def __float__(self) -> float:
        return self.value

    def __str__(self) -> str:
        return f"{self.value:.4f}" + ("" if self.standard_error is None else f" ± {_text(self.standard_error)}")


@dataclass(frozen=True)
class Score(Estimate):
    """A score of a metric. `repeats` says of how few values the standard error is, `undefined` why the value is NaN."""

    repeats: int | None = None
    unit: str | None = None
    undefined: str | None = None


@dataclass(frozen=True)
class Result:
    """What all results have: the program's numbers, and themselves as text, as a table and in notebooks."""

    raw: Mapping[str, Any] = field(repr=False)
    """All numbers, as the program prints them as JSON."""

    def to_dict(self) -> dict[str, Any]:
        """A copy of all numbers."""
        return json.loads(json.dumps(self.raw))  # type: ignore[no-any-return]

    def rows(self) -> list[dict[str, Any]]:
        """The rows of the table."""
        raise NotImplementedError

    def to_frame(self) -> Any:
        """The rows as a pandas.DataFrame."""
        import pandas

        return pandas.DataFrame(self.rows())

    def _table(self) -> list[list[str]]:
        rows = self.rows()
        return [list(rows[0]) if rows else [], *([_text(value) for value in row.values()] for row in rows)]

    def __str__(self) -> str:
        table = self._table()
        widths = [max(map(len, column)) for column in zip(*table)]
        return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in table)

    def _repr_html_(self) -> str:
        head, *body = (
            "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in line)
            for tag, line in zip(["th"] + ["td"] * len(self.rows()), self._table()))
        return f"<table><thead><tr>{head}</tr></thead><tbody><tr>{'</tr><tr>'.join(body)}</tr></tbody></table>"


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4f}" if value == 0 or 1e-4 <= abs(value) < 1e6 else f"{value:.3g}"
    return "" if value is None else str(value)


def _estimate(value: Mapping[str, Any]) -> Estimate:
    return Estimate(value["value"], value.get("standard_error"))


@dataclass(frozen=True)
class Decomposition(Result):
    """E KL(q(z|x) ‖ p(z)) = I(x; z) + TC(z) + Σ_d KL(q(z_d) ‖ p(z_d)), over all data points (Hoffman & Johnson 2016; Chen et
    al. 2018, arXiv:1802.04942, Eq. 2).
    """

    rate: float
    """E KL(q(z|x) ‖ p(z)), in closed form."""
    mutual_information: Estimate
    """I(x; z), the index-code mutual information."""
    total_correlation: Estimate
    """TC(z) = KL(q(z) ‖ Π_d q(z_d))."""
    dimension_wise_kl: Estimate
    """Σ_d KL(q(z_d) ‖ p(z_d))."""
    kl: Array
    """E KL(q(z_d|x) ‖ p(z_d)) of each latent, [D]."""
    marginal_kl: Array
    """KL(q(z_d) ‖ p(z_d)) of each latent, [D]."""
    mean_variances: Array
    """Var(μ_d) of each latent, [D]."""
    active_units: int
    """Latents with Var(μ_d) ≥ 0.01 (Burda et al. 2016, arXiv:1509.00519)."""
    warnings: tuple[str, ...]
    """What a reader should know before trusting the numbers."""

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> Decomposition:
        """From the program's JSON."""
        names = ("mutual_information", "total_correlation", "dimension_wise_kl")
        information, correlation, marginal = (_estimate(raw[name]) for name in names)
        latents = (raw["kl_per_dimension"], raw["dimension_wise_kl"]["per_dimension"], raw["mean_variances"])
        kl, marginal_kl, variances = (np.array(values, float) for values in latents)
        return cls(
            raw, raw["rate"], information, correlation, marginal, kl, marginal_kl, variances, raw["active_units"],
            tuple(raw["warnings"]))

    def scalars(self) -> dict[str, float]:
        """The numbers that a logger of training takes."""
        terms = ("rate", "mutual_information", "total_correlation", "dimension_wise_kl", "active_units")
        return {name: float(getattr(self, name)) for name in terms}

    def _parts(self) -> list[tuple[str, Estimate, str]]:
        return [
            ("I(x; z)", self.mutual_information, "#0072B2"), ("TC(z)", self.total_correlation, "#E69F00"),
            ("dimension-wise KL", self.dimension_wise_kl, "#009E73")]

    def rows(self) -> list[dict[str, Any]]:
        parts = [("rate", Estimate(self.rate)), *((f"  {name}", estimate) for name, estimate, _ in self._parts())]
        return [{"quantity": name, "nats": part.value, "standard error": part.standard_error} for name, part in parts]

    def figure(self) -> str:
        """The three parts of the rate as a bar, an SVG."""
        scale = 480 / max(sum(max(part.value, 0.0) for _, part, _ in self._parts()), 1e-12)
        marks, left = "", 0.0
        for index, (name, part, colour) in enumerate(self._parts()):
            width, place = max(part.value, 0.0) * scale, index * 150
            marks += (
                f'<rect x="{left:.2f}" y="2" width="{width:.2f}" height="22" fill="{colour}"/>'
                f'<rect x="{place}" y="32" width="10" height="10" fill="{colour}"/>'
                f'<text x="{place + 15}" y="41">{name} {part.value:.4f}</text>')
            left += width
        return (
            '<svg xmlns="http://www.w3.org/2000/svg" width="500" height="48" font-family="sans-serif" font-size="12" '
            f'role="img" aria-label="the rate and its parts">{marks}</svg>')

    def _repr_html_(self) -> str:
        notes = "".join(f"<p>{html.escape(warning)}</p>" for warning in self.warnings)
        return self.figure() + super()._repr_html_() + notes


@dataclass(frozen=True)
class Audit(Result):
    """Minibatch estimators of the three terms beside the exact values: mean over batches, standard deviation from batch to
    batch, and bias.
    """

    def rows(self) -> list[dict[str, Any]]:
        terms = (("mutual_information", "I(x; z)"), ("total_correlation", "TC(z)"), ("dimension_wise_kl", "dwKL"))
        columns = (("mean", ""), ("standard_deviation", " s.d."), ("bias", " bias"))
        return [
            {"estimator": row["estimator"], "batch": row["batch_size"], **{
                title + suffix: (row.get(term) or {}).get(key) for term, title in terms for key, suffix in columns}}
            for row in self.raw["rows"]]


@dataclass(frozen=True)
class Metric:
    """A metric: its scores, the values behind them, its settings and notes."""

    scores: Mapping[str, Score]
    parts: Mapping[str, Array]
    settings: Mapping[str, Any]
    notes: tuple[str, ...]

    @property
    def value(self) -> float:
        """Its score, if it has only one."""
        if len(self.scores) != 1:
            raise ValueError(f"there are several scores: {', '.join(self.scores)}")
        return next(iter(self.scores.values())).value


@dataclass(frozen=True)
class Evaluation(Result):
    """Scores of disentanglement metrics: `evaluation["mig"].value`, `evaluation["dci"].scores["completeness"]`."""

    metrics: Mapping[str, Metric]

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> Evaluation:
        """From the program's JSON."""
        return cls(raw, {name: _metric(value) for name, value in raw["metrics"].items()})

    def __getitem__(self, name: str) -> Metric:
        return self.metrics[name]

    def rows(self) -> list[dict[str, Any]]:
        return [
            {"metric": name, "score": title, "value": score.undefined or score.value, "standard error": score.standard_error}
            for name, metric in self.metrics.items() for title, score in metric.scores.items()]


def _metric(raw: Mapping[str, Any]) -> Metric:
    names = ("standard_error", "repeats", "unit", "undefined")
    # None becomes NaN.
    scores = {name: Score(float(np.float64(x["value"])), *(x.get(key) for key in names)) for name, x in raw["scores"].items()}
    parts = {name: np.array(part["values"], float).reshape(part["shape"]) for name, part in raw.get("parts", {}).items()}
    return Metric(scores, parts, raw.get("settings", {}), tuple(raw.get("notes", ())))
