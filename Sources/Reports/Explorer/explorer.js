"use strict";
(() => {
  const element = (id) => document.getElementById(id);
  const facts = JSON.parse(element("facts").textContent);
  const dimensions = facts.latents.length;
  const [height, width, channels] = [facts.image.height, facts.image.width, facts.image.channels];

  // ---- What the page carries

  const bytes = (id) => {
    const text = atob(element(id).textContent), result = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i++) result[i] = text.charCodeAt(i);
    return result;
  };
  const floats = (id) => new Float32Array(bytes(id).buffer);
  const weights = floats("weights");
  const codes = floats("codes");  // for each image its means, then its log-variances
  let packed = null;  // the images, one bit or one byte for each value

  const inflate = async (deflated) => {
    const stream = new Blob([deflated]).stream().pipeThrough(new DecompressionStream("deflate"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  };

  const image = (position) => {
    const size = height * width * channels, values = new Float32Array(size);
    if (facts.binary) {
      const start = position * Math.ceil(size / 8);
      for (let i = 0; i < size; i++) values[i] = (packed[start + (i >> 3)] >> (i & 7)) & 1;
    } else {
      for (let i = 0; i < size; i++) values[i] = packed[position * size + i] / 255;
    }
    return values;
  };

  // ---- The decoder: sums in double precision, values between layers in single, images as [height, width, channels]

  const activations = {
    "identity": (x) => x,
    "relu": (x) => (x > 0 ? x : 0),
    "tanh": Math.tanh,
    "leaky-relu": (x, slope) => (x > 0 ? x : slope * x),
  };

  /// Sums of images begin with the bias of each channel, or with 0.
  const start = (sums, bias) => {
    if (!bias) { sums.fill(0); return; }
    for (let i = 0; i < sums.length; i += bias.length) sums.set(bias, i);
  };

  /// From −1 to 1; −1 where there is only one pixel.
  const coordinate = (index, extent) => (extent === 1 ? -1 : 2 * index / (extent - 1) - 1);

  /// Calls body with the places of the same pixel in an image and in a larger one around it.
  const inside = ([rows, columns, channels], [, wide], [top, left], body) => {
    for (let y = 0; y < rows; y++) for (let x = 0; x < columns * channels; x++) {
      body(y * columns * channels + x, ((y + top) * wide + left) * channels + x);
    }
  };

  const operations = {
    "dense": ({ arrays: [W, bias] }, x, sums) => {
      const outputs = sums.length;
      sums.set(bias);
      for (let i = 0, w = 0; i < x.length; i++) {
        const value = x[i];
        if (value === 0) { w += outputs; continue; }
        for (let o = 0; o < outputs; o++) sums[o] += value * W[w++];
      }
    },
    // W[ky·K + kx, high, low]: each low pixel adds to the K × K high pixels that its kernel covers.
    "transposed-convolution": ({ arrays: [W, bias], kernel, stride, padding, input, output }, x, sums) => {
      start(sums, bias);
      const [rows, columns, low] = input, [highRows, highColumns, high] = output;
      for (let r = 0; r < rows; r++) for (let ky = 0; ky < kernel; ky++) {
        const y = r * stride - padding + ky;
        if (y < 0 || y >= highRows) continue;
        for (let c = 0; c < columns; c++) for (let kx = 0; kx < kernel; kx++) {
          const column = c * stride - padding + kx;
          if (column < 0 || column >= highColumns) continue;
          const from = (r * columns + c) * low, to = (y * highColumns + column) * high;
          for (let h = 0, w = (ky * kernel + kx) * high * low; h < high; h++) {
            let sum = 0;
            for (let l = 0; l < low; l++) sum += x[from + l] * W[w++];
            sums[to + h] += sum;
          }
        }
      }
    },
    // The same weights the other way: each low pixel collects from the high pixels that its kernel covers.
    "convolution": ({ arrays: [W, bias], kernel, stride, padding, input, output }, x, sums) => {
      start(sums, bias);
      const [highRows, highColumns, high] = input, [rows, columns, low] = output;
      for (let r = 0; r < rows; r++) for (let ky = 0; ky < kernel; ky++) {
        const y = r * stride - padding + ky;
        if (y < 0 || y >= highRows) continue;
        for (let c = 0; c < columns; c++) for (let kx = 0; kx < kernel; kx++) {
          const column = c * stride - padding + kx;
          if (column < 0 || column >= highColumns) continue;
          const from = (y * highColumns + column) * high, to = (r * columns + c) * low;
          for (let h = 0, w = (ky * kernel + kx) * high * low; h < high; h++) {
            const value = x[from + h];
            for (let l = 0; l < low; l++) sums[to + l] += value * W[w++];
          }
        }
      }
    },
  };

  Object.assign(operations, {
    "identity": (layer, x, sums) => sums.set(x),
    "batch-normalisation": ({ arrays: [scale, shift, mean, variance], epsilon }, x, sums) => {
      const channels = scale.length;
      for (let i = 0; i < x.length; i++) {
        const c = i % channels;
        sums[i] = (x[i] - mean[c]) / Math.sqrt(variance[c] + epsilon) * scale[c] + shift[c];
      }
    },
    // Mean and variance over the pixels and the adjacent channels of a group.
    "group-normalisation": ({ arrays: [scale, shift], groups, epsilon }, x, sums) => {
      const channels = scale.length, size = channels / groups, count = x.length / groups;
      const group = (i) => Math.floor(i % channels / size);
      const means = new Float64Array(groups), variances = new Float64Array(groups);
      for (let i = 0; i < x.length; i++) means[group(i)] += x[i] / count;
      for (let i = 0; i < x.length; i++) variances[group(i)] += (x[i] - means[group(i)]) ** 2 / count;
      for (let i = 0; i < x.length; i++) {
        const g = group(i), c = i % channels;
        sums[i] = (x[i] - means[g]) / Math.sqrt(variances[g] + epsilon) * scale[c] + shift[c];
      }
    },
    "upsampling": ({ factor, input: [, columns, channels], output: [rows, wide] }, x, sums) => {
      for (let y = 0, to = 0; y < rows; y++) for (let column = 0; column < wide; column++) {
        const from = (Math.floor(y / factor) * columns + Math.floor(column / factor)) * channels;
        for (let c = 0; c < channels; c++) sums[to++] = x[from + c];
      }
    },
    "spatial-broadcast": ({ output: [rows, columns] }, x, sums) => {
      for (let y = 0, to = 0; y < rows; y++) for (let column = 0; column < columns; column++) {
        for (let d = 0; d < x.length; d++) sums[to++] = x[d];
        sums[to++] = coordinate(column, columns);
        sums[to++] = coordinate(y, rows);
      }
    },
    "padding": ({ input, output, offset }, x, sums) => {
      sums.fill(0);
      inside(input, output, offset, (small, large) => { sums[large] = x[small]; });
    },
    "cropping": ({ input, output, offset }, x, sums) => {
      inside(output, input, offset, (small, large) => { sums[small] = x[large]; });
    },
    "residual": ({ main, shortcut }, x, sums) => {
      const a = run(main, x), b = run(shortcut, x);
      for (let i = 0; i < sums.length; i++) sums[i] = a[i] + b[i];
    },
  });

  let used = 0;
  const prepare = (layer) => {
    const size = layer.output.reduce((a, b) => a * b, 1);
    return {
      ...layer, arrays: layer.counts.map((count) => weights.subarray(used, used += count)),
      main: layer.main?.map(prepare), shortcut: layer.shortcut?.map(prepare),
      sums: new Float64Array(size), values: new Float32Array(size),
    };
  };
  const layers = facts.layers.map(prepare);

  /// The output of layers one after the other; it is theirs, and overwritten by the next run.
  const run = (layers, x) => {
    for (const layer of layers) {
      const { sums, values, slope } = layer, activation = activations[layer.activation];
      operations[layer.operation](layer, x, sums);
      for (let i = 0; i < sums.length; i++) values[i] = activation(sums[i], slope);
      x = values;
    }
    return x;
  };

  /// What the likelihood takes for a code z, an array of D numbers in the order of the latents' indices.
  const output = (z) => run(layers, Float32Array.from(z));

  const isBernoulli = facts.likelihood.name === "bernoulli";

  /// The mean of p(x|z), [height, width, channels].
  const decode = (z) => {
    const x = output(z);
    return isBernoulli ? x.map((logit) => 1 / (1 + Math.exp(-logit))) : x.slice();
  };

  /// −log p(x|z) in nats.
  const distortion = (target, x) => {
    const s = facts.likelihood.scale;
    let sum = 0;
    for (let i = 0; i < x.length; i++) {
      const difference = x[i] - target[i];
      if (isBernoulli) sum += Math.max(x[i], 0) - x[i] * target[i] + Math.log1p(Math.exp(-Math.abs(x[i])));
      else if (facts.likelihood.name === "gaussian") {
        sum += 0.5 * (difference * difference / (s * s) + Math.log(2 * Math.PI * s * s));
      } else sum += Math.abs(difference) / s + Math.log(2 * s);
    }
    return sum;
  };

  // ---- Pictures

  const isColour = channels === 3;
  const tiles = isColour ? 1 : channels;  // other channels stand side by side, as greys
  const draw = (canvas, values) => {
    const context = canvas.getContext("2d"), pixels = context.createImageData(width * tiles, height);
    for (let y = 0; y < height; y++) for (let tile = 0; tile < tiles; tile++) for (let x = 0; x < width; x++) {
      const to = 4 * ((y * tiles + tile) * width + x), from = (y * width + x) * channels;
      for (let c = 0; c < 3; c++) pixels.data[to + c] = 255 * values[from + (isColour ? c : tile)];
      pixels.data[to + 3] = 255;
    }
    context.putImageData(pixels, 0, 0);
  };

  // ---- What is shown

  const number = (value, digits = 2) => value.toFixed(digits).replace("-", "−").replace(/^−(0(\.0+)?)$/, "$1");
  const state = { position: 0, z: new Array(dimensions).fill(0), data: null };
  const mean = (k) => codes[(2 * state.position) * dimensions + k];
  const deviation = (k) => Math.exp(0.5 * codes[(2 * state.position + 1) * dimensions + k]);
  const rows = [];

  const curve = (points, close) => {
    const path = points.map(([x, y], i) => `${i ? "L" : "M"}${x.toFixed(2)} ${(39 - 36 * y).toFixed(2)}`).join("");
    return close ? `M0 40${path.replace("M", "L")}L160 40Z` : path;
  };
  const place = (latent, z) => 160 * ((z - latent.mean) / latent.deviation + 3) / 6;

  const addRow = (latent) => {
    const row = element("latent-row").content.cloneNode(true).firstElementChild;
    const slider = row.querySelector("input"), id = `z${latent.index}`;
    row.querySelector("label").htmlFor = slider.id = id;
    row.querySelector("b").textContent = id;
    row.querySelector("label span").textContent = `${latent.values ? "I" : "KL"} ${number(latent.kl)} nats`;
    slider.min = latent.mean - 3 * latent.deviation;
    slider.max = latent.mean + 3 * latent.deviation;
    const last = latent.density.length - 1, prior = latent.density.map((_, i) => {
      const z = latent.mean + latent.deviation * (6 * i / last - 3);
      return latent.values ? 0 : Math.exp(-0.5 * z * z) / (Math.sqrt(2 * Math.PI) * latent.peak);
    });
    const highest = Math.max(1, ...prior), points = (values) => values.map((q, i) => [160 * i / last, q / highest]);
    row.querySelector(".aggregate").setAttribute("d", curve(points(latent.density), true));
    row.querySelector(".prior").setAttribute("d", curve(points(prior), false));
    slider.addEventListener("input", () => { state.z[latent.index] = Number(slider.value); show(); });
    element(latent.active ? "active" : "inactive").append(row);
    rows.push({ latent, slider, output: row.querySelector("output"), image: row.querySelector(".image") });
  };

  const showImage = () => {
    state.data = image(state.position);
    draw(element("data-picture"), state.data);
    element("data-picture").setAttribute("aria-label", `Data image ${facts.indices[state.position]}`);
    for (const { latent, image } of rows) {
      const m = mean(latent.index), s = deviation(latent.index), points = [];
      for (let i = -16; i <= 16; i++) points.push([place(latent, m + 0.25 * i * s), Math.exp(-0.03125 * i * i)]);
      image.setAttribute("d", curve(points, false));
    }
  };

  const show = () => {
    const start = performance.now();
    const x = output(state.z);
    const nats = distortion(state.data, x);
    draw(element("decoded-picture"), isBernoulli ? x.map((logit) => 1 / (1 + Math.exp(-logit))) : x);
    explorer.milliseconds = performance.now() - start;
    for (const { latent, slider, output } of rows) {
      const z = state.z[latent.index], m = number(mean(latent.index)), s = number(deviation(latent.index));
      slider.value = z;
      output.innerHTML = `<b>${number(z)}</b> &nbsp; <em>μ ${m} &nbsp;σ ${s}</em>`;
      slider.setAttribute("aria-valuetext", `${number(z)}; this image has mean ${m}, deviation ${s}`);
    }
    element("decoded-picture").setAttribute("aria-label", `Decoded picture of the code, ${number(nats, 1)} nats from the data image`);
    element("distortion").innerHTML = `−log <i>p</i>(<i>x</i>|<i>z</i>) = <b>${number(nats, 1)}</b> nats`;
  };

  const setCode = (value) => { state.z = state.z.map((_, k) => value(k)); show(); };
  const select = (position) => { state.position = position; showImage(); setCode(mean); };
  const normal = () => Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());

  // ---- Choosing an image

  const addChoice = (name, count, describe, changed) => {
    const row = document.createElement("div"), label = document.createElement("label");
    const shown = document.createElement("output"), slider = document.createElement("input");
    row.className = "factor";
    label.textContent = name;
    slider.id = label.htmlFor = `factor-${name.replace(/\s+/g, "-")}`;
    Object.assign(slider, { type: "range", min: 0, max: count - 1, step: 1, disabled: count < 2 });
    slider.value = Math.floor((count - 1) / 2);
    shown.setAttribute("aria-live", "off");
    const update = () => {
      shown.textContent = describe(Number(slider.value));
      slider.setAttribute("aria-valuetext", shown.textContent);
    };
    slider.addEventListener("input", () => { update(); changed(); });
    update();
    row.append(label, shown, slider);
    element("factors").append(row);
    return slider;
  };

  const addChoices = () => {
    const total = facts.dataset.count.toLocaleString("en"), some = facts.indices.length.toLocaleString("en");
    const all = facts.indices.length === facts.dataset.count;
    const held = facts.binary ? "" : " Pixels are held as bytes.";
    let note = all ? `All ${total} images of ${facts.dataset.name} can be chosen.`
      : `This page carries ${some} of the ${total} images of ${facts.dataset.name}`;
    if (facts.choices.length) {
      const sliders = [];
      const chosen = () => facts.choices.reduce((index, c, k) => index * c.values.length + Number(sliders[k].value), 0);
      for (const { name, size, values } of facts.choices) {
        sliders.push(addChoice(name, values.length, (i) => `${values[i]} (of 0 to ${size - 1})`, () => select(chosen())));
      }
      const reduced = facts.choices.filter((c) => c.values.length < c.size);
      if (!all) note += ", a grid: " + reduced.map((c) => `${c.name} ${c.values.join(", ")}`).join("; ")
        + (reduced.length < facts.choices.length ? "; all values of the others." : ".");
      element("choice-note").textContent = note + held;
      return chosen();
    }
    const describe = (i) => {
      const known = facts.factors ? facts.factors.values[i].map((v, k) => `${facts.factors.names[k]} ${v ?? "unknown"}`).join(", ") : "";
      return `${facts.indices[i].toLocaleString("en")}${known ? `: ${known}` : ""}`;
    };
    const slider = addChoice("image", facts.indices.length, describe, () => select(Number(slider.value)));
    element("choice-note").textContent = note + (all ? "" : ", at even distances.") + held;
    return Number(slider.value);
  };

  // ---- Beginning

  const begin = async () => {
    for (const id of ["data-picture", "decoded-picture"]) Object.assign(element(id), { width: width * tiles, height });
    for (const latent of facts.latents) addRow(latent);
    const inactive = facts.latents.filter((latent) => !latent.active).length;
    element("inactive-details").hidden = inactive === 0;
    element("inactive-details").open = inactive === dimensions;
    element("inactive-summary").textContent =
      `${inactive} inactive latent${inactive === 1 ? "" : "s"}: the posterior mean varies by less than 0.01`;
    const values = [];
    for (const latent of facts.latents) values[latent.index] = latent.values;
    const isDiscrete = facts.latents.some((latent) => latent.values);
    if (isDiscrete) {
      element("to-zero").textContent = element("to-zero").title = "middle values";
      element("inactive-summary").textContent = `${inactive} inactive latent${inactive === 1 ? "" : "s"}: H(z_d) < 0.01`;
    }
    element("code-note").textContent = (isDiscrete
      ? "Latents by falling I(x; z_d). The codes of images are quantised; the sliders move between their values, too, and cover "
      : "Latents by falling KL from the prior. Each slider covers ") + "± 3 standard deviations "
      + "of the aggregate posterior over all images. The decoder runs in this page; μ and σ are the program's.";
    element("to-mean").addEventListener("click", () => setCode(mean));
    element("to-zero").addEventListener("click", () => setCode((k) => isDiscrete ? values[k][values[k].length >> 1] : 0));
    element("to-prior").addEventListener("click", () => setCode(
      (k) => isDiscrete ? values[k][Math.floor(Math.random() * values[k].length)] : normal()));
    element("to-posterior").addEventListener("click", () => setCode((k) => mean(k) + deviation(k) * normal()));
    packed = await inflate(bytes("images"));
    select(addChoices());
  };

  /// For programs: `ready` settles when the page is; `decode` takes a code and gives the mean of p(x|z).
  const explorer = { facts, state, decode, image, codes, milliseconds: 0 };
  explorer.ready = begin().catch((error) => {
    element("problem").hidden = false;
    element("problem").textContent = `This page needs a browser of 2023 or later (${error.message}).`;
    throw error;
  });
  window.explorer = explorer;
})();
