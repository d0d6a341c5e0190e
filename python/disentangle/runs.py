"""Runs that the program trained, and their reports."""

from __future__ import annotations

import html
import json
import os
import webbrowser
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Callable

from . import _arrays
from ._process import Array, DisentangleError, Progress, call, options
from ._results import Decomposition, Evaluation

_QUIET = ["--log-level", "warning"]


class Run:
    """The folder of a run of `disentangle train`."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        if not (self.path / "config.yaml").is_file():
            raise DisentangleError(f"{path}: there is no run; expected a folder that disentangle train made")

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r})"

    @property
    def configuration(self) -> str:
        """The configuration with every default, YAML."""
        return (self.path / "config.yaml").read_text(encoding="utf-8")

    @property
    def metrics(self) -> list[dict[str, Any]]:
        """What was logged in training, a dictionary for each line of metrics.jsonl."""
        path = self.path / "metrics.jsonl"
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []

    def decompose(self, **choices: Any) -> Decomposition:
        """The exact decomposition of its rate; options as those of `disentangle decompose`."""
        return Decomposition.read(self._json("decompose", options(**choices)))

    def evaluate(self, metrics: Sequence[str] | None = None, preset: str | None = None, **choices: Any) -> Evaluation:
        """Disentanglement metrics of its codes; options as those of `disentangle evaluate`."""
        names = None if metrics is None else ",".join(metrics)
        return Evaluation.read(self._json("evaluate", ["--parts", *options(metrics=names, preset=preset, **choices)]))

    def encode(self, images: Any = None, *, rows: str | None = None) -> dict[str, Array]:
        """Codes of images [N, H, W(, C)], or of those of its data set: codes and log_variances [N, D], mean_kl [D], and the
        factors where these are known. `rows` is a part of them, `start:stop:step`.
        """
        arrays = None if images is None else {"images": _arrays.array(images, "images")}
        words = options(images=None if arrays is None else "{arrays}", rows=rows, output="{output}")
        return call(["encode", str(self.path), *words, *_QUIET], arrays, title="encode", output=True)[1]

    def posteriors(self) -> tuple[Array, Array]:
        """Means and log-variances of q(z|x) of all images, [N, D] each."""
        arrays = self.encode()
        return arrays["codes"], arrays["log_variances"]

    def decode(self, codes: Any) -> Array:
        """The means of p(x|z) of codes [N, D], float32 [N, H, W, C]."""
        words = ["decode", str(self.path), "--codes", "{arrays}", "--output", "{output}", *_QUIET]
        return call(words, {"codes": _arrays.matrix(codes, "codes")}, title="decode", output=True)[1]["images"]

    def report(self, *, metrics: str | None = None, progress: bool = True, **choices: Any) -> Report:
        """Writes its report; options as those of `disentangle report`, `metrics` is a preset of metrics to have in it. A bar
        shows the progress where tqdm is there.
        """
        show, close = _bar("report") if progress else (None, lambda: None)
        try:
            call(["report", str(self.path), *options(metrics=metrics, **choices)], title="report", progress=show)
        finally:
            close()
        return Report(self.path / "report")

    def _json(self, command: str, words: list[str]) -> Any:
        return json.loads(call([command, str(self.path), "--format", "json", *_QUIET, *words], title=command)[0])


class Report:
    """A report that was written: index.html, report.json, explorer.html and figures."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def contents(self) -> dict[str, Any]:
        """All numbers: report.json."""
        return json.loads((self.path / "report.json").read_text(encoding="utf-8"))  # type: ignore[no-any-return]

    def figure(self, name: str) -> str:
        """A figure as SVG."""
        files = {path.stem: path for path in sorted((self.path / "figures").glob("*.svg"))}
        if name not in files:
            raise KeyError(f"there is no figure {name}; there are {', '.join(files)}")
        return files[name].read_text(encoding="utf-8")

    def explorer(self, height: int = 620) -> Frame:
        """The latent explorer, in a frame for notebooks."""
        return Frame(self.path / "explorer.html", height)

    def open(self) -> bool:
        """Opens the page in a browser."""
        return webbrowser.open((self.path / "index.html").resolve().as_uri())

    def _repr_html_(self) -> str:
        return self.figure("decomposition") + f"<p>{html.escape(str(self.path / 'index.html'))}</p>"


class Frame:
    """A page in a frame of a notebook."""

    def __init__(self, path: Path, height: int) -> None:
        self.page, self.height = path.read_text(encoding="utf-8"), height

    def _repr_html_(self) -> str:
        return f'<iframe srcdoc="{html.escape(self.page)}" width="100%" height="{self.height}" style="border: 0"></iframe>'


def load_run(path: str | os.PathLike[str]) -> Run:
    """The run in a folder."""
    return Run(path)


def report(run: Run | str | os.PathLike[str], *, open_page: bool = True, **choices: Any) -> Report:
    """Writes the report of a run, as `Run.report`, and opens its page."""
    result = (run if isinstance(run, Run) else Run(run)).report(**choices)
    if open_page:
        result.open()
    return result


def configurations() -> dict[str, Path]:
    """The configurations that come with the package, by name: `disentangle train` takes their paths."""
    return {path.stem: path for path in sorted(Path(__file__).resolve().with_name("configs").glob("*.yaml"))}


def _bar(title: str) -> tuple[Progress | None, Callable[[], None]]:
    """A bar of tqdm, if that is there, told of stages."""
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return None, lambda: None
    bar = tqdm(desc=title, unit="stage")

    def show(stage: int, total: int, name: str) -> None:
        bar.total, bar.n = total, stage - 1
        bar.set_postfix_str(name, refresh=True)

    return show, bar.close
