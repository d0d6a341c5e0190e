"""The same VAE in Lightning: the callback logs the exact decomposition to all loggers of the trainer.

    pip install lightning dist/disentangle-*.whl
    python lightning_vae.py --steps 5000
"""

import argparse

import lightning
import torch
from lightning.pytorch.loggers import CSVLogger

import disentangle
from disentangle.torch import RateDecomposition
from pytorch_vae import VAE


class Module(lightning.LightningModule):
    """The VAE with its loss and optimizer."""

    def __init__(self) -> None:
        super().__init__()
        self.vae = VAE()

    def encode(self, images: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """The mean and the log-variance of q(z|x), which the callback asks for."""
        return self.vae.encode(images)

    def training_step(self, images: torch.Tensor, _: int) -> torch.Tensor:
        loss = self.vae.loss(images)
        self.log("loss", loss)
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.parameters(), 1e-3)


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--steps", type=int, default=5000)
    options.add_argument("--every", type=int, default=1000)
    options.add_argument("--thinning", type=int, default=50, help="every so many images of the 737,280")
    options.add_argument("--output", default="lightning-logs")
    chosen = options.parse_args()
    lightning.seed_everything(0)

    images = torch.from_numpy(disentangle.dsprites()[:: chosen.thinning]).float()
    everything = torch.utils.data.DataLoader(images, 1024)
    trainer = lightning.Trainer(
        max_steps=chosen.steps, callbacks=[RateDecomposition(everything, every=chosen.every)],
        logger=CSVLogger(chosen.output), accelerator="cpu")
    trainer.fit(Module(), torch.utils.data.DataLoader(images, 64, shuffle=True))


if __name__ == "__main__":
    main()
