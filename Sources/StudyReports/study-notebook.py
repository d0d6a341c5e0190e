# %% [markdown]
# # {{title}}
#
# The figures of a study, drawn from the table of its runs. `{{table_name}}` has a line for each score of each run, and
# `{{report_name}}` the numbers of the report; both are beside this notebook. All information is in nats. Change a style and
# run all cells. The notebook needs numpy, matplotlib and pandas.
# %%
import json

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

table = pd.read_csv({{table}}, keep_default_na=False, na_values={"value": [""], "standard_error": [""]})
with open({{report}}) as file:
    report = json.load(file)

# The colours of Okabe and Ito, which people with colour blindness can distinguish.
COLOURS = "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8C8C8C", "#000000"
plt.rcParams.update({
    "figure.dpi": 100, "figure.constrained_layout.use": True, "font.size": 9, "axes.spines.top": False,
    "axes.spines.right": False, "axes.titlesize": 10, "legend.frameon": False})
pd.set_option("display.precision", 4)

# A row for each run, a column for each score.
keys = ["digest", "variant", "dataset", "strength", "seed"]
runs = table.pivot_table(index=keys, columns="score", values="value", sort=False, dropna=False, aggfunc="first")
runs = runs.dropna(how="all").reset_index()
scores = [score for score in table["score"].unique() if runs[score].notna().any()]
information = [
    score for score in ("rate", "mutual_information", "total_correlation", "dimension_wise_kl", "distortion") if score in scores]
metrics = list(dict.fromkeys(metric for dataset in report["datasets"] for metric in dataset["metrics"]))
objectives = list(runs["variant"].unique())
colours = {objective: COLOURS[index % len(COLOURS)] for index, objective in enumerate(objectives)}
datasets = list(runs["dataset"].unique())


def panels(count, columns=4, width=2.3, height=2.1):
    """Axes for a number of panels."""
    rows = -(-count // columns)
    figure, axes = plt.subplots(
        rows, min(columns, count), squeeze=False, figsize=(width * min(columns, count), height * rows))
    for axis in axes.flat[count:]:
        axis.set_visible(False)
    return figure, axes.flat


def by_objective(names):
    """The runs of each objective as points, with their median, for several scores."""
    for dataset in datasets:
        rows = runs[runs["dataset"] == dataset]
        figure, axes = panels(len(names))
        for axis, score in zip(axes, names):
            for place, objective in enumerate(objectives):
                values = rows.loc[rows["variant"] == objective, score].dropna().to_numpy()
                if not len(values):
                    continue
                if len(values) > 2 and np.ptp(values) > 0:
                    violin = axis.violinplot(values, [place], widths=0.8, showextrema=False)
                    violin["bodies"][0].set(facecolor=colours[objective], alpha=0.25)
                spread = np.linspace(-0.15, 0.15, len(values)) if len(values) > 1 else [0]
                axis.plot(place + np.asarray(spread), values, "o", ms=3, color=colours[objective])
                axis.plot([place - 0.3, place + 0.3], [np.median(values)] * 2, color="black", linewidth=1)
            axis.set_title(score)
            axis.set_xticks(range(len(objectives)), objectives, rotation=90, fontsize=7)
        figure.suptitle(dataset if len(datasets) > 1 else "", fontsize=10)
        plt.show()


# %% [markdown]
# ## Findings
# %%
for sentence in report["findings"]:
    print("•", sentence)
for dataset in report["datasets"]:
    for sentence in dataset["findings"]:
        print("•", f"{dataset['name']}: {sentence}" if dataset["name"] else sentence)
runs.groupby(["dataset", "variant", "strength"], sort=False)[information + metrics].agg(["median", "std"]).T
# %% [markdown]
# ## Scores by objective
# %%
by_objective(metrics) if metrics else print("No metric was measured.")
# %% [markdown]
# ## Information by objective
# %%
by_objective(information)
# %% [markdown]
# ## Scores by strength
# %%
for dataset in datasets:
    for score in metrics:
        figure, axes = panels(len(objectives), columns=len(objectives), width=1.5, height=1.8)
        for axis, objective in zip(axes, objectives):
            rows = runs[(runs["dataset"] == dataset) & (runs["variant"] == objective)]
            strengths = list(rows["strength"].unique())
            places = [strengths.index(strength) for strength in rows["strength"]]
            axis.plot(places, rows[score], "o", ms=3, color=colours[objective])
            axis.plot(rows.groupby("strength", sort=False)[score].median().to_numpy(), color=colours[objective])
            axis.set_xticks(
                range(len(strengths)), [", ".join(part.split(" ")[-1] for part in strength.split(", ")) for strength in strengths],
                fontsize=7)
            axis.set_title(objective, fontsize=8)
            axis.set_ylim(min(0, runs[score].min() * 1.05), max(1e-3, runs[score].max() * 1.05))
        figure.suptitle(f"{score}, {dataset}" if len(datasets) > 1 else score, fontsize=10)
        plt.show()
# %% [markdown]
# ## The rate–distortion plane
# %%
if "distortion" in scores:
    for dataset in datasets:
        rows = runs[runs["dataset"] == dataset]
        figure, axis = plt.subplots(figsize=(5, 3.5))
        for objective in objectives:
            one = rows[rows["variant"] == objective]
            axis.plot(one["rate"], one["distortion"], "o", ms=4, color=colours[objective], label=objective)
        best = rows.dropna(subset=["rate", "distortion"]).sort_values(["rate", "distortion"])
        best = best[best["distortion"] < best["distortion"].cummin().shift(fill_value=np.inf)]
        axis.step(best["rate"], best["distortion"], where="post", color="black", linewidth=0.8)
        axis.set(xlabel="rate R, nats", ylabel="distortion D, nats", title=dataset if len(datasets) > 1 else "")
        figure.legend(loc="outside right upper")
        plt.show()
# %% [markdown]
# ## Rank correlations
# %%
for dataset in datasets:
    shown = [name for name in scores if name in information + metrics or name.startswith("minibatch") or name in ("elbo", "udr")]
    rows = runs.loc[runs["dataset"] == dataset, shown]
    # Spearman's ρ: the correlation of ranks, over the runs that have both.
    ranks = pd.DataFrame({a: {b: np.nan for b in shown} for a in shown})
    for a in shown:
        for b in shown:
            pair = rows[[a, b]].dropna().to_numpy().T if a != b else np.stack([rows[a].dropna()] * 2)
            first, second = (pd.Series(column).rank().to_numpy() for column in pair)
            if len(first) > 2 and np.ptp(first) > 0 and np.ptp(second) > 0:
                ranks.loc[a, b] = np.corrcoef(first, second)[0, 1]
    figure, axis = plt.subplots(figsize=(0.36 * len(shown) + 2.4, 0.36 * len(shown) + 1.8))
    image = axis.imshow(ranks, cmap="RdBu_r", vmin=-1, vmax=1)
    axis.set_xticks(range(len(shown)), shown, rotation=90)
    axis.set_yticks(range(len(shown)), shown)
    for (row, column), value in np.ndenumerate(ranks.to_numpy()):
        if np.isfinite(value):
            text = f"{value:.1f}".replace("-0.0", "0.0").replace("-", "−")
            axis.text(
                column, row, text, ha="center", va="center", fontsize=6, color="white" if abs(value) > 0.6 else "black")
    figure.colorbar(image, label="Spearman's ρ", shrink=0.7)
    axis.set_title(dataset if len(datasets) > 1 else "")
    plt.show()
# %% [markdown]
# ## Variance explained
#
# The share of the variance of each score between objectives, between settings of objective and strength, and what is left to
# seeds, adjusted for the number of groups (ε²), with 95 % intervals of the bootstrap over runs.
# %%
def share(value):
    """A share with its interval."""
    if value.get("value") is None:
        return ""
    text = f"{value['value']:.2f}"
    interval = value.get("interval")
    return f"{text} ({interval['lower']:.2f} to {interval['upper']:.2f})" if interval else text


variance = pd.DataFrame([
    {"dataset": dataset["name"], "score": entry["score"], "objective": share(entry["objective"]),
     "objective and strength": share(entry["objective_and_strength"]), "seeds": share(entry["seeds"])}
    for dataset in report["datasets"] for entry in dataset["variance"]])
variance
# %% [markdown]
# ## Choosing without labels
#
# The score of the run that a value known without labels chooses; share is 1 for the best run and 0 for a random one.
# %%
pd.DataFrame([
    {"score": choice["target"], "chosen by": ("most " if choice["chooses_largest"] else "least ") + choice["chooser"],
     "chosen": choice["chosen"], "random": choice["random"], "best": choice["best"], "share": choice.get("share")}
    for choice in report["choices"]])
