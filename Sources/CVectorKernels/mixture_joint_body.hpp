// A part of mixture_body.hpp, whose sums it uses.

namespace VK_LEVEL {

// The joint density alone. A trained encoder's posteriors are narrow, and those of neighbouring images lie together: most tiles
// are too far from a point to count, which their bounds tell.

/// Components count down to this power of 2 relative to the reference, which is a large one's density.
constexpr float leave_out_below = 50.f;

/// At most log₂ of the density at z of any component, for each tile of a chunk.
static void chunk_bounds(size_t d, const float *bounds, const float *z, float *out) {
  for (int i = 0; i < VK_MIXTURE_CHUNK_TILES; i += width) {
    const float *p = bounds + i;
    vec value = load(p + 3 * d * VK_MIXTURE_CHUNK_TILES);
    for (size_t j = 0; j < d; j++, p += 3 * VK_MIXTURE_CHUNK_TILES) {
      const vec zj = splat(z[j]), below = load(p) - zj, above = zj - load(p + VK_MIXTURE_CHUNK_TILES);
      const vec t = vmax(vmax(below, above), splat(0.f)) * load(p + 2 * VK_MIXTURE_CHUNK_TILES);
      value = fma(-t, t, value);
    }
    store(out + i, value);
  }
}

/// The largest density of the tile with the largest bound: a reference that is hardly ever exceeded by much.
static double joint_reference(size_t d, const float *table, const float *bounds, size_t chunks, const float *z) {
  float best = -__builtin_inff(), of[VK_MIXTURE_CHUNK_TILES], values[VK_MIXTURE_TILE];
  size_t tile = 0;
  for (size_t chunk = 0; chunk < chunks; chunk++, bounds += (3 * d + 1) * VK_MIXTURE_CHUNK_TILES) {
    chunk_bounds(d, bounds, z, of);
    vec largest = load(of);
    for (int i = width; i < VK_MIXTURE_CHUNK_TILES; i += width) largest = vmax(largest, load(of + i));
    if (!(max_lanes(largest) > best)) continue;
    for (size_t i = 0; i < VK_MIXTURE_CHUNK_TILES; i++)
      if (of[i] > best) best = of[i], tile = chunk * VK_MIXTURE_CHUNK_TILES + i;
  }
  chunk_values(d, table + tile * (3 * d + 1) * VK_MIXTURE_TILE, 1, z, d, values);
  float top = -1e37f;
  for (int i = 0; i < VK_MIXTURE_TILE; i++) top = values[i] > top ? values[i] : top;
  return top;
}

/// One tile at SAMPLES points. A component whose density is too small after some dimensions cannot count: it only decreases.
template <int SAMPLES>
VK_INLINE void tile_joint(size_t d, const float *tile, const int32_t *order, const float *z, const float *references,
                          vec *partial) {
  // Dimensions from one look at the densities to the next.
  constexpr size_t interval = SAMPLES == 1 ? 2 : 4;
  for (int first = 0; first < VK_MIXTURE_TILE; first += group) {
    const float *constants = tile + 3 * d * VK_MIXTURE_TILE + first;
    vec joint[SAMPLES][4];
    const auto counts = [&](int u) VK_LAMBDA {
      const vec near = splat(references[u] - leave_out_below);
      ivec any = (joint[u][0] > near) | (joint[u][1] > near) | (joint[u][2] > near) | (joint[u][3] > near);
      return __builtin_reduce_or(any) != 0;
    };
    for (int u = 0; u < SAMPLES; u++)
      for (int i = 0; i < 4; i++) joint[u][i] = load(constants + i * width);
    bool may_count = true;
    for (size_t k = 0; k < d && may_count; k++) {
      const size_t j = order ? (size_t)order[k] : k;
      const float *p = tile + 3 * j * VK_MIXTURE_TILE + first;
      vec mean[4], scale[4];
#pragma unroll
      for (int i = 0; i < 4; i++) {
        mean[i] = load(p + i * width);
        scale[i] = load(p + VK_MIXTURE_TILE + i * width);
      }
#pragma unroll
      for (int u = 0; u < SAMPLES; u++) {
        const vec zj = splat(z[u * d + j]);
#pragma unroll
        for (int i = 0; i < 4; i++) {
          vec t = (zj - mean[i]) * scale[i];
          joint[u][i] = fma(-t, t, joint[u][i]);
        }
      }
      if (k % interval == interval - 1) {
        may_count = false;
        for (int u = 0; u < SAMPLES; u++) may_count = may_count || counts(u);
      }
    }
    if (!may_count) continue;
    for (int u = 0; u < SAMPLES; u++) {
      if (!counts(u)) continue;
      vec added = partial[u];
      for (int i = 0; i < 4; i++) added += vexp2(joint[u][i] - splat(references[u]));
      partial[u] = added;
    }
  }
}

/// One chunk at up to four points. Where `wants_all` says that a point wanted nearly all tiles of the chunk before, its bounds
/// are looked at in every fourth chunk only: what they would have left out adds nothing.
static void chunk_joint(size_t d, const float *tiles, const float *bounds, size_t count, const int32_t *order,
                        size_t samples, const float *z, running_sum *sums, bool looks, bool *wants_all) {
  constexpr size_t together = 4;
  const size_t stride = (3 * d + 1) * VK_MIXTURE_TILE;
  float of[together][VK_MIXTURE_CHUNK_TILES], references[together], near[together];
  dvec total[together] = {};
  vec partial[together] = {};
  for (size_t u = 0; u < samples; u++) {
    references[u] = (float)sums[u].reference;
    // With room for the rounding of bounds and densities.
    near[u] = references[u] - leave_out_below - 1 - 1e-4f * __builtin_fabsf(references[u]);
    if (wants_all[u] && !looks) {
      for (size_t tile = 0; tile < count; tile++) of[u][tile] = __builtin_inff();
      continue;
    }
    chunk_bounds(d, bounds, z + u * d, of[u]);
    size_t wanted = 0;
    for (size_t tile = 0; tile < count; tile++) wanted += of[u][tile] > near[u];
    wants_all[u] = 16 * wanted >= 15 * count;
  }
  for (size_t tile = 0; tile < count; tile++) {
    const float *from = tiles + tile * stride;
    size_t wanted = 0;
    for (size_t u = 0; u < samples; u++) wanted += of[u][tile] > near[u];
    if (wanted == together) {
      tile_joint<together>(d, from, order, z, references, partial);
    } else if (wanted > 0) {
      for (size_t u = 0; u < samples; u++)
        if (of[u][tile] > near[u]) tile_joint<1>(d, from, order, z + u * d, references + u, partial + u);
    }
    if (tile % 4 == 3 || tile + 1 == count)
      for (size_t u = 0; u < samples; u++) {
        total[u] += __builtin_convertvector(partial[u], dvec);
        partial[u] = (vec){};
      }
  }
  for (size_t u = 0; u < samples; u++) {
    const double added = sum_lanes(&total[u]);
    if (added <= rescale_above) sums[u].sum += added;
    else add_rescaled(d, tiles, count, z + u * d, d, sums + u);
  }
}

static void log2_joint(size_t n, size_t d, const float *table, const int32_t *order, size_t samples, const float *z,
                       double *joint, double *scratch) {
  const size_t stride = (3 * d + 1) * VK_MIXTURE_TILE, tiles = (n + VK_MIXTURE_TILE - 1) / VK_MIXTURE_TILE;
  const size_t chunks = (tiles + VK_MIXTURE_CHUNK_TILES - 1) / VK_MIXTURE_CHUNK_TILES;
  const float *bounds = table + tiles * stride;
  running_sum *sums = (running_sum *)scratch;
  bool *wants_all = (bool *)(sums + samples);
  for (size_t s = 0; s < samples; s++) wants_all[s] = false;
  for (size_t s = 0; s < samples; s++) sums[s] = {0, joint_reference(d, table, bounds, chunks, z + s * d)};
  for (size_t chunk = 0; chunk < chunks; chunk++) {
    const size_t tile = chunk * VK_MIXTURE_CHUNK_TILES;
    const size_t count = tiles - tile < VK_MIXTURE_CHUNK_TILES ? tiles - tile : VK_MIXTURE_CHUNK_TILES;
    for (size_t s = 0; s < samples; s += 4)
      chunk_joint(d, table + tile * stride, bounds + tile * (3 * d + 1), count, order, samples - s < 4 ? samples - s : 4,
                  z + s * d, sums + s, chunk % 4 == 0, wants_all + s);
  }
  for (size_t s = 0; s < samples; s++) joint[s] = log2_of(sums[s]);
}

}  // namespace VK_LEVEL
