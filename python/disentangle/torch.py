"""The exact decomposition in training loops of PyTorch and Lightning.

    measure = RateDecomposition(loader, every=1000, log=writer)
    for step, batch in enumerate(batches, 1):
        …
        measure(model, step)                                    # a Decomposition at every 1000th step, else None

    Trainer(callbacks=[RateDecomposition(loader, every=1000)])  # Lightning: logged by all of its loggers
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Callable

import numpy as np
import torch

from . import Decomposition, decompose
from ._process import Array

try:
    from lightning.pytorch.callbacks import Callback
except ImportError:
    try:
        from pytorch_lightning.callbacks import Callback
    except ImportError:
        Callback = object

Encode = Callable[[Any, Any], Any]


def posterior(model: Any, loader: Iterable[Any], encode: Encode | None = None) -> tuple[Array, Array]:
    """Means and log-variances [N, D] of q(z|x) of all batches of a loader.

    `encode(model, batch)` returns (mean, log_variance), or a torch.distributions.Normal; by default it is
    `model.encode(images)`, where a batch is the images or a sequence that begins with them.
    """
    device = next((parameter.device for parameter in model.parameters()), None)
    was_training, parts = model.training, []
    try:
        model.eval()
        with torch.no_grad():
            for batch in loader:
                images = batch[0] if isinstance(batch, (list, tuple)) else batch
                result = encode(model, batch) if encode is not None else model.encode(images.to(device))
                result = getattr(result, "base_dist", result)
                if isinstance(result, torch.distributions.Normal):
                    result = (result.loc, 2 * result.scale.log())
                parts.append([values.detach().float().cpu().numpy() for values in result[:2]])
    finally:
        model.train(was_training)
    if not parts:
        raise ValueError("the loader has no batches")
    mean, log_variance = (np.concatenate(arrays) for arrays in zip(*parts))
    return mean, log_variance


class RateDecomposition(Callback):  # type: ignore[misc]
    """Decomposes the rate over all images of a loader at every so many steps, exactly.

    `loader` should run once over the data set, without augmentation. `log` is a function of a dictionary and a step, a
    SummaryWriter of TensorBoard, or a run of Weights & Biases; in Lightning the trainer's loggers are used. Values are logged
    as `rate_decomposition/…`, in nats, and kept in `history`.
    """

    def __init__(
        self, loader: Iterable[Any], every: int = 1000, *, encode: Encode | None = None, samples: int = 1000, seed: int = 0,
        threads: int | None = None, log: Any = None,
    ) -> None:
        super().__init__()
        if every < 1:
            raise ValueError(f"every is {every}, not at least 1")
        self.loader, self.every, self.encode, self.log = loader, every, encode, log
        self.samples, self.seed, self.threads = samples, seed, threads
        self.history: list[tuple[int, Decomposition]] = []

    def __call__(self, model: Any, step: int) -> Decomposition | None:
        """Measures if the step is due; each step once."""
        return self._measure(model, step, [self.log] if self.log is not None else [])

    def on_train_batch_end(self, trainer: Any, pl_module: Any, *_: Any, **__: Any) -> None:
        """Lightning's hook."""
        self._measure(pl_module, trainer.global_step, trainer.loggers)

    def _measure(self, model: Any, step: int, logs: list[Any]) -> Decomposition | None:
        if step < 1 or step % self.every or (self.history and self.history[-1][0] == step):
            return None
        parameters = posterior(model, self.loader, self.encode)
        result = decompose(*parameters, samples=self.samples, seed=self.seed, threads=self.threads)
        self.history.append((step, result))
        values = {f"rate_decomposition/{name}": value for name, value in result.scalars().items()}
        for log in logs:
            if hasattr(log, "log_metrics"):
                log.log_metrics(values, step=step)
            elif hasattr(log, "add_scalar"):
                for name, value in values.items():
                    log.add_scalar(name, value, step)
            elif hasattr(log, "log"):
                log.log(values, step=step)
            else:
                log(values, step)
        return result
