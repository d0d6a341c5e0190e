# %% [markdown]
# # {{title}}
#
# The figures of a report, drawn from its data. All numbers and images are in `{{name}}` beside this notebook; all
# information is in nats. Change a style and run all cells. The notebook needs numpy, h5py, matplotlib and pandas.
# %%
import json

import h5py
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

with h5py.File({{data}}) as data:
    report = json.loads(data["report.json"][:].tobytes())
    pictures = {name: images[:] for name, images in data["pictures"].items()}

# The colours of Okabe and Ito, which people with colour blindness can distinguish.
BLUE, ORANGE, GREEN, PINK, SKY, RED, GREY = COLOURS = (
    "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8C8C8C")
plt.rcParams.update({
    "figure.dpi": 100, "figure.constrained_layout.use": True, "font.size": 9, "axes.spines.top": False,
    "axes.spines.right": False, "axes.titlesize": 10, "legend.frameon": False, "axes.prop_cycle": plt.cycler(color=COLOURS)})
pd.set_option("display.precision", 4)


def number(value):
    """A number of the report, if there is one."""
    return np.nan if value is None else float(value)


def estimate(value):
    """An estimate's value and standard error."""
    return number(value["value"]), number(value.get("standard_error"))


def note(name):
    """The caption of a figure."""
    return next(figure["caption"] for figure in report["figures"] if figure["name"] == name)


def show_images(images, rows=None, columns=None, labels=None, size=0.62):
    """Images [rows, columns, H, W, C] in a grid, with names of rows and columns and a label below each."""
    height = size * images.shape[2] / images.shape[3] + (0.14 if labels is not None else 0)
    figure, axes = plt.subplots(
        *images.shape[:2], squeeze=False, figsize=(size * images.shape[1] + 0.9, height * images.shape[0] + 0.3))
    for (r, c), axis in np.ndenumerate(axes):
        image = images[r, c]
        axis.imshow(image if image.shape[-1] == 3 else image[..., 0], cmap="gray", vmin=0, vmax=255)
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set_visible(False)
        if labels is not None:
            axis.set_xlabel(f"{labels[r][c]:.2f}".replace("-", "−"), fontsize=6, labelpad=1)
        if rows is not None and c == 0:
            axis.set_ylabel(rows[r], rotation=0, ha="right", va="center", fontsize=8)
        if columns is not None and r == 0:
            axis.set_title(columns[c], fontsize=7, pad=2)
    figure.get_layout_engine().set(w_pad=0.01, h_pad=0.01, wspace=0.01, hspace=0.01)
    plt.show()


def heat_map(values, rows, columns, xlabel, ylabel):
    """A matrix in nats with its numbers, as far as there is room."""
    cell = 0.42 if max(values.shape) <= 16 else 0.16
    figure, axis = plt.subplots(figsize=(cell * values.shape[1] + 1.8, cell * values.shape[0] + 0.9))
    image = axis.imshow(values, cmap="magma_r", vmin=0, vmax=max(np.nanmax(values), 1e-3))
    axis.set_xticks(range(len(columns)), columns, rotation=90 if len(columns) > 16 else 0)
    axis.set_yticks(range(len(rows)), rows)
    axis.set(xlabel=xlabel, ylabel=ylabel)
    axis.spines[:].set_visible(False)
    if cell > 0.3:
        for (r, c), value in np.ndenumerate(values):
            if np.isfinite(value):
                dark = value > 0.5 * np.nanmax(values)
                text = f"{value:.2f}".replace("-0.00", "0.00").replace("-", "−")
                axis.text(c, r, text, ha="center", va="center", fontsize=6, color="white" if dark else "black")
    figure.colorbar(image, label="nats")
    plt.show()


latents = pd.DataFrame(report["latents"]["latents"]).set_index("latent")
for column in ["marginal_kl", "entropy", "mutual_information"]:
    latents[column + "_error"] = [estimate(value)[1] for value in latents[column]]
    latents[column] = [estimate(value)[0] for value in latents[column]]
latents = latents.sort_values("kl", ascending=False, kind="stable")
names = {latent: "$z_{%d}$" % latent for latent in latents.index}
# %% [markdown]
# ## Findings
# %%
for sentence in report["findings"]["sentences"]:
    print("•", sentence)
pd.Series(
    {key: report["run"].get(key) for key in ("objective", "dataset", "architecture", "data_points", "step", "seed")},
    name="run").to_frame()
# %% [markdown] figure decomposition
# ## Rate decomposition
# %% figure decomposition
decomposition = report["decomposition"]
terms = {
    "mutual information $I(x; z)$": (decomposition["mutual_information"], BLUE),
    "total correlation $TC(z)$": (decomposition["total_correlation"], ORANGE),
    "dimension-wise KL": (decomposition["dimension_wise_kl"], GREEN),
}
figure, axis = plt.subplots(figsize=(6.5, 1.9))
positive = negative = 0.0
for name, (term, colour) in terms.items():
    value, error = estimate(term)
    left = positive if value >= 0 else negative
    spread = f" ± {error:.4f}" if error > 0 else ""
    axis.barh(0, value, left=left, color=colour, label=f"{name}: {value:.4f}{spread}", edgecolor="white", linewidth=0.5)
    if error > 0:
        axis.errorbar(left + value, -0.25, xerr=error, color="black", capsize=2, linewidth=1)
    positive, negative = positive + max(value, 0), negative + min(value, 0)
axis.axvline(decomposition["rate"], color="black", linewidth=1)
axis.set(yticks=[], xlabel="nats", title=f"rate  $E\\,KL(q(z|x)\\,\\|\\,p(z))$ = {decomposition['rate']:.4f} nats")
figure.legend(loc="outside lower left", ncols=2)
plt.show()
print(note("decomposition"))
# %% [markdown] figure latents
# ## KL per latent
# %% figure latents
shown = latents.head(64)
figure, axis = plt.subplots(figsize=(6.5, 2.8))
places = np.arange(len(shown))
information, off_prior = shown["mutual_information"].clip(lower=0), shown["marginal_kl"].clip(lower=0)
axis.bar(places, information, color=BLUE, label="$I(x; z_d)$")
axis.bar(places, off_prior, bottom=information, color=GREEN, label="$KL(q(z_d)\\,\\|\\,p(z_d))$")
axis.set_xticks(places, [names[latent] for latent in shown.index], rotation=90 if len(shown) > 24 else 0)
axis.set(xlabel="latent, by KL", ylabel="nats")
axis.legend()
plt.show()
print(note("latents"))
shown
# %% [markdown] figure pairwise
# ## Mutual information of pairs of latents
# %% figure pairwise
paired = [latent for latent in latents.index if latent in report["pairwise"]["paired"]]
pairs = pd.DataFrame(np.nan, index=paired, columns=paired)
for pair in report["pairwise"]["pairs"]:
    value = estimate(pair["mutual_information"])[0]
    pairs.loc[pair["first"], pair["second"]] = pairs.loc[pair["second"], pair["first"]] = value
labels = [names[latent] for latent in paired]
heat_map(pairs.to_numpy(), labels, labels, "latent, by KL", "latent, by KL")
print(note("pairwise"))
# %% [markdown] figure factors
# ## Mutual information of factors and latents
# %% figure factors
factors = pd.DataFrame(
    {factor["name"]: [estimate(value)[0] for value in factor["mutual_information"]]
     for factor in report["factors"]["factors"]}).T[latents.index[:64]]
heat_map(
    factors.to_numpy(), list(factors.index), [names[latent] for latent in factors.columns], "latent, by KL", "factor")
print(note("factors"))
pd.DataFrame(
    [{"factor": factor["name"], "values": factor["values"], "entropy": factor["entropy"],
      "gap": estimate(factor["gap"])[0] if factor.get("gap") else np.nan} for factor in report["factors"]["factors"]])
# %% [markdown] figure audit
# ## Audit of estimators
# %% figure audit
titles = {"mws": "MWS", "mss": "MSS", "gaussian": "Gaussian approximation", "discriminator": "discriminator"}
words = {"mutual_information": "mutual information", "total_correlation": "total correlation",
         "dimension_wise_kl": "dimension-wise KL"}
audit = pd.DataFrame(
    [{"estimator": row["estimator"], "batch size": row["batch_size"], "batches": row["batches"], "term": words[term],
      "mean": number(row[term]["mean"]), "sd": number(row[term].get("standard_deviation")),
      "bias": number(row[term]["bias"])}
     for row in report["audit"]["rows"] for term in words if row.get(term)])
guesses = audit[audit["estimator"] != "exact"]
sizes = sorted(guesses["batch size"].unique())
kinds = list(guesses["estimator"].unique())
figure, axes = plt.subplots(3, 1, figsize=(6.5, 6), sharex=True)
for axis, word in zip(axes, words.values()):
    for k, kind in enumerate(kinds):
        rows = guesses[(guesses["estimator"] == kind) & (guesses["term"] == word)]
        if len(rows):
            x = [sizes.index(size) + 0.1 * (k - (len(kinds) - 1) / 2) for size in rows["batch size"]]
            axis.errorbar(
                x, rows["bias"], yerr=rows["sd"].fillna(0), fmt="o-", markersize=4, linewidth=1, capsize=2,
                color=COLOURS[k], label=titles[kind])
    exact = audit[(audit["estimator"] == "exact") & (audit["term"] == word)]["mean"].iloc[0]
    axis.axhline(0, color="black", linewidth=1)
    axis.set_yscale("symlog", linthresh=1)
    axis.margins(y=0.15)
    axis.set(title=f"{word} (exact {exact:.2f} nats)", ylabel="bias, nats")
axes[-1].set_xticks(range(len(sizes)), sizes)
axes[-1].set_xlabel("batch size")
handles = {label: handle for axis in axes for handle, label in zip(*axis.get_legend_handles_labels())}
figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=4)
plt.show()
print(note("audit"))
audit
# %% [markdown] figure likelihood
# ## Marginal likelihood
# %% figure likelihood
likelihood = report["likelihood"]
figure, axes = plt.subplots(2, 1, figsize=(6.5, 4.8))
for axis, kind, title, colour in [
        (axes[0], "importance", "importance sampling from q(z|x)", BLUE),
        (axes[1], "prior", "naive Monte Carlo from p(z)", RED)]:
    samples = np.array([point["samples"] for point in likelihood["curve"]])
    values = np.array([number(point[kind]["value"]) for point in likelihood["curve"]])
    errors = np.nan_to_num([number(point[kind].get("sampling_error")) for point in likelihood["curve"]])
    axis.fill_between(samples, values - errors, values + errors, color=colour, alpha=0.25, linewidth=0)
    axis.plot(samples, values, "o-", color=colour, markersize=4, linewidth=1.25, label=title)
    axis.set(xscale="log", title=title, xlabel="K, codes for each image", ylabel="mean log p̂(x), nats")
axes[0].axhline(likelihood["elbo"]["value"], color="black", linestyle="--", linewidth=1, label="ELBO")
axes[1].axhline(likelihood["importance"]["value"], color=BLUE, linewidth=1.25, label="importance sampling, all K")
for axis in axes:
    axis.legend()
plt.show()
print(note("likelihood"))
# %% [markdown] figure training
# ## Training
# %% figure training
series = {entry["name"]: entry for entry in report["training"]["series"]}
shown = [name for name in series if not name.endswith("_standard_error") and not name.startswith("decomposition_")]
units = {"active_units_exact": "latents", "discriminator_accuracy": "share of codes"}
shown.sort(key=lambda name: not name.endswith("_exact"))
figure, axes = plt.subplots(-(-len(shown) // 2), 2, squeeze=False, figsize=(7, 1.9 * -(-len(shown) // 2)))
for axis in axes.flat[len(shown):]:
    axis.set_visible(False)
for axis, name in zip(axes.flat, shown):
    steps, values = np.array(series[name]["steps"]), np.array(series[name]["values"])
    exact = name.endswith("_exact")
    axis.plot(steps, values, "o-" if exact else "-", color=BLUE if exact else GREY, markersize=3, linewidth=1.25)
    if name + "_standard_error" in series:
        errors = dict(zip(*(series[name + "_standard_error"][key] for key in ("steps", "values"))))
        spread = np.array([errors.get(step, 0) for step in steps])
        axis.fill_between(steps, values - spread, values + spread, color=BLUE, alpha=0.25, linewidth=0)
    axis.set(title=name.replace("_", " "), xlabel="step", ylabel=units.get(name, "nats"), xlim=(0, None))
    axis.xaxis.set_major_locator(plt.MaxNLocator(4))
plt.show()
print(note("training"))
# %% [markdown] figure reconstructions
# ## Reconstructions
# %% figure reconstructions
show_images(pictures["reconstructions"], rows=["data", "model"])
print(note("reconstructions"))
# %% [markdown] figure traversals-prior
# ## Traversals from the mean of the prior
# %% figure traversals-prior
facts = report["pictures"]
rows = [f"{names[latent]}\n{latents.loc[latent, 'kl']:.2f} nats" for latent in facts["latents"]]
show_images(pictures["traversals-prior"], rows=rows, labels=[facts["prior_values"]] * len(rows))
print(note("traversals-prior"))
# %% [markdown] figure traversals-posterior
# ## Traversals from an image
# %% figure traversals-posterior
show_images(pictures["traversals-posterior"], rows=rows, labels=facts["posterior_values"])
print(note("traversals-posterior"))
# %% [markdown] figure samples
# ## Samples from the prior
# %% figure samples
show_images(pictures["samples"])
print(note("samples"))
# %% [markdown] figure interpolations
# ## Interpolations between two images
# %% figure interpolations
count = pictures["interpolations"].shape[1] - 2
middle = [f"{step / max(1, count - 1):.2f}" for step in range(count)]
show_images(pictures["interpolations"], columns=["data", *middle, "data"])
print(note("interpolations"))
