#include "vector.hpp"

namespace VK_LEVEL {

/// A register tile is tile_side patches (or rows of a gradient) times at most most_vectors vectors of columns.
constexpr int tile_side = registers == 32 ? 8 : 4;
constexpr int most_vectors = registers == 32 ? 3 : 2;

/// The number of vectors in the next panel of columns: as even as possible, and never a single one after a full panel.
VK_INLINE ptrdiff_t panel_vectors(ptrdiff_t left) {
  if (left <= most_vectors) return left;
  return left == most_vectors + 1 && most_vectors > 2 ? 2 : most_vectors;
}

static ptrdiff_t packed_count(ptrdiff_t rows, ptrdiff_t columns) {
  return rows * ((columns + width - 1) / width) * width;
}

/// Packs panels of columns one after the other, each row by row.
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

#if VK_WIDTH == 16
/// Half a vector, for the last vector of a panel if at most half of its columns are used.
typedef float half __attribute__((vector_size(32)));
typedef float half_unaligned __attribute__((vector_size(32), aligned(4)));
constexpr bool has_half = true;
#else
typedef vec half;
typedef vec_unaligned half_unaligned;
constexpr bool has_half = false;
#endif
VK_INLINE half load_half(const float *p) { return *(const half_unaligned *)p; }
VK_INLINE void store_half(float *p, half v) { *(half_unaligned *)p = v; }
VK_INLINE half fma_half(float a, half b, half c) {
#if VK_FUSED
  return __builtin_elementwise_fma(a - (half){}, b, c);
#else
  return a * b + c;
#endif
}

/// The shape of a panel as a type.
template <int V, bool Half> struct panel_shape {
  static constexpr int vectors = V;
  static constexpr bool halved = Half;
};

/// Calls f with the shape of a panel: the number of whole vectors, and whether half a vector follows; `columns` columns
/// remain.
template <class F> VK_INLINE void with_panel(ptrdiff_t vectors, ptrdiff_t columns, F f) {
  const bool halved = has_half && columns <= (vectors - 1) * width + width / 2;
  switch (2 * vectors - (halved ? 1 : 0)) {
    case 1: return f(panel_shape<0, true>());
    case 2: return f(panel_shape<1, false>());
    case 3: return f(panel_shape<1, true>());
    case 4: return f(panel_shape<2, false>());
    case 5: return f(panel_shape<most_vectors - 1, true>());
    default: return f(panel_shape<most_vectors, false>());
  }
}

/// Stores the first `count` floats of a vector.
template <class T> VK_INLINE void store_first(float *to, T values, ptrdiff_t count) {
  float all[sizeof(T) / sizeof(float)];
  __builtin_memcpy(all, &values, sizeof values);
  for (ptrdiff_t i = 0; i < count; i++) to[i] = all[i];
}

/// V vectors of columns, and half a vector if `Half`, for P patches, in registers; `columns` columns are used.
template <int V, bool Half, int P>
VK_INLINE void patch_tile(const vk_patches &s, const int32_t *offsets, const float *in, const float *w, ptrdiff_t step,
                          const int32_t *out_offsets, ptrdiff_t columns, float *out) {
  const float *a[P];
#pragma clang loop unroll(full)
  for (int p = 0; p < P; p++) a[p] = in + offsets[p];
  vec sum[P][V + 1] = {};
  half rest[P] = {};
  for (ptrdiff_t k = 0; k < s.rows; k++) {
    const ptrdiff_t end = k * s.in_row + s.run;
#pragma clang loop unroll_count(2)
    for (ptrdiff_t j = k * s.in_row; j < end; j++, w += step) {
      vec b[V + 1];
#pragma clang loop unroll(full)
      for (int v = 0; v < V; v++) b[v] = load(w + v * width);
      half last = Half ? load_half(w + V * width) : (half){};
#pragma clang loop unroll(full)
      for (int p = 0; p < P; p++) {
        const float value = a[p][j];
#pragma clang loop unroll(full)
        for (int v = 0; v < V; v++) sum[p][v] = fma(splat(value), b[v], sum[p][v]);
        if (Half) rest[p] = fma_half(value, last, rest[p]);
      }
    }
  }
#pragma clang loop unroll(full)
  for (int p = 0; p < P; p++) {
    float *to = out + out_offsets[p];
#pragma clang loop unroll(full)
    for (int v = 0; v < V; v++) {
      if (columns >= (v + 1) * width) store(to + v * width, sum[p][v]);
      else store_first(to + v * width, sum[p][v], columns - v * width);
    }
    if (Half) store_first(to + V * width, rest[p], columns - V * width);
  }
}

/// One panel of columns for the patches from i on, in tiles of P patches, then of P / 2 and so on.
template <int V, bool Half, int P = tile_side>
static void patch_panel(const vk_patches &s, ptrdiff_t i, const float *in, const float *w, ptrdiff_t step,
                        const int32_t *out_offsets, ptrdiff_t columns, float *out) {
  for (; i + P <= s.count; i += P)
    patch_tile<V, Half, P>(s, s.offsets + i, in, w, step, out_offsets + i, columns, out);
  if constexpr (P > 1) {
    if (i < s.count) patch_panel<V, Half, P / 2>(s, i, in, w, step, out_offsets, columns, out);
  }
}

static void patch_product(const vk_patches &s, ptrdiff_t columns, const float *in, const float *packed,
                          const int32_t *out_offsets, float *out) {
  ptrdiff_t left = (columns + width - 1) / width;
  for (ptrdiff_t c = 0; left > 0;) {
    const ptrdiff_t vectors = panel_vectors(left), step = vectors * width;
    with_panel(vectors, columns - c, [&](auto shape) VK_LAMBDA {
      const ptrdiff_t live = columns - c < step ? columns - c : step;
      patch_panel<shape.vectors, shape.halved>(s, 0, in, packed, step, out_offsets, live, out + c);
    });
    packed += s.rows * s.run * step;
    left -= vectors;
    c += step;
  }
}

/// V vectors of columns, and half a vector if `Half`, for P adjacent rows of the gradient within a run, summed over the
/// patches first ..< last.
template <int V, bool Half, int P>
VK_INLINE void gradient_tile(const vk_patches &s, ptrdiff_t first, ptrdiff_t last, ptrdiff_t columns, ptrdiff_t step,
                             const float *in, const float *d, float *gradient) {
  vec sum[P][V + 1];
  half rest[P];
#pragma clang loop unroll(full)
  for (int p = 0; p < P; p++) {
#pragma clang loop unroll(full)
    for (int v = 0; v < V; v++) sum[p][v] = load(gradient + p * step + v * width);
    if (Half) rest[p] = load_half(gradient + p * step + V * width);
  }
  d += first * columns;
  // With many narrow registers, two patches at a time do not fit beside the 24 sums: 38 instructions for 24 fused
  // multiply-adds of one patch became 111 for 48, most of them copies.
#pragma clang loop unroll_count(many_narrow ? 1 : 2)
  for (ptrdiff_t i = first; i < last; i++, d += columns) {
    const float *a = in + s.offsets[i];
    vec b[V + 1];
#pragma clang loop unroll(full)
    for (int v = 0; v < V; v++) b[v] = load(d + v * width);
    half b_last = Half ? load_half(d + V * width) : (half){};
#pragma clang loop unroll(full)
    for (int p = 0; p < P; p++) {
#pragma clang loop unroll(full)
      for (int v = 0; v < V; v++) sum[p][v] = fma(splat(a[p]), b[v], sum[p][v]);
      if (Half) rest[p] = fma_half(a[p], b_last, rest[p]);
    }
  }
#pragma clang loop unroll(full)
  for (int p = 0; p < P; p++) {
#pragma clang loop unroll(full)
    for (int v = 0; v < V; v++) store(gradient + p * step + v * width, sum[p][v]);
    if (Half) store_half(gradient + p * step + V * width, rest[p]);
  }
}

/// A run of the gradient's rows from j on, in tiles of P rows, then of P / 2 and so on.
template <int V, bool Half, int P = tile_side>
static void gradient_run(const vk_patches &s, ptrdiff_t j, ptrdiff_t first, ptrdiff_t last, ptrdiff_t columns,
                         ptrdiff_t step, const float *in, const float *d, float *gradient) {
  for (; j + P <= s.run; j += P)
    gradient_tile<V, Half, P>(s, first, last, columns, step, in + j, d, gradient + j * step);
  if constexpr (P > 1) {
    if (j < s.run) gradient_run<V, Half, P / 2>(s, j, first, last, columns, step, in, d, gradient);
  }
}

static void patch_gradient(const vk_patches &s, ptrdiff_t columns, ptrdiff_t step, const float *in, const float *d,
                           float *gradient) {
  // In blocks of patches whose pixels stay in the first-level cache while all rows are visited.
  constexpr ptrdiff_t block = 64;
  for (ptrdiff_t first = 0; first < s.count; first += block) {
    const ptrdiff_t last = s.count - first < block ? s.count : first + block;
    ptrdiff_t left = (columns + width - 1) / width;
    for (ptrdiff_t c = 0; left > 0;) {
      const ptrdiff_t vectors = panel_vectors(left);
      with_panel(vectors, columns - c, [&](auto shape) VK_LAMBDA {
        for (ptrdiff_t k = 0; k < s.rows; k++)
          gradient_run<shape.vectors, shape.halved>(s, 0, first, last, columns, step, in + k * s.in_row, d + c,
                                                    gradient + k * s.run * step + c);
      });
      left -= vectors;
      c += vectors * width;
    }
  }
}

template <int Run>
static void add_runs(const vk_patches &s, ptrdiff_t apart, const float *__restrict products, ptrdiff_t step,
                     float *__restrict out) {
  // Adjacent patches overlap, and a load directly after a store to part of the same bytes would stall: hence the order.
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

/// Rows shorter than a vector: blocks of `width` rows are whole vectors; each lane is then added to its column.
static void column_sums(ptrdiff_t rows, ptrdiff_t columns, const float *x, float *sums) {
  ptrdiff_t r = 0;
  if (columns < width) {
    vec total[width] = {};
    for (; r + width <= rows; r += width, x += width * columns)
      for (ptrdiff_t v = 0; v < columns; v++) total[v] += load(x + v * width);
    for (ptrdiff_t v = 0; v < columns; v++)
      for (int lane = 0; lane < width; lane++) sums[(v * width + lane) % columns] += total[v][lane];
  }
  for (; r < rows; r++, x += columns) {
    ptrdiff_t c = 0;
    for (; c + width <= columns; c += width) store(sums + c, load(sums + c) + load(x + c));
    for (; c < columns; c++) sums[c] += x[c];
  }
}

}  // namespace VK_LEVEL
