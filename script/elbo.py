"""Takes from a run what the notebook of the ELBO draws, writes elbo.json, and builds and executes elbo.ipynb.

    python script/elbo.py RUN FOLDER

The notebook's cells are in elbo_notebook.py: `# %% [markdown]` begins a text, `# %%` a cell of code.
"""

import json
import sys
from pathlib import Path

import nbformat
import numpy as np
from nbclient import NotebookClient

import disentangle


def slices(run, likelihood, images=4, points=161):
    """log p(x, z) along the most used latent of some images, the other latents at the encoder's means, beside q(z_d|x)."""
    means, log_variances = run.posteriors()
    deviations = np.exp(log_variances / 2)
    latent = int(np.argmax((0.5 * (means**2 + deviations**2 - log_variances - 1)).mean(0)))
    data, found = disentangle.dsprites(), []
    for image in [row["index"] for row in likelihood["bounds"]["images"]][:images]:
        mean, deviation = means[image], deviations[image]
        z = mean[latent] + np.linspace(-8, 8, points) * deviation[latent]
        codes = np.repeat(mean[None], points, 0)
        codes[:, latent] = z
        pixels = np.clip(np.asarray(run.decode(codes), dtype=np.float64).reshape(points, -1), 1e-12, 1 - 1e-12)
        x = data[image].reshape(-1).astype(np.float64)
        joint = (x * np.log(pixels) + (1 - x) * np.log1p(-pixels)).sum(1) - 0.5 * (codes**2).sum(1)
        found.append({
            "image": int(image), "latent": latent, "z": z.tolist(), "joint": joint.tolist(),
            "mean": float(mean[latent]), "deviation": float(deviation[latent])})
    return found


def cells(path):
    """The cells of a Python file."""
    blocks, kind = [], None
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("# %%"):
            kind = "markdown" if "[markdown]" in line else "code"
            blocks.append((kind, []))
        elif kind is not None:
            blocks[-1][1].append(line.removeprefix("# ").removeprefix("#") if kind == "markdown" else line)
    make = {"markdown": nbformat.v4.new_markdown_cell, "code": nbformat.v4.new_code_cell}
    return [make[kind]("\n".join(lines).strip()) for kind, lines in blocks]


def main():
    path, folder = Path(sys.argv[1]), Path(sys.argv[2])
    run = disentangle.load_run(path)
    likelihood = json.loads((path / "likelihood.json").read_text(encoding="utf-8"))
    for key in ("bounds", "importance"):  # the curves are drawn, image by image there is nothing to see
        for image in likelihood[key]["images"]:
            image.pop("prior", None)
    decomposition = run.decompose(samples=10_000).to_dict()
    content = {
        "run": path.name, "likelihood": likelihood, "decomposition": decomposition, "slices": slices(run, likelihood)}
    text = json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False)
    (folder / "elbo.json").write_text(text + "\n", encoding="utf-8")
    notebook = nbformat.v4.new_notebook(cells=cells(Path(__file__).with_name("elbo_notebook.py")))
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    for number, cell in enumerate(notebook.cells, 1):
        cell.id = f"cell-{number}"
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(folder)}}).execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # the times of this execution
    nbformat.write(notebook, folder / "elbo.ipynb")


main()
