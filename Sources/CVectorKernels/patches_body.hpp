#include "vector.hpp"

namespace VK_LEVEL {

/// A register tile is so many patches, or rows of a gradient, times up to so many vectors of columns.
constexpr int tile_side = width == 16 ? 8 : 4;
constexpr int most_vectors = width == 16 ? 3 : 2;

/// Vectors of the next panel of columns when so many are left: as even as can be, no single one after a full panel.
VK_INLINE ptrdiff_t panel_vectors(ptrdiff_t left) {
  if (left <= most_vectors) return left;
  return left == most_vectors + 1 && most_vectors > 2 ? 2 : most_vectors;
}

static ptrdiff_t packed_count(ptrdiff_t rows, ptrdiff_t columns) {
  return rows * ((columns + width - 1) / width) * width;
}

/// Panel after panel of columns, each row after row.
static void pack_matrix(ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t first, ptrdiff_t last, const int32_t *offsets,
                        ptrdiff_t step, const float *w, float *packed) {
  ptrdiff_t left = (columns + width - 1) / width;
  for (ptrdiff_t c = 0; left > 0;) {
    const ptrdiff_t vectors = panel_vectors(left), floats = vectors * width;
    const ptrdiff_t live = columns - c < floats ? columns - c : floats;
    for (ptrdiff_t r = first; r < last; r++) {
      const float *from = w + offsets[r] + c * step;
      float *to = packed + r * floats;
      if (step == 1) {
        __builtin_memcpy(to, from, live * sizeof(float));
      } else {
        for (ptrdiff_t i = 0; i < live; i++) to[i] = from[i * step];
      }
      for (ptrdiff_t i = live; i < floats; i++) to[i] = 0;
    }
    packed += rows * floats;
    left -= vectors;
    c += floats;
  }
}

/// V vectors of columns for P patches, in registers; of the last vector only `live` columns are there.
template <int V, int P>
VK_INLINE void patch_tile(const vk_patches &s, const int32_t *offsets, const float *in, const float *w,
                          const int32_t *out_offsets, ptrdiff_t live, float *out) {
  const float *a[P];
#pragma clang loop unroll(full)
  for (int p = 0; p < P; p++) a[p] = in + offsets[p];
  vec sum[P][V] = {};
  for (ptrdiff_t k = 0; k < s.rows; k++) {
    const ptrdiff_t end = k * s.in_row + s.run;
#pragma clang loop unroll_count(2)
    for (ptrdiff_t j = k * s.in_row; j < end; j++) {
      vec b[V];
#pragma clang loop unroll(full)
      for (int v = 0; v < V; v++) b[v] = load(w + v * width);
      w += V * width;
#pragma clang loop unroll(full)
      for (int p = 0; p < P; p++) {
        vec value = splat(a[p][j]);
#pragma clang loop unroll(full)
        for (int v = 0; v < V; v++) sum[p][v] = fma(value, b[v], sum[p][v]);
      }
    }
  }
#pragma clang loop unroll(full)
  for (int p = 0; p < P; p++) {
    float *to = out + out_offsets[p];
#pragma clang loop unroll(full)
    for (int v = 0; v < V - 1; v++) store(to + v * width, sum[p][v]);
    if (live == width) {
      store(to + (V - 1) * width, sum[p][V - 1]);
    } else {
      float values[width];
      store(values, sum[p][V - 1]);
      for (ptrdiff_t i = 0; i < live; i++) to[(V - 1) * width + i] = values[i];
    }
  }
}

/// One panel of columns for the patches from i on, in tiles of P and then of half as many.
template <int V, int P = tile_side>
static void patch_panel(const vk_patches &s, ptrdiff_t i, const float *in, const float *w, const int32_t *out_offsets,
                        ptrdiff_t live, float *out) {
  for (; i + P <= s.count; i += P) patch_tile<V, P>(s, s.offsets + i, in, w, out_offsets + i, live, out);
  if constexpr (P > 1) {
    if (i < s.count) patch_panel<V, P / 2>(s, i, in, w, out_offsets, live, out);
  }
}

static void patch_product(const vk_patches &s, ptrdiff_t columns, const float *in, const float *packed,
                          const int32_t *out_offsets, float *out) {
  ptrdiff_t left = (columns + width - 1) / width;
  for (ptrdiff_t c = 0; left > 0;) {
    const ptrdiff_t vectors = panel_vectors(left), beyond = columns - c - (vectors - 1) * width;
    const ptrdiff_t live = beyond < width ? beyond : width;
    switch (vectors) {
      case 1: patch_panel<1>(s, 0, in, packed, out_offsets, live, out + c); break;
      case 2: patch_panel<2>(s, 0, in, packed, out_offsets, live, out + c); break;
      default: patch_panel<most_vectors>(s, 0, in, packed, out_offsets, live, out + c);
    }
    packed += s.rows * s.run * vectors * width;
    left -= vectors;
    c += vectors * width;
  }
}

/// V vectors of columns for P rows of the gradient, which are neighbours in a run, over patches first ..< last.
template <int V, int P>
VK_INLINE void gradient_tile(const vk_patches &s, ptrdiff_t first, ptrdiff_t last, ptrdiff_t columns, const float *in,
                             const float *d, float *gradient) {
  vec sum[P][V];
#pragma clang loop unroll(full)
  for (int p = 0; p < P; p++) {
#pragma clang loop unroll(full)
    for (int v = 0; v < V; v++) sum[p][v] = load(gradient + p * columns + v * width);
  }
  d += first * columns;
#pragma clang loop unroll_count(2)
  for (ptrdiff_t i = first; i < last; i++, d += columns) {
    const float *a = in + s.offsets[i];
    vec b[V];
#pragma clang loop unroll(full)
    for (int v = 0; v < V; v++) b[v] = load(d + v * width);
#pragma clang loop unroll(full)
    for (int p = 0; p < P; p++) {
      vec value = splat(a[p]);
#pragma clang loop unroll(full)
      for (int v = 0; v < V; v++) sum[p][v] = fma(value, b[v], sum[p][v]);
    }
  }
#pragma clang loop unroll(full)
  for (int p = 0; p < P; p++) {
#pragma clang loop unroll(full)
    for (int v = 0; v < V; v++) store(gradient + p * columns + v * width, sum[p][v]);
  }
}

/// A run of the gradient's rows from j on, in tiles of P rows and then of half as many.
template <int V, int P = tile_side>
static void gradient_run(const vk_patches &s, ptrdiff_t j, ptrdiff_t first, ptrdiff_t last, ptrdiff_t columns,
                         const float *in, const float *d, float *gradient) {
  for (; j + P <= s.run; j += P) gradient_tile<V, P>(s, first, last, columns, in + j, d, gradient + j * columns);
  if constexpr (P > 1) {
    if (j < s.run) gradient_run<V, P / 2>(s, j, first, last, columns, in, d, gradient);
  }
}

static void patch_gradient(const vk_patches &s, ptrdiff_t columns, const float *in, const float *d, float *gradient) {
  // So many patches at a time that their pixels stay in the first-level cache while all rows pass over them.
  constexpr ptrdiff_t block = 64;
  for (ptrdiff_t first = 0; first < s.count; first += block) {
    const ptrdiff_t last = s.count - first < block ? s.count : first + block;
    ptrdiff_t left = columns / width;
    for (ptrdiff_t c = 0; left > 0;) {
      const ptrdiff_t vectors = panel_vectors(left);
      for (ptrdiff_t k = 0; k < s.rows; k++) {
        const float *from = in + k * s.in_row;
        float *to = gradient + k * s.run * columns + c;
        switch (vectors) {
          case 1: gradient_run<1>(s, 0, first, last, columns, from, d + c, to); break;
          case 2: gradient_run<2>(s, 0, first, last, columns, from, d + c, to); break;
          default: gradient_run<most_vectors>(s, 0, first, last, columns, from, d + c, to);
        }
      }
      left -= vectors;
      c += vectors * width;
    }
  }
}

template <int Run>
static void add_runs(const vk_patches &s, ptrdiff_t apart, const float *__restrict products, ptrdiff_t step,
                     float *__restrict out) {
  // Neighbours overlap, and a load right after a store that covers part of it would stall: so not one after the other.
  for (ptrdiff_t k = 0; k < s.rows; k++)
    for (ptrdiff_t first = 0; first < apart; first++)
      for (ptrdiff_t i = first; i < s.count; i += apart) {
        const float *from = products + i * step + k * s.run;
        float *to = out + s.offsets[i] + k * s.in_row;
        for (ptrdiff_t j = 0; j < (Run ? Run : s.run); j++) to[j] += from[j];
      }
}

static void add_patches(const vk_patches &s, ptrdiff_t apart, const float *products, ptrdiff_t step, float *out) {
  switch (s.run) {
    case 3: return add_runs<3>(s, apart, products, step, out);
    case 4: return add_runs<4>(s, apart, products, step, out);
    case 5: return add_runs<5>(s, apart, products, step, out);
    case 9: return add_runs<9>(s, apart, products, step, out);
    case 12: return add_runs<12>(s, apart, products, step, out);
    case 15: return add_runs<15>(s, apart, products, step, out);
    default: return add_runs<0>(s, apart, products, step, out);
  }
}

}  // namespace VK_LEVEL
