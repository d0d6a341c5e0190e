"""Writes reference.h5: losses, gradients and densities of a small batch, in double precision with PyTorch's autograd.

Run with h5py, numpy and torch installed:  python3 Tests/Fixtures/make_reference.py
"""

import math
import pathlib

import h5py
import numpy as np
import torch

torch.set_default_dtype(torch.float64)
rng = np.random.default_rng(20180214)
B, D, N, PIXELS, S = 7, 3, 500, 20, 6


def rounded(values):
    """Values that single precision holds exactly."""
    return np.float64(np.float32(values))


def log_normal(z, mean, log_variance):
    return -0.5 * (math.log(2 * math.pi) + log_variance + (z - mean) ** 2 * torch.exp(-log_variance))


mean = torch.tensor(rounded(rng.normal(size=(B, D))), requires_grad=True)
log_variance = torch.tensor(rounded(rng.normal(-1, 0.5, size=(B, D))), requires_grad=True)
logits = torch.tensor(rounded(rng.normal(0, 3, size=(B, PIXELS))), requires_grad=True)
noise = torch.tensor(rounded(rng.normal(size=(B, D))))
target = torch.tensor(rounded(rng.integers(0, 2, size=(B, PIXELS))))
out = {"mean": mean, "log_variance": log_variance, "logits": logits, "noise": noise, "target": target}

z = mean + torch.exp(0.5 * log_variance) * noise
reconstruction = torch.nn.functional.binary_cross_entropy_with_logits(logits, target, reduction="sum") / B
kl = 0.5 * (mean**2 + log_variance.exp() - log_variance - 1).sum() / B
log_qzx = log_normal(z, mean, log_variance).sum(1)
log_pz = log_normal(z, torch.zeros(D), torch.zeros(D)).sum(1)
pairs = log_normal(z[:, None], mean[None], log_variance[None])  # [i, j, d]

stratified = torch.full((B, B), 1 / (B - 1))
for i in range(B):
    stratified[i, (i + 1) % B] = (N - (B - 1)) / (N * (B - 1))
    stratified[i, i] = 1 / N
weights = {"mws": torch.full((B, B), 1 / (B * N)), "mss": stratified}

losses = {"vae": reconstruction + kl, "beta-vae": reconstruction + 4 * kl}
for name, weight in weights.items():
    log_qz = torch.logsumexp(pairs.sum(2) + weight.log(), 1)
    log_product = torch.logsumexp(pairs + weight.log()[:, :, None], 1).sum(1)
    terms = (log_qzx - log_qz).mean(), (log_qz - log_product).mean(), (log_product - log_pz).mean()
    losses[name] = reconstruction + 1.5 * terms[0] + 6 * terms[1] + 0.5 * terms[2]
    for key, term in zip(("mutual_information", "total_correlation", "dimension_wise_kl"), terms):
        out[f"{name}/{key}"] = term
# FactorVAE: a discriminator of two hidden layers tells codes from codes whose latents are permuted over the batch.
GAMMA, WIDTH = 6.4, 5
sizes = [D, WIDTH, WIDTH, 2]
layers = []
for number, (inputs, outputs) in enumerate(zip(sizes, sizes[1:]), 1):
    for name, shape in (("weight", (outputs, inputs)), ("bias", (outputs,))):
        layers.append((f"linear{number}.{name}", torch.tensor(rounded(rng.normal(0, 0.8, size=shape)), requires_grad=True)))


def logits_of(codes):
    values = [value for _, value in layers]
    for number in range(0, len(values), 2):
        codes = codes @ values[number].T + values[number + 1]
        if number + 2 < len(values):
            codes = torch.where(codes > 0, codes, 0.2 * codes)
    return codes


difference = logits_of(z)[:, 0] - logits_of(z)[:, 1]
losses["factor-vae"] = reconstruction + kl + GAMMA * difference.mean()
# The discriminator takes this batch's codes, and permuted codes of another one, as constants.
permuted = torch.tensor(rounded(rng.normal(size=(B, D))))
given = torch.tensor(rounded(z.detach().numpy()))
real, other = (torch.log_softmax(logits_of(codes), 1) for codes in (given, permuted))
adversary_loss = -0.5 * (real[:, 0].mean() + other[:, 1].mean())
right = (real[:, 0] > real[:, 1]).sum() + (other[:, 1] > other[:, 0]).sum()
out["factor-vae/total_correlation"], out["factor-vae/adversary/loss"] = difference.mean(), adversary_loss
out["factor-vae/adversary/accuracy"] = right / (2 * B)
out["factor-vae/adversary/codes"], out["factor-vae/adversary/permuted"] = given, permuted
for (name, value), gradient in zip(layers, torch.autograd.grad(adversary_loss, [value for _, value in layers])):
    out[f"factor-vae/adversary/{name}"], out[f"factor-vae/adversary/gradient_{name}"] = value, gradient

out["reconstruction"], out["kl"] = reconstruction, kl
for name, loss in losses.items():
    gradients = torch.autograd.grad(loss, (mean, log_variance, logits), retain_graph=True)
    out[f"{name}/loss"] = loss
    for key, gradient in zip(("mean", "log_variance", "logits"), gradients):
        out[f"{name}/gradient_{key}"] = gradient

# Exact densities of the aggregate posterior of these B Gaussians at samples of it.
index = torch.arange(S) % B
codes = torch.tensor(rounded((z[index] + 0.1).detach().numpy()))
sample_pairs = log_normal(codes[:, None], mean[None], log_variance[None])
out["aggregate/samples"] = codes
out["aggregate/log_qz"] = torch.logsumexp(sample_pairs.sum(2), 1) - math.log(B)
out["aggregate/log_qz_per_dimension"] = torch.logsumexp(sample_pairs, 1) - math.log(B)

with h5py.File(pathlib.Path(__file__).with_name("reference.h5"), "w") as file:
    file.attrs["data_points"] = N
    for name, value in out.items():
        file[name] = np.atleast_1d(value.detach().numpy())
