#!/usr/bin/env python3
"""The PyTorch peer of the benchmarks: the same work, written as a careful PyTorch user would write it.

Reads one JSON request and writes one JSON answer per line on standard input and output. `disentangle-benchmarks step
--peer "python3 script/peer_pytorch.py"` starts it and alternates with it:

    {"work": "hello", "threads": 2}                                → {"name": "PyTorch 2.13.0+cpu", "threads": 2}
    {"work": "step", "architecture": "burgess", "objective": "beta-tcvae", "batch": 64, "mode": "eager", "count": 20}
    {"work": "network", "network": {"name": "3×3", "batch": 50, "side": 32, "channels": 3, "encoder": [{"kernel": 3,
     "stride": 1, "padding": 1, "channels": 24}, …], "decoder": […]}, "mode": "eager", "count": 8}
    {"work": "encode", "architecture": "burgess", "batch": 256, "mode": "eager", "count": 20}
    {"work": "anneal", "architecture": "burgess", "batch": 256, "samples": 20, "mode": "eager", "count": 1}
    {"work": "posterior", "components": 737280, "samples": 8, "marginals": true, "count": 1}
    {"work": "load", "file": "dsprites.npz", "count": 1}           → {"milliseconds": [16.1, 15.9, …]}

Every request but `hello` is answered with milliseconds, one number per repetition. Modes are eager, channels-last and
compile; the posterior also has jax. In PyTorch's favour, a step here excludes fetching the batch and drawing its
indices, which our steps include.
"""

import math
import os
import time

import torch
from torch import nn
from torch.nn import functional as F

from peer import serve

LATENTS = 10
DATA_COUNT = 737_280
POOL = 4096  # images that batches are drawn from


class Burgess(nn.Module):
    def __init__(self):
        super().__init__()

        def down(channels):
            return [nn.Conv2d(channels, 32, 4, 2, 1), nn.ReLU()]

        def up(channels):
            return [nn.ConvTranspose2d(32, channels, 4, 2, 1)]

        self.encoder = nn.Sequential(
            *down(1), *down(32), *down(32), *down(32), nn.Flatten(),
            nn.Linear(512, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 2 * LATENTS))
        self.decoder = nn.Sequential(
            nn.Linear(LATENTS, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 512), nn.ReLU(),
            nn.Unflatten(1, (32, 4, 4)), *up(32), nn.ReLU(), *up(32), nn.ReLU(), *up(32), nn.ReLU(), *up(1))

    def posterior(self, images):
        return self.encoder(images).chunk(2, 1)

    def forward(self, images):
        mean, log_variance = self.posterior(images)
        codes = sample(mean, log_variance)
        return self.decoder(codes), mean, log_variance, codes


class Locatello(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(
            nn.Conv2d(1, 32, 4, 2, 1), nn.ReLU(), nn.Conv2d(32, 32, 4, 2, 1), nn.ReLU(), nn.Conv2d(32, 64, 2, 2),
            nn.ReLU(), nn.Conv2d(64, 64, 2, 2), nn.ReLU(), nn.Flatten(), nn.Linear(1024, 256), nn.ReLU())
        self.mean = nn.Linear(256, LATENTS)
        self.log_variance = nn.Linear(256, LATENTS)
        self.decoder = nn.Sequential(
            nn.Linear(LATENTS, 256), nn.ReLU(), nn.Linear(256, 1024), nn.ReLU(), nn.Unflatten(1, (64, 4, 4)),
            nn.ConvTranspose2d(64, 64, 4, 2, 1), nn.ReLU(), nn.ConvTranspose2d(64, 32, 4, 2, 1), nn.ReLU(),
            nn.ConvTranspose2d(32, 32, 4, 2, 1), nn.ReLU(), nn.ConvTranspose2d(32, 1, 4, 2, 1))

    def posterior(self, images):
        features = self.trunk(images)
        return self.mean(features), self.log_variance(features)

    forward = Burgess.forward


class FullyConnected(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Flatten(), nn.Linear(4096, 1200), nn.ReLU(), nn.Linear(1200, 1200), nn.ReLU(),
            nn.Linear(1200, 2 * LATENTS))
        self.decoder = nn.Sequential(
            nn.Linear(LATENTS, 1200), nn.Tanh(), nn.Linear(1200, 1200), nn.Tanh(), nn.Linear(1200, 1200), nn.Tanh(),
            nn.Linear(1200, 4096), nn.Unflatten(1, (1, 64, 64)))

    posterior = Burgess.posterior
    forward = Burgess.forward


ARCHITECTURES = {"burgess": Burgess, "locatello": Locatello, "fully-connected": FullyConnected}


def sample(mean, log_variance):
    return mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)


def discriminator():
    layers, inputs = [], LATENTS
    for _ in range(6):
        layers += [nn.Linear(inputs, 1000), nn.LeakyReLU(0.2)]
        inputs = 1000
    return nn.Sequential(*layers, nn.Linear(inputs, 2))


def log_normal(codes, mean, log_variance):
    return -0.5 * (math.log(2 * math.pi) + log_variance + (codes - mean) ** 2 * torch.exp(-log_variance))


def reconstruction(logits, images):
    return F.binary_cross_entropy_with_logits(logits, images, reduction="sum") / len(images)


def rate(mean, log_variance):
    return 0.5 * (mean**2 + log_variance.exp() - log_variance - 1).sum() / len(mean)


def vae_loss(images, logits, mean, log_variance, codes):
    return reconstruction(logits, images) + rate(mean, log_variance)


def beta_tcvae_loss(images, logits, mean, log_variance, codes, beta=6.0):
    """Chen et al. 2018, Eq. 4, minibatch-weighted sampling."""
    scale = math.log(len(images) * DATA_COUNT)
    pairs = log_normal(codes[:, None], mean[None], log_variance[None])
    conditional = log_normal(codes, mean, log_variance).sum(1)
    joint = torch.logsumexp(pairs.sum(2), 1) - scale
    marginals = (torch.logsumexp(pairs, 1) - scale).sum(1)
    prior = (-0.5 * (math.log(2 * math.pi) + codes**2)).sum(1)
    return (
        reconstruction(logits, images) + (conditional - joint).mean() + beta * (joint - marginals).mean()
        + (marginals - prior).mean())


class Experiment:
    """A model with its optimiser, and one step of its training."""

    def __init__(self, architecture, objective, mode):
        torch.manual_seed(0)
        self.objective = objective
        self.network = ARCHITECTURES[architecture]()
        self.images = (torch.rand(POOL, 1, 64, 64) < 0.05).float()
        if mode == "channels-last":
            self.network = self.network.to(memory_format=torch.channels_last)
            self.images = self.images.contiguous(memory_format=torch.channels_last)
        self.optimizer = torch.optim.Adam(self.network.parameters(), 1e-4)
        self.run = torch.compile(self.network) if mode == "compile" else self.network
        if objective == "factor-vae":
            self.discriminator = discriminator()
            self.adversary = torch.optim.Adam(self.discriminator.parameters(), 1e-4, betas=(0.5, 0.9))

    def batch(self, size):
        return self.images[torch.randint(0, POOL, (size,))]

    def step(self, first, second):
        if self.objective == "factor-vae":
            return self.factor_vae_step(first, second)
        loss = {"vae": vae_loss, "beta-tcvae": beta_tcvae_loss}[self.objective](first, *self.run(first))
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()

    def factor_vae_step(self, first, second, gamma=35.0):
        """Kim & Mnih 2018, Algorithm 2. The second batch is only encoded, and the VAE's update needs no gradients with
        respect to the discriminator's parameters."""
        self.discriminator.requires_grad_(False)
        logits, mean, log_variance, codes = self.run(first)
        scores = self.discriminator(codes)
        loss = vae_loss(first, logits, mean, log_variance, codes) + gamma * (scores[:, 0] - scores[:, 1]).mean()
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.discriminator.requires_grad_(True)
        with torch.no_grad():
            other = sample(*self.network.posterior(second))
            permuted = torch.stack([other[torch.randperm(len(other)), d] for d in range(LATENTS)], 1)
        zeros = torch.zeros(len(first), dtype=torch.long)
        loss = 0.5 * (
            F.cross_entropy(self.discriminator(codes.detach()), zeros)
            + F.cross_entropy(self.discriminator(permuted), zeros + 1))
        self.adversary.zero_grad()
        loss.backward()
        self.adversary.step()


EXPERIMENTS = {}


def experiment(request):
    key = (request["architecture"], request.get("objective", "vae"), request.get("mode", "eager"))
    if key not in EXPERIMENTS:
        EXPERIMENTS.clear()  # only one in memory, as in a training run
        EXPERIMENTS[key] = Experiment(*key)
    return EXPERIMENTS[key]


def time_steps(request):
    run, size = experiment(request), request["batch"]
    for _ in range(request["count"]):
        first, second = run.batch(size), run.batch(size)
        start = time.perf_counter()
        run.step(first, second)
        yield time.perf_counter() - start


class Network:
    """Convolutions followed by transposed convolutions, and the gradients of the output's mean square."""

    def __init__(self, shape, mode):
        torch.manual_seed(0)
        layers, channels = [], shape["channels"]
        for part, kind in (("encoder", nn.Conv2d), ("decoder", nn.ConvTranspose2d)):
            for layer in shape[part]:
                layers += [kind(channels, layer["channels"], layer["kernel"], layer["stride"], layer["padding"]), nn.ReLU()]
                channels = layer["channels"]
        self.network = nn.Sequential(*layers[:-1])
        self.images = torch.randn(shape["batch"], shape["channels"], shape["side"], shape["side"])
        if mode == "channels-last":
            self.network = self.network.to(memory_format=torch.channels_last)
            self.images = self.images.contiguous(memory_format=torch.channels_last)
        self.run = torch.compile(self.network) if mode == "compile" else self.network

    def step(self):
        loss = self.run(self.images).square().mean()
        self.network.zero_grad()
        loss.backward()


NETWORKS = {}


def time_network(request):
    key = (request["network"]["name"], request.get("mode", "eager"))
    if key not in NETWORKS:
        NETWORKS[key] = Network(request["network"], key[1])
    for _ in range(request["count"]):
        start = time.perf_counter()
        NETWORKS[key].step()
        yield time.perf_counter() - start


def time_encoding(request):
    run = experiment(request)
    with torch.inference_mode():
        for _ in range(request["count"]):
            images = run.batch(request["batch"])
            start = time.perf_counter()
            run.network.posterior(images)
            yield time.perf_counter() - start


def time_annealing(request, leapfrog_steps=2, size=0.1):
    """Chains of annealed importance sampling from the prior, with Hamiltonian Monte Carlo; yields seconds for all
    distributions."""
    run, chains, distributions = experiment(request), request["batch"], request["samples"]
    run.network.requires_grad_(False)
    images = run.batch(chains)

    def likelihood(codes):
        codes = codes.detach().requires_grad_(True)
        logits = run.network.decoder(codes)
        values = -F.binary_cross_entropy_with_logits(logits, images, reduction="none").sum((1, 2, 3))
        return values.detach(), torch.autograd.grad(values.sum(), codes)[0]

    def energy(codes, momenta, values, beta):
        return 0.5 * (momenta.square() + codes.square()).sum(1) - beta * values

    for _ in range(request["count"]):
        start = time.perf_counter()
        codes, weights = torch.randn(chains, LATENTS), torch.zeros(chains)
        values, gradients = likelihood(codes)
        for t in range(1, distributions + 1):
            beta, before = (t / distributions) ** 4, ((t - 1) / distributions) ** 4
            weights += (beta - before) * values
            if t == distributions:
                break
            momenta = torch.randn_like(codes)
            steps = size * (0.8 + 0.4 * torch.rand(chains, 1))
            old = energy(codes, momenta, values, beta)
            z, v, g = codes, values, gradients
            p = momenta + 0.5 * steps * (beta * g - z)
            for step in range(leapfrog_steps):
                z = z + steps * p
                v, g = likelihood(z)
                p = p + (0.5 if step == leapfrog_steps - 1 else 1.0) * steps * (beta * g - z)
            accepted = torch.rand(chains) < (old - energy(z, p, v, beta)).exp()
            codes = torch.where(accepted[:, None], z, codes)
            gradients = torch.where(accepted[:, None], g, gradients)
            values = torch.where(accepted, v, values)
        yield time.perf_counter() - start
    run.network.requires_grad_(True)


def time_posterior(request, chunk=65_536):
    """log q(z) of samples under all components, optionally also in each dimension, in chunks that bound the memory;
    yields seconds per sample."""
    torch.manual_seed(0)
    mean, log_variance = torch.randn(request["components"], LATENTS), torch.randn(request["components"], LATENTS) - 3
    codes = torch.randn(request["samples"], LATENTS)
    with torch.inference_mode():
        for _ in range(request["count"]):
            start = time.perf_counter()
            joint, marginals = [], []
            for m, v in zip(mean.split(chunk), log_variance.split(chunk)):
                pairs = log_normal(codes[:, None], m[None], v[None])
                joint.append(torch.logsumexp(pairs.sum(2), 1))
                if request.get("marginals"):
                    marginals.append(torch.logsumexp(pairs, 1))
            torch.logsumexp(torch.stack(joint), 0)
            if marginals:
                torch.logsumexp(torch.stack(marginals), 0)
            yield (time.perf_counter() - start) / request["samples"]


def time_posterior_jax(request, chunk=16_384):
    """The same in JAX: compiled, scanning over chunks of the length that was measured fastest."""
    import jax
    from jax import numpy as jnp
    from jax.nn import logsumexp

    components, samples, marginals = request["components"], request["samples"], request.get("marginals")
    chunk = math.gcd(components, chunk)

    @jax.jit
    def densities(codes, mean, log_variance):
        def add(sums, part):
            mean, log_variance = part
            difference = codes[:, None] - mean
            pairs = -0.5 * (math.log(2 * math.pi) + log_variance + difference**2 * jnp.exp(-log_variance))
            joint = jnp.logaddexp(sums[0], logsumexp(pairs.sum(2), 1))
            return (joint, jnp.logaddexp(sums[1], logsumexp(pairs, 1)) if marginals else sums[1]), None

        start = jnp.full(samples, -jnp.inf), jnp.full((samples, LATENTS), -jnp.inf)
        parts = mean.reshape(-1, chunk, LATENTS), log_variance.reshape(-1, chunk, LATENTS)
        return jax.lax.scan(add, start, parts)[0]

    keys = jax.random.split(jax.random.PRNGKey(0), 3)
    mean, log_variance = (jax.random.normal(key, (components, LATENTS)) for key in keys[:2])
    log_variance, codes = log_variance - 3, jax.random.normal(keys[2], (samples, LATENTS))
    jax.block_until_ready(densities(codes, mean, log_variance))  # compiles
    for _ in range(request["count"]):
        start = time.perf_counter()
        jax.block_until_ready(densities(codes, mean, log_variance))
        yield (time.perf_counter() - start) / samples


def time_loading(request):
    """Reads all images and their factors as arrays with NumPy or h5py."""
    import numpy

    for _ in range(request["count"]):
        start = time.perf_counter()
        if request["file"].endswith(".npz"):
            with numpy.load(request["file"]) as file:
                images, classes = file["imgs"], file["latents_classes"]
        else:
            import h5py

            with h5py.File(request["file"]) as file:
                images, classes = file["imgs"][:], file["latents/classes"][:]
        yield time.perf_counter() - start
        del images, classes


WORK = {"step": time_steps, "network": time_network, "encode": time_encoding, "anneal": time_annealing,
        "posterior": time_posterior, "load": time_loading}


def answer(request):
    if request["work"] == "hello":
        torch.set_num_threads(request.get("threads", os.cpu_count()))
        return {"name": f"PyTorch {torch.__version__}", "threads": torch.get_num_threads()}
    work = time_posterior_jax if request.get("mode") == "jax" else WORK[request["work"]]
    return {"milliseconds": [1000 * seconds for seconds in work(request)]}


if __name__ == "__main__":
    serve(answer)
