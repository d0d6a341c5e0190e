// Streaming log-sum-exp of the log densities of a Gaussian mixture, joint and per dimension.
//
// Each sum is computed in log₂ relative to a reference: the value of one component, so that the sum is at least about
// 1. Components are processed in chunks that stay in the second-level cache; within a chunk, four vectors of components
// at a time are evaluated at SAMPLES points. A chunk whose terms exceed the reference so far that single precision
// could overflow is summed again relative to its own maximum, which becomes the new reference. Partial sums of 256
// components are single precision; they are added in double.

#include "vector.hpp"

namespace VK_LEVEL {

constexpr int group = 4 * width;  // components in registers at a time
constexpr float lowest_power = -126.f, highest_power = 100.f, skip_below = 60.f;
constexpr double rescale_above = 1073741824.0;  // 2^30

typedef double dvec __attribute__((vector_size(8 * VK_WIDTH)));

/// 2^x for x clamped to [−126, 100]; largest relative error 1.1e-7 without rounding (minimax polynomial of degree 5).
VK_INLINE vec vexp2(vec x) {
  const vec low = splat(lowest_power), high = splat(highest_power), magic = splat(12582912.f);
  x = x > low ? x : low;
  x = x < high ? x : high;
  vec shifted = x + magic;
  vec r = x - (shifted - magic);
  vec p = splat(1.326472731307149e-3f);
  p = fma(p, r, splat(9.671512991189957e-3f));
  p = fma(p, r, splat(5.550733581185341e-2f));
  p = fma(p, r, splat(2.4022242426872253e-1f));
  p = fma(p, r, splat(6.931470036506653e-1f));
  p = fma(p, r, splat(1.f));
  return (vec)((ivec)p + ((ivec)shifted << 23));
}

/// Adds the lanes in a fixed order.
static double sum_lanes(const dvec *v) {
  double total = 0;
  for (int i = 0; i < width; i++) total += (*v)[i];
  return total;
}

/// One sum over the components so far: Σ 2^value = sum·2^reference.
struct running_sum {
  double sum;
  double reference;
};

/// log₂ of the densities of a chunk's components at z: in dimension k, or in all dimensions for k = d.
static void chunk_values(size_t d, const float *tiles, size_t count, const float *z, size_t k, float *out) {
  const size_t stride = (3 * d + 1) * VK_MIXTURE_TILE;
  for (size_t tile = 0; tile < count; tile++, tiles += stride, out += VK_MIXTURE_TILE)
    for (int i = 0; i < VK_MIXTURE_TILE; i += width) {
      const float *p = tiles + i;
      vec value;
      if (k < d) {
        p += 3 * k * VK_MIXTURE_TILE;
        vec t = (splat(z[k]) - load(p)) * load(p + VK_MIXTURE_TILE);
        value = fma(-t, t, load(p + 2 * VK_MIXTURE_TILE));
      } else {
        value = load(p + 3 * d * VK_MIXTURE_TILE);
        for (size_t j = 0; j < d; j++, p += 3 * VK_MIXTURE_TILE) {
          vec t = (splat(z[j]) - load(p)) * load(p + VK_MIXTURE_TILE);
          value = fma(-t, t, value);
        }
      }
      store(out + i, value);
    }
}

/// Adds a chunk to one sum with a new reference, the chunk's maximum if it is larger. Needed only where the maximum
/// rises by tens of bits.
static void add_rescaled(size_t d, const float *tiles, size_t count, const float *z, size_t k, running_sum *s) {
  float values[VK_MIXTURE_CHUNK_TILES * VK_MIXTURE_TILE];
  chunk_values(d, tiles, count, z, k, values);
  vec m = splat(-__builtin_inff());
  for (size_t i = 0; i < count * VK_MIXTURE_TILE; i += width) {
    vec v = load(values + i);
    m = v > m ? v : m;
  }
  float top = max_lanes(m);
  if (!(top > s->reference)) top = (float)s->reference;
  dvec total = {};
  for (size_t i = 0; i < count * VK_MIXTURE_TILE; i += width)
    total += __builtin_convertvector(vexp2(load(values + i) - splat(top)), dvec);
  s->sum = s->sum * __builtin_exp2(s->reference - top) + sum_lanes(&total);
  s->reference = top;
}

/// One chunk for SAMPLES points at once. `sums` is [SAMPLES][d + 1], the joint last.
template <int SAMPLES>
static void chunk_sums(size_t d, const float *tiles, size_t count, const float *z, running_sum *sums, vec *partial,
                       dvec *total) {
  const size_t stride = (3 * d + 1) * VK_MIXTURE_TILE, rows = d + 1, joint_row = d;
  for (size_t i = 0; i < SAMPLES * rows; i++) total[i] = (dvec){}, partial[i] = (vec){};
  const float *tile_start = tiles;
  for (size_t tile = 0; tile < count; tile++, tile_start += stride) {
    for (int first = 0; first < VK_MIXTURE_TILE; first += group) {
      const float *p = tile_start + first;
      vec joint[SAMPLES][4];
      const float *constants = p + 3 * d * VK_MIXTURE_TILE;
      for (int u = 0; u < SAMPLES; u++)
        for (int i = 0; i < 4; i++) joint[u][i] = load(constants + i * width);
      for (size_t j = 0; j < d; j++, p += 3 * VK_MIXTURE_TILE) {
        vec mean[4], scale[4];
        for (int i = 0; i < 4; i++) {
          mean[i] = load(p + i * width);
          scale[i] = load(p + VK_MIXTURE_TILE + i * width);
        }
#pragma unroll
        for (int u = 0; u < SAMPLES; u++) {
          vec zj = splat(z[u * d + j]);
          vec reference = splat((float)sums[u * rows + j].reference), added = partial[u * rows + j];
#pragma unroll
          for (int i = 0; i < 4; i++) {
            vec t = (zj - mean[i]) * scale[i];
            joint[u][i] = fma(-t, t, joint[u][i]);
            added += vexp2(fma(-t, t, load(p + 2 * VK_MIXTURE_TILE + i * width)) - reference);
          }
          partial[u * rows + j] = added;
        }
      }
      for (int u = 0; u < SAMPLES; u++) {
        vec reference = splat((float)sums[u * rows + joint_row].reference), near = reference - splat(skip_below);
        ivec any = (joint[u][0] > near) | (joint[u][1] > near) | (joint[u][2] > near) | (joint[u][3] > near);
        if (!__builtin_reduce_or(any)) continue;
        vec added = partial[u * rows + joint_row];
        for (int i = 0; i < 4; i++) added += vexp2(joint[u][i] - reference);
        partial[u * rows + joint_row] = added;
      }
    }
    if (tile % 4 == 3 || tile + 1 == count)
      for (size_t i = 0; i < SAMPLES * rows; i++) {
        total[i] += __builtin_convertvector(partial[i], dvec);
        partial[i] = (vec){};
      }
  }
  for (int u = 0; u < SAMPLES; u++)
    for (size_t k = 0; k < rows; k++) {
      double sum = sum_lanes(&total[u * rows + k]);
      running_sum *s = &sums[u * rows + k];
      if (sum <= rescale_above) s->sum += sum;
      else add_rescaled(d, tiles, count, z + u * d, k, s);
    }
}

/// The value of the first component, the initial reference.
static double first_reference(size_t d, const float *table, const float *z, size_t k) {
  double value = table[3 * k * VK_MIXTURE_TILE + (k < d ? 2 * VK_MIXTURE_TILE : 0)];
  for (size_t j = k < d ? k : 0; j < (k < d ? k + 1 : d); j++) {
    const float *p = table + 3 * j * VK_MIXTURE_TILE;
    double t = ((double)z[j] - p[0]) * p[VK_MIXTURE_TILE];
    value -= t * t;
  }
  return value > -1e37 ? (float)value : -1e37;
}

/// A sum far below 1 means that the initial reference was clamped and no component came near it.
static double log2_of(running_sum s) {
  return s.sum > 0.25 && s.sum < 1e300 ? s.reference + __builtin_log2(s.sum) : __builtin_nan("");
}

static void log2_sums(size_t n, size_t d, const float *table, size_t samples, const float *z, double *joint,
                      double *marginals, double *scratch) {
  constexpr int together = 2;
  const size_t stride = (3 * d + 1) * VK_MIXTURE_TILE, tiles = (n + VK_MIXTURE_TILE - 1) / VK_MIXTURE_TILE;
  const size_t rows = d + 1;
  // Scratch: vectors first, because they need the alignment, then the running sums.
  dvec *total = (dvec *)(((size_t)scratch + 127) & ~(size_t)127);
  vec *partial = (vec *)(total + together * rows);
  running_sum *sums = (running_sum *)(partial + together * rows);
  for (size_t s = 0; s < samples; s++)
    for (size_t k = 0; k < rows; k++)
      sums[s * rows + k] = {0, first_reference(d, table, z + s * d, k == rows - 1 ? d : k)};
  for (size_t tile = 0; tile < tiles; tile += VK_MIXTURE_CHUNK_TILES) {
    size_t count = tiles - tile < VK_MIXTURE_CHUNK_TILES ? tiles - tile : VK_MIXTURE_CHUNK_TILES;
    const float *chunk = table + tile * stride;
    size_t s = 0;
    for (; s + together <= samples; s += together)
      chunk_sums<together>(d, chunk, count, z + s * d, sums + s * rows, partial, total);
    for (; s < samples; s++) chunk_sums<1>(d, chunk, count, z + s * d, sums + s * rows, partial, total);
  }
  for (size_t s = 0; s < samples; s++) {
    joint[s] = log2_of(sums[s * rows + d]);
    for (size_t k = 0; k < d; k++) marginals[s * d + k] = log2_of(sums[s * rows + k]);
  }
}

}  // namespace VK_LEVEL

#include "mixture_joint_body.hpp"

namespace VK_LEVEL {

static void mixture_log2_sum(size_t n, size_t d, const float *table, const int32_t *order, size_t samples,
                             const float *z, double *joint, double *marginals, double *scratch) {
  if (marginals) log2_sums(n, d, table, samples, z, joint, marginals, scratch);
  else log2_joint(n, d, table, order, samples, z, joint, scratch);
}

/// densities[k][i] = 2^(log₂ density of component i in dimension k − reference[k]), k < d, for `count` tiles, with a
/// row stride of VK_MIXTURE_STRIP.
static void strip_densities(size_t d, const float *tiles, size_t count, const float *z, const float *reference,
                            float *densities) {
  const size_t stride = (3 * d + 1) * VK_MIXTURE_TILE;
  for (size_t tile = 0; tile < count; tile++, tiles += stride, densities += VK_MIXTURE_TILE) {
    const float *p = tiles;
    for (size_t k = 0; k < d; k++, p += 3 * VK_MIXTURE_TILE) {
      vec zk = splat(z[k]), rk = splat(reference[k]);
      for (int i = 0; i < VK_MIXTURE_TILE; i += width) {
        vec t = (zk - load(p + i)) * load(p + VK_MIXTURE_TILE + i);
        store(densities + k * VK_MIXTURE_STRIP + i, vexp2(fma(-t, t, load(p + 2 * VK_MIXTURE_TILE + i)) - rk));
      }
    }
  }
}

static void mixture_pair_sums(size_t n, size_t d, const float *table, size_t samples, const float *z,
                              const float *reference, double *sums, float *scratch) {
  const size_t stride = (3 * d + 1) * VK_MIXTURE_TILE, tiles = (n + VK_MIXTURE_TILE - 1) / VK_MIXTURE_TILE;
  const size_t blocks = (d + 3) / 4, pairs = d * (d - 1) / 2, strip_tiles = VK_MIXTURE_STRIP / VK_MIXTURE_TILE;
  float *densities = scratch;
  vec *partial = (vec *)(scratch + 4 * blocks * VK_MIXTURE_STRIP);
  // The padding dimensions of the last block have density zero.
  for (size_t i = d * VK_MIXTURE_STRIP; i < 4 * blocks * VK_MIXTURE_STRIP; i++) densities[i] = 0;
  for (size_t i = 0; i < samples * pairs; i++) sums[i] = 0;
  for (size_t chunk = 0; chunk < tiles; chunk += VK_MIXTURE_CHUNK_TILES) {
    size_t end = chunk + VK_MIXTURE_CHUNK_TILES < tiles ? chunk + VK_MIXTURE_CHUNK_TILES : tiles;
    for (size_t s = 0; s < samples; s++) {
      for (size_t i = 0; i < blocks * (blocks + 1) / 2 * 16; i++) partial[i] = (vec){};
      for (size_t tile = chunk; tile < end; tile += strip_tiles) {
        size_t count = end - tile < strip_tiles ? end - tile : strip_tiles;
        strip_densities(d, table + tile * stride, count, z + s * d, reference + s * d, densities);
        vec *sum = partial;
        for (size_t a = 0; a < blocks; a++)
          for (size_t b = a; b < blocks; b++, sum += 16) {
            vec products[16];
            for (int u = 0; u < 16; u++) products[u] = sum[u];
            const float *first = densities + 4 * a * VK_MIXTURE_STRIP, *second = densities + 4 * b * VK_MIXTURE_STRIP;
            for (size_t i = 0; i < count * VK_MIXTURE_TILE; i += width) {
              vec x[4], y[4];
              for (int u = 0; u < 4; u++) {
                x[u] = load(first + u * VK_MIXTURE_STRIP + i);
                y[u] = load(second + u * VK_MIXTURE_STRIP + i);
              }
              for (int u = 0; u < 4; u++)
                for (int v = 0; v < 4; v++) products[4 * u + v] = fma(x[u], y[v], products[4 * u + v]);
            }
            for (int u = 0; u < 16; u++) sum[u] = products[u];
          }
      }
      double *out = sums + s * pairs;
      for (size_t i = 0; i < d; i++)
        for (size_t j = i + 1; j < d; j++, out++) {
          // Row a of the upper triangle of blocks has blocks − a entries.
          size_t a = i / 4, b = j / 4, block = a * blocks - a * (a + 1) / 2 + b;
          dvec lanes = __builtin_convertvector(partial[16 * block + 4 * (i % 4) + j % 4], dvec);
          *out += sum_lanes(&lanes);
        }
    }
  }
}

/// Adds r·(z − m)·s² of one chunk's components at one point, with r = 2^(log₂ density − log₂ of the sum): for each dimension
/// on its own to total[k], for the joint density to total[d + k].
static void chunk_gradients(size_t d, const float *tiles, size_t count, const float *z, double joint,
                            const double *marginals, vec *partial, dvec *total) {
  const size_t stride = (3 * d + 1) * VK_MIXTURE_TILE;
  for (size_t i = 0; i < 2 * d; i++) partial[i] = (vec){};
  for (size_t tile = 0; tile < count; tile++, tiles += stride) {
    for (int first = 0; first < VK_MIXTURE_TILE; first += group) {
      const float *p = tiles + first, *constants = p + 3 * d * VK_MIXTURE_TILE;
      vec value[4];
      for (int i = 0; i < 4; i++) value[i] = load(constants + i * width) - splat((float)joint);
      for (size_t j = 0; j < d; j++, p += 3 * VK_MIXTURE_TILE) {
        vec reference = splat((float)marginals[j]), added = partial[j];
        for (int i = 0; i < 4; i++) {
          vec scale = load(p + VK_MIXTURE_TILE + i * width), t = (splat(z[j]) - load(p + i * width)) * scale;
          value[i] = fma(-t, t, value[i]);
          added = fma(vexp2(fma(-t, t, load(p + 2 * VK_MIXTURE_TILE + i * width)) - reference), t * scale, added);
        }
        partial[j] = added;
      }
      const vec far = splat(-skip_below);
      ivec any = (value[0] > far) | (value[1] > far) | (value[2] > far) | (value[3] > far);
      if (!__builtin_reduce_or(any)) continue;
      for (int i = 0; i < 4; i++) value[i] = vexp2(value[i]);
      p = tiles + first;
      for (size_t j = 0; j < d; j++, p += 3 * VK_MIXTURE_TILE) {
        vec added = partial[d + j];
        for (int i = 0; i < 4; i++) {
          vec scale = load(p + VK_MIXTURE_TILE + i * width);
          added = fma(value[i], (splat(z[j]) - load(p + i * width)) * scale * scale, added);
        }
        partial[d + j] = added;
      }
    }
    if (tile % 4 == 3 || tile + 1 == count)
      for (size_t i = 0; i < 2 * d; i++) {
        total[i] += __builtin_convertvector(partial[i], dvec);
        partial[i] = (vec){};
      }
  }
}

static void mixture_gradients(size_t n, size_t d, const float *table, size_t samples, const float *z,
                              const double *joint, const double *marginals, double *joint_gradient,
                              double *marginal_gradient, double *scratch) {
  const size_t stride = (3 * d + 1) * VK_MIXTURE_TILE, tiles = (n + VK_MIXTURE_TILE - 1) / VK_MIXTURE_TILE;
  dvec *total = (dvec *)(((size_t)scratch + 127) & ~(size_t)127);
  vec *partial = (vec *)(total + 2 * d);
  const double factor = -2 * 0.69314718055994530942;
  for (size_t s = 0; s < samples; s++) {
    for (size_t i = 0; i < 2 * d; i++) total[i] = (dvec){};
    for (size_t tile = 0; tile < tiles; tile += VK_MIXTURE_CHUNK_TILES) {
      size_t count = tiles - tile < VK_MIXTURE_CHUNK_TILES ? tiles - tile : VK_MIXTURE_CHUNK_TILES;
      chunk_gradients(d, table + tile * stride, count, z + s * d, joint[s], marginals + s * d, partial, total);
    }
    for (size_t k = 0; k < d; k++) {
      marginal_gradient[s * d + k] = factor * sum_lanes(&total[k]);
      joint_gradient[s * d + k] = factor * sum_lanes(&total[d + k]);
    }
  }
}

}  // namespace VK_LEVEL
