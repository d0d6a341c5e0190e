"""A study of 12,600 finished runs, made up: how long planning, indexing and reporting take, and how much memory."""

import json
import os
import random
import subprocess
import time

from kills import temporary_folder

CONFIGURATION = """\
name: base
dataset: {name: xy-object}
model: {architecture: burgess, latents: 10}
objective: {name: beta-vae}
training: {steps: 300000, batch_size: 64}
"""

# 7 settings × 6 objectives × 6 strengths × 50 seeds, as in Locatello et al. 2019 (arXiv:1811.12359). The settings stand for
# data sets.
STUDY = """\
name: size
configuration: config.yaml
axes: [{key: model.latents, values: [4, 5, 6, 7, 8, 9, 10]}]
variants:
  - {name: beta-vae, axes: [{key: objective.beta, values: [1, 2, 4, 6, 8, 16]}]}
  - {name: beta-tcvae, set: ["objective={name: beta-tcvae}"], axes: [{key: objective.beta, values: [1, 2, 4, 6, 8, 10]}]}
  - {name: factor-vae, set: ["objective={name: factor-vae}"], axes: [{key: objective.gamma, values: [10, 20, 30, 40, 50, 100]}]}
  - name: annealed-vae
    set: ["objective={name: capacity-vae, capacity: {from: 0, to: 5, steps: 100000}}"]
    axes: [{key: objective.capacity.to, values: [5, 10, 25, 50, 75, 100]}]
  - {name: dip-vae-i, set: ["objective={name: dip-vae, variant: i}"], axes: [{key: objective.lambda_od, values: [1, 2, 5, 10, 20, 50]}]}
  - {name: dip-vae-ii, set: ["objective={name: dip-vae, variant: ii}"], axes: [{key: objective.lambda_od, values: [1, 2, 5, 10, 20, 50]}]}
seeds: {from: 0, count: 50}
"""

SCORES = ["mig", "dci", "dci:completeness", "dci:informativeness", "sap", "modularity", "irs", "factor-vae-score",
          "beta-vae-score", "explicitness", "infomec", "infomec:compactness", "infomec:explicitness", "dcimig"]


def result(digest, variant, strength, latents, seed, stream):
    """A result with effects of objective, strength and seed."""
    def estimate(value):
        return {"value": value, "standard_error": 0.01}

    kinds = ["beta-vae", "beta-tcvae", "factor-vae", "annealed-vae", "dip-vae-i", "dip-vae-ii"]
    effect = kinds.index(variant) / 6
    information, correlation, marginal = 8 - effect, 1 + effect + stream.random(), 0.5 * stream.random()
    rate, distortion = information + correlation + marginal, 60 + 10 * stream.random()
    per = [rate / latents] * latents
    decomposition = {
        "units": "nats", "data_points": 75000, "latents": latents, "samples": 10000, "seed": seed,
        "estimator": "exact_marginals_monte_carlo_joint", "rate": rate, "mutual_information": estimate(information),
        "total_correlation": estimate(correlation),
        "dimension_wise_kl": {"value": marginal, "standard_error": 0, "per_dimension": [marginal / latents] * latents},
        "kl_per_dimension": per, "joint_entropy": estimate(5), "marginal_entropies": per, "conditional_entropy": 1.0,
        "active_units": 4, "mean_variances": per, "distortion": distortion, "distortion_standard_error": 0.2,
        "data_entropy": 11.2,
        "information_bounds": {"lower": None, "lower_reason": "none", "upper": rate, "ceiling": 11.2, "hold": True},
        "identity_residual": 0.0,
        "monte_carlo_residual": {"value": 0.0, "standard_error": 0.01, "within_four_standard_errors": True},
        "minibatch_estimates": [
            {"estimator": name, "batch_size": 64, "batches": 16, "mutual_information": 9.0,
             "total_correlation": correlation + 5 * stream.random(), "dimension_wise_kl": 1.0,
             "bias": {"mutual_information": 0.0, "total_correlation": 0.0, "dimension_wise_kl": 0.0},
             "standard_error": {"mutual_information": 0.0, "total_correlation": 0.0, "dimension_wise_kl": 0.0}}
            for name in ("mws", "mss")],
        "warnings": [],
    }
    scores = [{"name": name, "value": 0.2 * effect + 0.1 * strength + 0.4 * stream.random(), "standard_error": 0.01}
              for name in SCORES]
    return {
        "digest": digest, "variant": variant, "strength": [], "common": [], "objective": variant, "dataset": "xy-object",
        "seed": seed, "steps": 300000, "decomposition": decomposition, "scores": scores, "threads": 1,
        "training_seconds": 3600.0, "measuring_seconds": 60.0, "version": "0", "host": "made-up",
        "finished": "2026-01-01T00:00:00Z",
    }


def timed(arguments, where):
    """Seconds and peak memory (MB) of a command."""
    started = time.monotonic()
    process = subprocess.Popen(arguments, cwd=where, stdout=subprocess.PIPE, text=True)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        raise SystemExit(f"error: {' '.join(arguments[1:])} ends with {status}")
    return time.monotonic() - started, usage.ru_maxrss / 1024, output


def run(options):
    program, stream = os.path.abspath(options.program), random.Random(options.seed)
    with temporary_folder() as where:
        for name, text in (("config.yaml", CONFIGURATION), ("study.yaml", STUDY)):
            with open(os.path.join(where, name), "w", encoding="utf-8") as file:
                file.write(text)
        seconds, memory, output = timed([program, "study", "plan", "study.yaml", "--quick", "--all"], where)
        figures = [("plan", seconds, memory)]
        runs = [line.split("  ", 1) for line in output.splitlines() if len(line) > 18 and line[16:18] == "  "
                and all(c in "0123456789abcdef" for c in line[:16])]
        os.makedirs(os.path.join(where, "runs/size"))
        with open(os.path.join(where, "runs/size/study.yaml"), "w", encoding="utf-8") as file:
            file.write("name: size\n")
        for digest, label in runs:
            parts = label.split(", ")
            folder = os.path.join(where, "runs/size/runs", digest)
            os.makedirs(folder)
            with open(os.path.join(folder, "result.json"), "w", encoding="utf-8") as file:
                json.dump(result(digest, parts[0], len(parts[1]) % 3, int(parts[2].split()[1]), int(parts[3].split()[1]),
                                 stream), file)
        for name in ("index", "report"):
            figures.append((name, *timed([program, "study", name, "study.yaml"], where)[:2]))
    for name, seconds, memory in figures:
        print(f"{name:8} {seconds:6.1f} s  {memory:6.0f} MB")
    total, peak = sum(figure[1] for figure in figures), max(figure[2] for figure in figures)
    print(f"{len(runs)} runs: {total:.1f} s in all, at most {peak:.0f} MB")
    return 0 if len(runs) == 12600 and total <= 60 and peak <= 1000 else 1
