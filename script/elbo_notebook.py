# %% [markdown]
# # From log p(x) to the decomposition of the rate
#
# Every number here is measured on one real model; all data are in `elbo.json` beside this notebook, all information is in nats. The notebook
# needs numpy and matplotlib. Figures with a slider work without a network and without a running kernel.
# %%
import io
import json
import uuid

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import HTML

with open("elbo.json", encoding="utf-8") as file:
    data = json.load(file)
likelihood, decomposition = data["likelihood"], data["decomposition"]
bounds, curve, importance = likelihood["bounds"], likelihood["curve"], likelihood["importance"]

# The colours of Okabe and Ito, which people with colour blindness can distinguish.
BLUE, ORANGE, GREEN, RED = "#0072B2", "#E69F00", "#009E73", "#D55E00"
plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False, "svg.fonttype": "none", "svg.hashsalt": "elbo", "figure.dpi": 110})


def slider(label, values, draw, size=(6.4, 3.6)):
    """One figure for each value, of which a slider shows one."""
    name, frames = "s" + uuid.uuid5(uuid.NAMESPACE_URL, label).hex[:8], []
    for value in values:
        figure, axes = plt.subplots(figsize=size, layout="constrained")
        draw(axes, value)
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None})
        plt.close(figure)
        frames.append(text.getvalue()[text.getvalue().index("<svg"):])
    shown = "".join(
        f'<div class="{name}" style="display:{"none" if i else "block"}">{frame}</div>' for i, frame in enumerate(frames))
    return HTML(
        f'<label>{label} <input type="range" min="0" max="{len(frames) - 1}" value="0" oninput="document.'
        f"querySelectorAll('.{name}').forEach((d, i) => d.style.display = i == this.value ? 'block' : 'none')\"></label>"
        + shown)


# %% [markdown]
# ## log p(x) is an integral
#
# $$p(x) = \int p(z)\,p(x|z)\,dz$$
#
# The mean of p(x|z) over K codes from the prior estimates p(x) without bias. Hardly any code of the prior explains a given image, so that its logarithm
# is far too low. Codes from q(z|x) with the weights $w = p(z)\,p(x|z)/q(z|x)$ have the same mean and meet it much sooner (Burda et al. 2016). Still
# $E \log \frac{1}{K}\sum w \le \log p(x)$, by Jensen's inequality. Move the slider: with one code it is the ELBO.
# %%
points = importance["curve"]


def draw_importance(axes, count):
    shown = points[:count]
    codes = [point["samples"] for point in points]
    for key, colour, label in [("importance", BLUE, "codes from q(z|x)"), ("prior", RED, "codes from p(z)")]:
        values = [importance["importance"]["value"] - point[key]["value"] for point in shown]
        axes.plot(codes[:count], values, "o-", color=colour, label=label)
    axes.set(xscale="log", yscale="symlog", xlabel="K, codes for each image", ylabel="nats below the best estimate")
    axes.set_xlim(0.8, 1.3 * codes[-1])
    axes.set_ylim(-0.3, 1.5 * (importance["importance"]["value"] - points[0]["prior"]["value"]))
    value = shown[-1]["importance"]["value"]
    axes.set_title(f"K = {shown[-1]['samples']}: {value:.2f} by q(z|x), {shown[-1]['prior']['value']:.0f} by p(z)", fontsize=10)
    axes.legend(frameon=False)


slider("K of importance sampling", range(1, len(points) + 1), draw_importance)
# %% [markdown]
# ## The gap is a divergence
#
# $$\log p(x) - \mathrm{ELBO} = \mathrm{KL}(q(z|x)\,\|\,p(z|x))$$
#
# Below, the density of codes along the latent that carries most information, for some images, the other latents at the encoder's means: in blue from the
# decoder, in orange the encoder's Gaussian. Where orange is wider than blue, it has codes that do not explain the image; where it misses blue, codes that
# do are never seen.
# %%
def draw_slice(axes, number):
    part = data["slices"][number]
    z, joint = np.array(part["z"]), np.array(part["joint"])
    density = np.exp(joint - joint.max())
    density /= np.trapezoid(density, z) if hasattr(np, "trapezoid") else np.trapz(density, z)
    mean, deviation = part["mean"], part["deviation"]
    gaussian = np.exp(-0.5 * ((z - mean) / deviation) ** 2) / (deviation * np.sqrt(2 * np.pi))
    axes.fill_between(z, density, color=BLUE, alpha=0.3, label="posterior along the latent")
    axes.plot(z, gaussian, color=ORANGE, label="q of the encoder")
    axes.set(xlabel=f"latent {part['latent']}", ylabel="density", title=f"image {part['image']}")
    axes.legend(frameon=False)


slider("Image", range(len(data["slices"])), draw_slice)
# %% [markdown]
# ## Annealing meets log p(x), from both sides
#
# Chains of codes pass from the prior through $p(z)\,p(x|z)^\beta$ to the posterior (Neal 2001). On images of the data set they give a lower bound; on images
# drawn from the model, whose codes are known, chains that go back give an upper bound as well (Grosse et al. 2015). The distance of both is the error of the method.
# %%
figure, axes = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
seen = [point for point in bounds["curve"] if point["annealed"]["value"] > 2 * bounds["elbo"]["value"]]
axes[0].plot(
    [point["evaluations"] for point in seen], [point["annealed"]["value"] for point in seen], "o-", color=BLUE,
    label="log p̂(x)")
axes[0].axhline(bounds["best_elbo"]["value"], color="grey", linestyle=":", label="ELBO of the best Gaussian")
axes[0].axhline(bounds["elbo"]["value"], color="black", linestyle="--", label="ELBO of the encoder")
axes[0].set(xscale="log", xlabel="evaluations of the decoder", ylabel="mean over images", title="images of the data set")
axes[0].set_xticks([point["evaluations"] for point in seen], [str(point["evaluations"]) for point in seen])
axes[0].minorticks_off()
axes[0].legend(frameon=False)
seen = bounds["bracket"]["curve"][2:]
for key, colour in [("upper", RED), ("lower", GREEN)]:
    axes[1].plot(
        [point["evaluations"] for point in seen], [point[key]["value"] for point in seen], "o-", color=colour,
        label=key + " bound")
axes[1].set(xscale="log", xlabel="evaluations of the decoder", title="images drawn from the model")
axes[1].set_xticks([point["evaluations"] for point in seen], [str(point["evaluations"]) for point in seen])
axes[1].minorticks_off()
axes[1].legend(frameon=False)
plt.show()
print(f"Both bounds are {bounds['bracket']['curve'][-1]['gap']['value']:.2f} nats apart.")
# %% [markdown]
# ## Where the ELBO loses
#
# The best diagonal Gaussian of each image, found without the encoder, splits the gap: what no diagonal Gaussian can have (approximation), and what the
# encoder does not find (amortisation; Cremer et al. 2018).
# %%
figure, axes = plt.subplots(figsize=(7, 1.6), layout="constrained")
left = 0.0
for key, label, colour in [
    ("approximation_gap", "approximation", ORANGE), ("amortisation_gap", "amortisation", BLUE)]:
    value, error = bounds[key]["value"], bounds[key]["standard_error"]
    axes.barh([0], [value], left=left, color=colour, label=f"{label} {value:.2f} ± {error:.2f}")
    left += value
axes.set(yticks=[], xlabel="nats between log p̂(x) and the ELBO")
axes.legend(frameon=False, ncols=2, loc="lower center", bbox_to_anchor=(0.5, 1))
plt.show()
# %% [markdown]
# ## β along the curve of one decoder
#
# $-\mathrm{ELBO} = D + R$. For a fixed decoder the best encoder at a price β of distortion is $q_\beta(z|x) \propto p(z)\,e^{-\beta d(x, z)}$; annealing passes
# these densities on its way, and gives the least rate of any encoder for each distortion (Huang et al. 2020). Objectives that weigh the rate, D + b·R, pay
# for this at β = 1/b. Move β along the curve.
# %%
table = [point for point in curve["points"] if point["distortion"]["value"] < 3 * curve["encoder"]["distortion"]["value"]]
rates = np.array([point["rate"]["value"] for point in table])
distortions = np.array([point["distortion"]["value"] for point in table])


def draw_curve(axes, number):
    beta = table[number]["beta"]
    axes.plot(rates, distortions, color=BLUE, label="least rate of any encoder, at most")
    place = curve["encoder"]
    axes.plot(place["rate"]["value"], place["distortion"]["value"], "s", color=RED, label="the encoder")
    place = curve["best_gaussian"]
    axes.plot(place["rate"]["value"], place["distortion"]["value"], "D", color=GREEN, label="best Gaussians")
    axes.plot(rates[number], distortions[number], "o", color=BLUE, markersize=9)
    span = np.array([rates[number] - 4, rates[number] + 4])
    axes.plot(span, distortions[number] - (span - rates[number]) / beta, color="grey", linestyle=":", label="slope −1/β")
    axes.set(
        xlabel="rate R", ylabel="distortion D", xlim=(0, 1.05 * rates.max()), ylim=(0.9 * distortions.min(), 1.05 * distortions.max()),
        title=f"β = {beta:.3g}: R ≤ {rates[number]:.2f}, D = {distortions[number]:.2f}")
    axes.legend(frameon=False)


slider("β", range(len(table)), draw_curve)
# %% [markdown]
# ## The rate and its parts
#
# Over the whole data set the rate is the sum of three terms, exactly: $R = I(x; z) + \mathrm{TC}(z) + \sum_d \mathrm{KL}(q(z_d)\,\|\,p(z_d))$. The information lies
# between H − D and R. The last two together are KL(q(z) ‖ p(z)): how far the codes of images are from those of the prior.
# %%
figure, axes = plt.subplots(figsize=(7, 1.6), layout="constrained")
left = 0.0
for key, label, colour in [
    ("mutual_information", "I(x; z)", BLUE), ("total_correlation", "TC(z)", ORANGE),
    ("dimension_wise_kl", "dimension-wise KL", GREEN)]:
    value = decomposition[key]["value"]
    axes.barh([0], [value], left=left, color=colour, label=f"{label} {value:.3f}")
    left += value
axes.set(yticks=[], xlabel="nats")
axes.legend(frameon=False, ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1))
plt.show()
# %%
coverage = likelihood["coverage"]
figure, axes = plt.subplots(figsize=(6.4, 3), layout="constrained")
for key, colour, label in [("prior_ratios", RED, "codes from p(z)"), ("posterior_ratios", BLUE, "codes from q(z)")]:
    values = np.array(coverage[key])
    axes.plot(values, (np.arange(len(values)) + 0.5) / len(values), color=colour, label=label)
axes.axvline(0, color="black", linestyle=":")
axes.set(xlabel="log q(z) − log p(z)", ylabel="share of codes below", xlim=(np.quantile(coverage["prior_ratios"], 0.01), None))
axes.legend(frameon=False)
plt.show()
print(f"{100 * coverage['holes']['value']:.1f} % of the prior's codes lie where q(z) < p(z)/10.")
