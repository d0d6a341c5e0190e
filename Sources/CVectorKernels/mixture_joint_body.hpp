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

/// One tile at one point. A component whose density is too small after some dimensions cannot count: it only decreases.
VK_INLINE void tile_joint(size_t d, const float *tile, const int32_t *order, const float *z, vec reference,
                          vec *partial) {
  const vec near = reference - splat(leave_out_below);
  for (int first = 0; first < VK_MIXTURE_TILE; first += group) {
    const float *constants = tile + 3 * d * VK_MIXTURE_TILE + first;
    vec joint[4];
    const auto counts = [&]() VK_LAMBDA {
      ivec any = (joint[0] > near) | (joint[1] > near) | (joint[2] > near) | (joint[3] > near);
      return __builtin_reduce_or(any) != 0;
    };
    for (int i = 0; i < 4; i++) joint[i] = load(constants + i * width);
    bool may_count = true;
    for (size_t k = 0; k < d && may_count; k++) {
      const size_t j = order ? (size_t)order[k] : k;
      const float *p = tile + 3 * j * VK_MIXTURE_TILE + first;
      const vec zj = splat(z[j]);
#pragma unroll
      for (int i = 0; i < 4; i++) {
        vec t = (zj - load(p + i * width)) * load(p + VK_MIXTURE_TILE + i * width);
        joint[i] = fma(-t, t, joint[i]);
      }
      if (k % 2 == 1 || k + 1 == d) may_count = counts();
    }
    if (!may_count) continue;
    vec added = *partial;
    for (int i = 0; i < 4; i++) added += vexp2(joint[i] - reference);
    *partial = added;
  }
}

/// One chunk at one point.
static void chunk_joint(size_t d, const float *tiles, const float *bounds, size_t count, const int32_t *order,
                        const float *z, running_sum *sum) {
  const size_t stride = (3 * d + 1) * VK_MIXTURE_TILE;
  float of[VK_MIXTURE_CHUNK_TILES];
  chunk_bounds(d, bounds, z, of);
  const float reference = (float)sum->reference;
  // With room for the rounding of bounds and densities.
  const float near = reference - leave_out_below - 1 - 1e-4f * __builtin_fabsf(reference);
  dvec total = {};
  vec partial = {};
  for (size_t tile = 0; tile < count; tile++) {
    if (of[tile] > near) tile_joint(d, tiles + tile * stride, order, z, splat(reference), &partial);
    if (tile % 4 == 3 || tile + 1 == count) {
      total += __builtin_convertvector(partial, dvec);
      partial = (vec){};
    }
  }
  const double added = sum_lanes(&total);
  if (added <= rescale_above) sum->sum += added;
  else add_rescaled(d, tiles, count, z, d, sum);
}

static void log2_joint(size_t n, size_t d, const float *table, const int32_t *order, size_t samples, const float *z,
                       double *joint, double *scratch) {
  const size_t stride = (3 * d + 1) * VK_MIXTURE_TILE, tiles = (n + VK_MIXTURE_TILE - 1) / VK_MIXTURE_TILE;
  const size_t chunks = (tiles + VK_MIXTURE_CHUNK_TILES - 1) / VK_MIXTURE_CHUNK_TILES;
  const float *bounds = table + tiles * stride;
  running_sum *sums = (running_sum *)scratch;
  for (size_t s = 0; s < samples; s++) sums[s] = {0, joint_reference(d, table, bounds, chunks, z + s * d)};
  for (size_t chunk = 0; chunk < chunks; chunk++) {
    const size_t tile = chunk * VK_MIXTURE_CHUNK_TILES;
    const size_t count = tiles - tile < VK_MIXTURE_CHUNK_TILES ? tiles - tile : VK_MIXTURE_CHUNK_TILES;
    for (size_t s = 0; s < samples; s++)
      chunk_joint(d, table + tile * stride, bounds + tile * (3 * d + 1), count, order, z + s * d, sums + s);
  }
  for (size_t s = 0; s < samples; s++) joint[s] = log2_of(sums[s]);
}

}  // namespace VK_LEVEL
