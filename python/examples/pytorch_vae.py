"""A plain VAE on dSprites in PyTorch, with the exact decomposition of its rate while it trains.

    pip install torch dist/disentangle-*.whl
    python pytorch_vae.py --steps 5000
"""

import argparse

import torch
from torch import nn

import disentangle
from disentangle.torch import RateDecomposition


class VAE(nn.Module):
    """A fully connected VAE of 64×64 binary images."""

    def __init__(self, latents: int = 10) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Flatten(), nn.Linear(4096, 400), nn.ReLU(), nn.Linear(400, 2 * latents))
        self.decoder = nn.Sequential(nn.Linear(latents, 400), nn.ReLU(), nn.Linear(400, 4096))

    def encode(self, images: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """The mean and the log-variance of q(z|x)."""
        return self.encoder(images).chunk(2, dim=-1)

    def loss(self, images: torch.Tensor) -> torch.Tensor:
        """−ELBO, averaged over images."""
        mean, log_variance = self.encode(images)
        logits = self.decoder(mean + (log_variance / 2).exp() * torch.randn_like(mean))
        reconstruction = nn.functional.binary_cross_entropy_with_logits(logits, images.flatten(1), reduction="none")
        kl = 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance)
        return (reconstruction.sum(-1) + kl.sum(-1)).mean()


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--steps", type=int, default=5000)
    options.add_argument("--every", type=int, default=1000)
    options.add_argument("--thinning", type=int, default=50, help="every so many images of the 737,280")
    chosen = options.parse_args()
    torch.manual_seed(0)

    data = disentangle.dsprites()
    images = torch.from_numpy(data[:: chosen.thinning]).float()
    model = VAE()
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    measure = RateDecomposition(torch.utils.data.DataLoader(images, 1024), every=chosen.every)
    for step in range(1, chosen.steps + 1):
        optimizer.zero_grad()
        loss = model.loss(images[torch.randint(len(images), (64,))])
        loss.backward()
        optimizer.step()
        result = measure(model, step)
        if result is not None:
            print(f"step {step}: loss {loss.item():.2f}, rate {result.rate:.3f}, TC {result.total_correlation}")

    mean, _ = model.encode(images)
    print(disentangle.evaluate(mean, data.factors[:: chosen.thinning], metrics=["mig", "dci"], preset="fast"))


if __name__ == "__main__":
    main()
