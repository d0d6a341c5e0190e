#include "vector.hpp"
#include "adam_body.hpp"

namespace VK_LEVEL {

/// Rows of a in a register tile with two vectors of columns. On 64-bit ARM a step of the tile has 10 loads for 16 fused
/// multiply-adds and nothing on the stack; with four rows it has 6 for 8.
constexpr int tile_rows = registers == 32 ? 8 : 4;
/// Columns of a panel of b; the rows of a panel are contiguous.
constexpr int panel_columns = 2 * width;
/// Rows of a panel; a panel leaves room for other data in the second-level cache.
constexpr ptrdiff_t panel_rows = VK_PRODUCT_DEPTH;
/// Rows of a that are packed at a time if its rows are not contiguous.
constexpr ptrdiff_t block_rows = 64;
/// Steps along a tile's depth between two prefetches.
constexpr ptrdiff_t prefetch_interval = 32;

/// The lower or the upper half of a[0], b[0], a[1], b[1], ….
VK_INLINE vec interleave(vec a, vec b, bool upper) {
#if VK_WIDTH == 4
  return upper ? __builtin_shufflevector(a, b, 2, 6, 3, 7) : __builtin_shufflevector(a, b, 0, 4, 1, 5);
#elif VK_WIDTH == 8
  return upper ? __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15)
               : __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
#else
  return upper ? __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
               : __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
#endif
}

/// Transposes a square of vectors: interleaves its first half with its second, once for each bit of the index.
VK_INLINE void transpose_square(vec (&x)[width]) {
#pragma clang loop unroll(full)
  for (int bit = 1; bit < width; bit *= 2) {
    vec y[width];
#pragma clang loop unroll(full)
    for (int i = 0; i < width / 2; i++) {
      y[2 * i] = interleave(x[i], x[i + width / 2], false);
      y[2 * i + 1] = interleave(x[i], x[i + width / 2], true);
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < width; i++) x[i] = y[i];
  }
}

/// Copies `rows` rows and `columns` columns of b into a panel; the remaining columns are 0.
static void pack_panel(const vk_product &s, ptrdiff_t rows, ptrdiff_t columns, const float *b, float *panel) {
  if (s.b_step == 1) {
    for (ptrdiff_t p = 0; p < rows; p++, b += s.b_row, panel += panel_columns) {
      if (columns == panel_columns) {
        store(panel, load(b));
        store(panel + width, load(b + width));
      } else {
        for (ptrdiff_t j = 0; j < panel_columns; j++) panel[j] = j < columns ? b[j] : 0;
      }
    }
    return;
  }
  ptrdiff_t p = 0;
  for (; p + width <= rows; p += width) {
#pragma clang loop unroll(full)
    for (int half = 0; half < 2; half++) {
      vec square[width];
      for (int i = 0; i < width; i++) {
        const ptrdiff_t j = half * width + i;
        square[i] = j < columns ? load(b + p + j * s.b_step) : splat(0.f);
      }
      transpose_square(square);
      for (int i = 0; i < width; i++) store(panel + (p + i) * panel_columns + half * width, square[i]);
    }
  }
  for (; p < rows; p++)
    for (ptrdiff_t j = 0; j < panel_columns; j++) panel[p * panel_columns + j] = j < columns ? b[p + j * s.b_step] : 0;
}

/// Copies `rows` rows of a, whose columns are contiguous, into tiles `[k][tile_rows]`.
static void pack_rows(const vk_product &s, ptrdiff_t rows, ptrdiff_t depth, const float *a, float *block) {
  for (ptrdiff_t i = 0; i < rows; i += tile_rows) {
    const ptrdiff_t live = rows - i < tile_rows ? rows - i : tile_rows;
    for (ptrdiff_t p = 0; p < depth; p++, block += tile_rows) {
      const float *from = a + i + p * s.a_step;
      if (live == tile_rows) {
        __builtin_memcpy(block, from, tile_rows * sizeof(float));
      } else {
        for (ptrdiff_t r = 0; r < live; r++) block[r] = from[r];
      }
    }
  }
}

/// Prefetches the cache lines of `count` floats.
VK_INLINE void prefetch(const float *p, ptrdiff_t count) {
  for (ptrdiff_t i = 0; i < count; i += 16) __builtin_prefetch(p + i, 0, 2);
  __builtin_prefetch(p + count - 1, 0, 2);
}

/// Rows of b that form the next panel. Tiles prefetch a few of them in each interval, so that they are in the cache
/// when they are packed.
struct prefetch_plan {
  const float *next;
  ptrdiff_t step, left, at_once;
};

VK_INLINE void prefetch_next(prefetch_plan &u) {
  ptrdiff_t count = u.left < u.at_once ? u.left : u.at_once;
  u.left -= count;
  for (; count > 0; count--, u.next += u.step) prefetch(u.next, panel_columns);
}

/// Where a product goes: it is written to c, or added to it.
struct product_output {
  float *c;
  bool add;

  VK_MEMBER product_output at(ptrdiff_t offset) const { return {c + offset, add}; }
  /// The output of a later part of the depth.
  VK_MEMBER product_output later() const { return {c, true}; }
  VK_MEMBER void fetch(ptrdiff_t offset, ptrdiff_t count) const { prefetch(c + offset, count); }
  VK_MEMBER void take(ptrdiff_t offset, vec sum) const {
    float *to = c + offset;
    store(to, add ? load(to) + sum : sum);
  }
  VK_MEMBER void take(ptrdiff_t offset, float sum) const { c[offset] = add ? c[offset] + sum : sum; }
};

/// Where a product goes that is a gradient, of one part of the depth: into a step of Adam.
struct adam_output {
  float *p, *m, *v;
  const vk_adam_coefficients &step;

  VK_MEMBER adam_output at(ptrdiff_t offset) const { return {p + offset, m + offset, v + offset, step}; }
  VK_MEMBER adam_output later() const { return *this; }
  VK_MEMBER void fetch(ptrdiff_t offset, ptrdiff_t count) const {
    prefetch(p + offset, count);
    prefetch(m + offset, count);
    prefetch(v + offset, count);
  }
  VK_MEMBER void take(ptrdiff_t offset, vec sum) const { adam_step(p + offset, sum, m + offset, v + offset, step); }
  VK_MEMBER void take(ptrdiff_t offset, float sum) const { adam_step(p + offset, sum, m + offset, v + offset, step); }
};

/// R rows of a times V vectors of a panel's columns, in registers. Prefetches are spread over the tile: issued all at
/// once they would queue and stall it.
template <int V, int R, bool Packed, class Output>
VK_INLINE void product_tile(const vk_product &s, ptrdiff_t depth, const float *a, const float *panel, ptrdiff_t columns,
                            prefetch_plan &next, const Output &out) {
  const bool streams_rows = !Packed && s.m > s.n;
  if (s.c_step == 1)
    for (int r = 0; r < R; r++) out.fetch(r * s.c_row, V * width);
  vec sum[R][V] = {};
  for (ptrdiff_t start = 0; start < depth; start += prefetch_interval) {
    const ptrdiff_t end = start + prefetch_interval < depth ? start + prefetch_interval : depth;
    prefetch_next(next);
    if (streams_rows)
      for (int r = 0; r < R; r++) prefetch(a + (R + r) * s.a_row + start, prefetch_interval);
#pragma clang loop unroll_count(4)
    for (ptrdiff_t p = start; p < end; p++) {
      vec b[V];
#pragma clang loop unroll(full)
      for (int v = 0; v < V; v++) b[v] = load(panel + p * panel_columns + v * width);
#pragma clang loop unroll(full)
      for (int r = 0; r < R; r++) {
        vec value = splat(Packed ? a[p * tile_rows + r] : a[r * s.a_row + p]);
#pragma clang loop unroll(full)
        for (int v = 0; v < V; v++) sum[r][v] = fma(value, b[v], sum[r][v]);
      }
    }
  }
  if (s.c_step == 1 && columns >= V * width) {
#pragma clang loop unroll(full)
    for (int r = 0; r < R; r++) {
#pragma clang loop unroll(full)
      for (int v = 0; v < V; v++) out.take(r * s.c_row + v * width, sum[r][v]);
    }
    return;
  }
  float values[R][V * width];
#pragma clang loop unroll(full)
  for (int r = 0; r < R; r++) {
#pragma clang loop unroll(full)
    for (int v = 0; v < V; v++) store(&values[r][v * width], sum[r][v]);
  }
  for (ptrdiff_t j = 0; j < (columns < V * width ? columns : V * width); j++) {
#pragma clang loop unroll(full)
    for (int r = 0; r < R; r++) out.take(r * s.c_row + j * s.c_step, values[r][j]);
  }
}

/// All rows of a times one panel, in tiles of R rows, then of R / 2 and so on.
template <int V, bool Packed, int R = tile_rows, class Output>
static void product_rows(const vk_product &s, ptrdiff_t rows, ptrdiff_t depth, const float *a, const float *panel,
                         ptrdiff_t columns, prefetch_plan &next, const Output &out) {
  ptrdiff_t row = 0;
  for (; row + R <= rows; row += R) {
    product_tile<V, R, Packed>(s, depth, a, panel, columns, next, out.at(row * s.c_row));
    a += Packed ? depth * tile_rows : R * s.a_row;
  }
  const ptrdiff_t left = rows - row;
  if constexpr (R > 1) {
    const Output rest = out.at(row * s.c_row);
    if (!Packed || left == 0) return product_rows<V, Packed, R / 2>(s, left, depth, a, panel, columns, next, rest);
    // The values of one row of a packed tile are tile_rows floats apart: the remaining rows are taken one by one.
    for (ptrdiff_t r = 0; r < left; r++)
      product_tile<V, 1, true>(s, depth, a + r, panel, columns, next, rest.at(r * s.c_row));
  }
}

template <class Output>
VK_INLINE void product_into(const vk_product &s, const float *a, const float *b, const Output &out) {
  alignas(64) float panel[panel_rows * panel_columns];
  alignas(64) float block[panel_rows * block_rows];
  const bool packed = s.a_step != 1;
  const ptrdiff_t rows_at_once = packed ? block_rows : s.m;
  for (ptrdiff_t p = 0; p < s.k || p == 0; p += panel_rows) {
    const ptrdiff_t depth = s.k - p < panel_rows ? s.k - p : panel_rows;
    for (ptrdiff_t i = 0; i < s.m; i += rows_at_once) {
      const ptrdiff_t rows = s.m - i < rows_at_once ? s.m - i : rows_at_once;
      const float *from = a + i * s.a_row + p * s.a_step;
      if (packed) pack_rows(s, rows, depth, from, block);
      for (ptrdiff_t j = 0; j < s.n; j += panel_columns) {
        const ptrdiff_t columns = s.n - j < panel_columns ? s.n - j : panel_columns;
        const float *source = b + p * s.b_row + j * s.b_step;
        pack_panel(s, depth, columns, source, panel);
        const bool fetches = s.b_step == 1 && columns == panel_columns && j + columns < s.n;
        const ptrdiff_t tiles = rows / tile_rows > 0 ? rows / tile_rows : 1;
        prefetch_plan next = {source + columns, s.b_row, fetches ? depth : 0, (prefetch_interval + tiles - 1) / tiles};
        const Output to = (p > 0 ? out.later() : out).at(i * s.c_row + j * s.c_step);
        if (packed) {
          if (columns > width) product_rows<2, true>(s, rows, depth, block, panel, columns, next, to);
          else product_rows<1, true>(s, rows, depth, block, panel, columns, next, to);
        } else {
          if (columns > width) product_rows<2, false>(s, rows, depth, from, panel, columns, next, to);
          else product_rows<1, false>(s, rows, depth, from, panel, columns, next, to);
        }
      }
    }
  }
}

static void product(const vk_product &s, const float *a, const float *b, float *c) {
  product_into(s, a, b, product_output{c, s.accumulate != 0});
}

static void product_adam(const vk_product &s, const float *a, const float *b, float *p, float *m, float *v,
                         const vk_adam_coefficients &step) {
  product_into(s, a, b, adam_output{p, m, v, step});
}

}  // namespace VK_LEVEL
