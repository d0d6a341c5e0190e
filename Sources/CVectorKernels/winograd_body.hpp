#include "vector.hpp"

namespace VK_LEVEL {

// One dimension, two outputs, two taps, three products:
//
//     y₀ = d₀g₀ + d₁g₁ = m₀ + m₁        m₀ = (d₀ − d₁)·g₀
//     y₁ = d₁g₀ + d₂g₁ = m₁ + m₂        m₁ = d₁·(g₀ + g₁)
//                                       m₂ = (d₁ − d₂)·(−g₁)
//
// In two dimensions nine products replace sixteen; point 3a + b is product a along y and b along x. The only constants
// are ±1, so rounding errors are about three times those of a direct sum.

/// The nine transformed values of the four taps g at (dy, dx).
VK_INLINE void transform_taps(vec g00, vec g01, vec g10, vec g11, vec *u) {
  const vec top[3] = {g00, g00 + g01, -g01}, bottom[3] = {g10, g10 + g11, -g11};
#pragma clang loop unroll(full)
  for (int b = 0; b < 3; b++) {
    u[b] = top[b];
    u[3 + b] = top[b] + bottom[b];
    u[6 + b] = -bottom[b];
  }
}

/// u[point][phase][high channel][low channel].
static void winograd_gather_weights(const vk_winograd &s, int phase, const float *w, float *u) {
  const int C = s.high_channels, N = s.low_channels, py = phase / 2, px = phase % 2;
  const auto tap = [&](int dy, int dx) { return w + (ptrdiff_t)((2 * dy + py) * 4 + 2 * dx + px) * C * N; };
  const float *g00 = tap(0, 0), *g01 = tap(0, 1), *g10 = tap(1, 0), *g11 = tap(1, 1);
  float *to = u + (ptrdiff_t)phase * C * N;
  for (ptrdiff_t i = 0; i < (ptrdiff_t)C * N; i += width) {
    vec point[9];
    transform_taps(load(g00 + i), load(g01 + i), load(g10 + i), load(g11 + i), point);
    for (int p = 0; p < 9; p++) store(to + (ptrdiff_t)p * 4 * C * N + i, point[p]);
  }
}

VK_INLINE void finish(const winograd_operands &o, ptrdiff_t at, vec value) {
  if (o.relu) value = select(value < splat(0.f), splat(0.f), value);
  if (o.gate) value = select(load(o.gate + at) > splat(0.f), value, splat(0.f));
  store(o.out + at, value);
}

/// The stride between points of `count` floats. The padding keeps the nine streams from being a power of two apart,
/// where they would map to the same few sets of the cache.
VK_INLINE ptrdiff_t point_stride(ptrdiff_t count) { return count + 80; }

/// v[point][tile][phase][channel] of one image.
static void transform_high(const vk_winograd &s, const float *high, float *v) {
  const int C = s.high_channels, tiles_y = s.height / 2, tiles_x = s.width / 2;
  const ptrdiff_t point = point_stride((ptrdiff_t)tiles_y * tiles_x * 4 * C);
  for (int y = 0; y < tiles_y; y++) {
    for (int py = 0; py < 2; py++) {
      const float *r0 = high + (4 * y + py) * s.high_row, *r1 = r0 + 2 * s.high_row, *r2 = r1 + 2 * s.high_row;
      float *to = v + (ptrdiff_t)y * tiles_x * 4 * C + py * 2 * C;
      for (int c = 0; c < 2 * C; c += width) {
        vec a = load(r0 + c), b = load(r1 + c), e = load(r2 + c);
        vec left[3] = {a - b, b, b - e};
        for (int x = 0; x < tiles_x; x++) {
          const ptrdiff_t m = (ptrdiff_t)(4 * x + 2) * C + c, n = m + 2 * C;
          vec am = load(r0 + m), bm = load(r1 + m), em = load(r2 + m);
          vec an = load(r0 + n), bn = load(r1 + n), en = load(r2 + n);
          vec middle[3] = {am - bm, bm, bm - em}, right[3] = {an - bn, bn, bn - en};
          float *at = to + (ptrdiff_t)x * 4 * C + c;
#pragma clang loop unroll(full)
          for (int i = 0; i < 3; i++) {
            store(at + (3 * i) * point, left[i] - middle[i]);
            store(at + (3 * i + 1) * point, middle[i]);
            store(at + (3 * i + 2) * point, middle[i] - right[i]);
            left[i] = right[i];
          }
        }
      }
    }
  }
}

/// P rows and V vectors of columns of a matrix product: out[i][n] = Σ_k a[i][k]·b[k][n].
template <int P, int V>
VK_INLINE void product_tile(int depth, const float *a, ptrdiff_t a_row, const float *b, ptrdiff_t b_row, float *out,
                            ptrdiff_t out_row) {
  vec sum[P][V] = {};
#pragma clang loop unroll_count(4)
  for (int k = 0; k < depth; k++) {
    vec value[V];
#pragma clang loop unroll(full)
    for (int v = 0; v < V; v++) value[v] = load(b + v * width);
    b += b_row;
#pragma clang loop unroll(full)
    for (int i = 0; i < P; i++) {
      vec factor = splat(a[i * a_row + k]);
#pragma clang loop unroll(full)
      for (int v = 0; v < V; v++) sum[i][v] = fma(factor, value[v], sum[i][v]);
    }
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < P; i++)
#pragma clang loop unroll(full)
    for (int v = 0; v < V; v++) store(out + i * out_row + v * width, sum[i][v]);
}

template <int P>
static void product_rows(int &i, int rows, int depth, const float *a, const float *b, int columns, int n, float *out) {
  for (; i + P <= rows; i += P)
    product_tile<P, 2>(depth, a + (ptrdiff_t)i * depth, depth, b + n, columns, out + (ptrdiff_t)i * columns + n,
                       columns);
}

static void winograd_gather(const vk_winograd &s, const float *high, const float *u, const winograd_operands &o,
                            float *scratch) {
  const int N = s.low_channels, tiles_y = s.height / 2, tiles_x = s.width / 2;
  const int tiles = tiles_y * tiles_x, depth = 4 * s.high_channels;
  const ptrdiff_t v_point = point_stride((ptrdiff_t)tiles * depth), point = point_stride((ptrdiff_t)tiles * N);
  float *v = scratch, *m = scratch + 9 * v_point;
  if (high) transform_high(s, high, v);
  for (int p = 0; p < 9; p++) {
    const float *a = v + p * v_point, *b = u + (ptrdiff_t)p * depth * N;
    for (int n = 0; n < N; n += 2 * width) {
      int i = 0;
      if constexpr (registers == 32) product_rows<8>(i, tiles, depth, a, b, N, n, m + p * point);
      product_rows<4>(i, tiles, depth, a, b, N, n, m + p * point);
      product_rows<1>(i, tiles, depth, a, b, N, n, m + p * point);
    }
  }
  for (int y = 0; y < tiles_y; y++) {
    for (int x = 0; x < tiles_x; x++) {
      for (int n = 0; n < N; n += width) {
        const float *from = m + (ptrdiff_t)(y * tiles_x + x) * N + n;
        const vec start = o.bias ? load(o.bias + n) : splat(0.f);
        vec row[2][3];
#pragma clang loop unroll(full)
        for (int b = 0; b < 3; b++) {
          vec middle = load(from + (3 + b) * point);
          row[0][b] = load(from + b * point) + middle;
          row[1][b] = middle + load(from + (6 + b) * point);
        }
#pragma clang loop unroll(full)
        for (int i = 0; i < 2; i++) {
          const ptrdiff_t at = (2 * y + i) * s.low_row + (ptrdiff_t)2 * x * N + n;
          vec middle = row[i][1] + start;
          finish(o, at, row[i][0] + middle);
          finish(o, at + N, middle + row[i][2]);
        }
      }
    }
  }
}

// The scatter: the output pixels of each phase are a correlation with two taps along each axis, over the same image
// shifted by one. All four phases share the differences between adjacent pixels, which are computed once.

constexpr int block = 32;  // contiguous channels of `low`

/// v[block][y][row or difference of rows][x][column or difference of columns][32] of the image with its border.
static void transform_low(const vk_winograd &s, const float *low, float *v) {
  const int C = s.low_channels, rows = s.height + 2, columns = s.width + 2;
  for (int c = 0; c < C; c += block) {
    for (int y = 0; y < rows; y++) {
      const float *r0 = low + y * s.low_row + c, *r1 = y + 1 < rows ? r0 + s.low_row : r0;
      float *to = v + ((ptrdiff_t)(c / block) * rows + y) * 4 * columns * block;
      for (int i = 0; i < block; i += width) {
        vec a = load(r0 + i), d = a - load(r1 + i);
        for (int x = 0; x + 1 < columns; x++) {
          vec a1 = load(r0 + (x + 1) * C + i), d1 = a1 - load(r1 + (x + 1) * C + i);
          float *at = to + (ptrdiff_t)x * 2 * block + i;
          store(at, a);
          store(at + block, a - a1);
          store(at + 2 * columns * block, d);
          store(at + 2 * columns * block + block, d - d1);
          a = a1;
          d = d1;
        }
      }
    }
  }
}

/// Channels of `high` computed together.
constexpr int group = registers == 32 ? 16 : 2 * width;

/// u[phase][n / group][c][point][group].
static void winograd_scatter_weights(const vk_winograd &s, int phase, const float *w, float *u) {
  const int C = s.low_channels, N = s.high_channels, py = phase / 2, px = phase % 2;
  const auto tap = [&](int dy, int dx) { return w + (ptrdiff_t)((3 - py - 2 * dy) * 4 + 3 - px - 2 * dx) * C * N; };
  const float *g00 = tap(0, 0), *g01 = tap(0, 1), *g10 = tap(1, 0), *g11 = tap(1, 1);
  u += (ptrdiff_t)phase * 9 * C * N;
  for (int n = 0; n < N; n += group) {
    for (int c = 0; c < C; c += width) {
      for (int lane = 0; lane < group; lane++) {
        const ptrdiff_t from = (ptrdiff_t)(n + lane) * C + c;
        vec point[9];
        transform_taps(load(g00 + from), load(g01 + from), load(g10 + from), load(g11 + from), point);
        float *to = u + ((ptrdiff_t)n * C + (ptrdiff_t)c * group) * 9 + lane;
        for (int p = 0; p < 9; p++)
          for (int i = 0; i < width; i++) to[(i * 9 + p) * group] = point[p][i];
      }
    }
  }
}

/// A group of channels for the four pixels of P adjacent tiles of one phase, `Points` of the nine sums at a time, as
/// the number of registers allows.
template <int P, int Points>
VK_INLINE void scatter_tile(const vk_winograd &s, const float *v, const float *u, const winograd_operands &o,
                            ptrdiff_t at) {
  constexpr int V = group / width;
  const ptrdiff_t row = (ptrdiff_t)2 * (s.width + 2) * block, next = (ptrdiff_t)(s.height + 2) * 2 * row;
  vec m[P][9][V];
#pragma clang loop unroll(full)
  for (int first = 0; first < 9; first += Points) {
    vec sum[P][Points][V] = {};
    const float *a = v, *w = u + first * group;
    for (int c = 0; c < s.low_channels; c += block, a += next) {
#pragma clang loop unroll_count(2)
      for (int k = 0; k < block; k++, w += 9 * group) {
#pragma clang loop unroll(full)
        for (int p = 0; p < Points; p++) {
          const float *from = a + ((first + p) / 3 + 1) * row + ((first + p) % 3 + 1) * block + k;
#pragma clang loop unroll(full)
          for (int i = 0; i < P; i++) {
            const vec value = splat(from[i * 4 * block]);
#pragma clang loop unroll(full)
            for (int j = 0; j < V; j++)
              sum[i][p][j] = fma(value, load(w + p * group + j * width), sum[i][p][j]);
          }
        }
      }
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < P; i++)
#pragma clang loop unroll(full)
      for (int p = 0; p < Points; p++)
#pragma clang loop unroll(full)
        for (int j = 0; j < V; j++) m[i][first + p][j] = sum[i][p][j];
  }
#pragma clang loop unroll(full)
  for (int j = 0; j < V; j++) {
    const vec start = o.bias ? load(o.bias + j * width) : splat(0.f);
#pragma clang loop unroll(full)
    for (int i = 0; i < P; i++) {
#pragma clang loop unroll(full)
      for (int y = 0; y < 2; y++) {
        vec left = m[i][3 * y][j] + m[i][3 * y + 3][j], right = m[i][3 * y + 2][j] + m[i][3 * y + 5][j];
        vec middle = m[i][3 * y + 1][j] + m[i][3 * y + 4][j] + start;
        const ptrdiff_t pixel = at + 2 * y * s.high_row + 4 * i * s.high_channels + j * width;
        finish(o, pixel, left + middle);
        finish(o, pixel + 2 * s.high_channels, middle + right);
      }
    }
  }
}

static void winograd_scatter(const vk_winograd &s, const float *low, const float *u, const winograd_operands &o,
                             float *scratch) {
  const int C = s.low_channels, N = s.high_channels, tiles = s.width / 2;
  transform_low(s, low, scratch);
  for (int phase = 0; phase < 4; phase++) {
    const int py = phase / 2, px = phase % 2;
    for (int n = 0; n < N; n += group) {
      const float *w = u + ((ptrdiff_t)phase * N + n) * 9 * C;
      winograd_operands from = o;
      if (o.bias) from.bias += n;
      for (int y = 0; y < s.height; y += 2) {
        const float *v = scratch + (ptrdiff_t)((y + py) * 4 * (s.width + 2) + px * 2) * block;
        const ptrdiff_t at = (2 * y + py) * s.high_row + (ptrdiff_t)px * N + n;
        for (int x = 0; x < tiles;) {
          const float *tile = v + (ptrdiff_t)x * 4 * block;
          const ptrdiff_t pixel = at + (ptrdiff_t)x * 4 * N;
          const int left = tiles - x;
          if (width == 16 && left >= 3 && left != 4) {
            scatter_tile<3, 9>(s, tile, w, from, pixel);
            x += 3;
          } else if (many_narrow && left >= 4) {
            // Four tiles of four vectors of one point: half a load for each multiply-add, against one for 2 × 2 × 3.
            scatter_tile<4, 1>(s, tile, w, from, pixel);
            x += 4;
          } else if (left >= 2) {
            scatter_tile<2, width == 16 ? 9 : 3>(s, tile, w, from, pixel);
            x += 2;
          } else {
            scatter_tile<1, width == 16 ? 9 : 3>(s, tile, w, from, pixel);
            x += 1;
          }
        }
      }
    }
  }
}

/// e[point][tile][channel]: the transformed `low`, multiplied by v in the weight gradient.
static void transform_gradient(const vk_winograd &s, const float *low, float *e) {
  const int N = s.low_channels, tiles_y = s.height / 2, tiles_x = s.width / 2;
  const ptrdiff_t point = point_stride((ptrdiff_t)tiles_y * tiles_x * N);
  for (int y = 0; y < tiles_y; y++) {
    for (int x = 0; x < tiles_x; x++) {
      for (int n = 0; n < N; n += width) {
        const float *from = low + 2 * y * s.low_row + (ptrdiff_t)2 * x * N + n;
        float *to = e + (ptrdiff_t)(y * tiles_x + x) * N + n;
        vec a = load(from), b = load(from + N), c = load(from + s.low_row), d = load(from + s.low_row + N);
        vec left = a + c, right = b + d;
        store(to, a);
        store(to + point, a + b);
        store(to + 2 * point, b);
        store(to + 3 * point, left);
        store(to + 4 * point, left + right);
        store(to + 5 * point, right);
        store(to + 6 * point, c);
        store(to + 7 * point, c + d);
        store(to + 8 * point, d);
      }
    }
  }
}

/// sum[L][2 vectors] += Σ_tile v[tile][0..<L] · e[tile][2 vectors].
template <int L>
VK_INLINE void outer_tile(int tiles, const float *v, ptrdiff_t v_row, const float *e, ptrdiff_t e_row, float *du) {
  vec sum[L][2];
#pragma clang loop unroll(full)
  for (int i = 0; i < L; i++) {
    sum[i][0] = load(du + i * e_row);
    sum[i][1] = load(du + i * e_row + width);
  }
#pragma clang loop unroll_count(2)
  for (int t = 0; t < tiles; t++) {
    vec e0 = load(e), e1 = load(e + width);
#pragma clang loop unroll(full)
    for (int i = 0; i < L; i++) {
      vec value = splat(v[i]);
      sum[i][0] = fma(value, e0, sum[i][0]);
      sum[i][1] = fma(value, e1, sum[i][1]);
    }
    v += v_row;
    e += e_row;
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < L; i++) {
    store(du + i * e_row, sum[i][0]);
    store(du + i * e_row + width, sum[i][1]);
  }
}

static void winograd_gradient(const vk_winograd &s, const float *high, const float *low, float *scratch, float *du) {
  constexpr int L = registers == 32 ? 8 : 4;
  const int C = s.high_channels, N = s.low_channels, tiles = s.height / 2 * (s.width / 2), depth = 4 * C;
  const ptrdiff_t v_point = point_stride((ptrdiff_t)tiles * depth), point = point_stride((ptrdiff_t)tiles * N);
  float *v = scratch, *e = scratch + 9 * v_point;
  transform_high(s, high, v);
  transform_gradient(s, low, e);
  for (int p = 0; p < 9; p++) {
    const float *a = v + p * v_point, *b = e + p * point;
    float *to = du + (ptrdiff_t)p * depth * N;
    for (int n = 0; n < N; n += 2 * width)
      for (int k = 0; k < depth; k += L) outer_tile<L>(tiles, a + k, depth, b + n, N, to + (ptrdiff_t)k * N + n);
  }
}

/// The transpose of winograd_gather_weights.
static void winograd_finish(const vk_winograd &s, int phase, const float *du, bool accumulate, float *dw) {
  const int C = s.high_channels, N = s.low_channels, py = phase / 2, px = phase % 2;
  const ptrdiff_t point = (ptrdiff_t)4 * C * N;
  const float *from = du + (ptrdiff_t)phase * C * N;
  const auto tap = [&](int dy, int dx) { return dw + (ptrdiff_t)((2 * dy + py) * 4 + 2 * dx + px) * C * N; };
  float *g00 = tap(0, 0), *g01 = tap(0, 1), *g10 = tap(1, 0), *g11 = tap(1, 1);
  for (ptrdiff_t i = 0; i < (ptrdiff_t)C * N; i += width) {
    vec top[3], bottom[3];
#pragma clang loop unroll(full)
    for (int b = 0; b < 3; b++) {
      vec middle = load(from + (3 + b) * point + i);
      top[b] = load(from + b * point + i) + middle;
      bottom[b] = middle - load(from + (6 + b) * point + i);
    }
    const auto put = [&](float *to, vec value) VK_LAMBDA { store(to + i, accumulate ? load(to + i) + value : value); };
    put(g00, top[0] + top[1]);
    put(g01, top[1] - top[2]);
    put(g10, bottom[0] + bottom[1]);
    put(g11, bottom[1] - bottom[2]);
  }
}

}  // namespace VK_LEVEL
