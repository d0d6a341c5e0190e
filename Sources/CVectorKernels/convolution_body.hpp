#include "vector.hpp"

namespace VK_LEVEL {

/// Pixels of a register tile with two vectors of channels; the accumulators fill the registers of the level.
constexpr int tile_pixels = registers == 32 ? 8 : 4;

/// The operands of the map.
struct correlation_operands {
  const float *in, *w, *bias;
  bool relu;
  const float *gate;
  float *out;
};

/// V vectors of channels of R × P pixels, accumulated in registers.
template <int V, int R, int P>
VK_INLINE void correlate_tile(const vk_correlation &s, const correlation_operands &o, int y, int x, int n) {
  const float *in = o.in + y * s.in_step + x * s.in_pixel;
  const float *w = o.w + n;
  vec sum[R * P][V];
#pragma clang loop unroll(full)
  for (int v = 0; v < V; v++) {
    vec start = o.bias ? load(o.bias + n + v * width) : splat(0.f);
#pragma clang loop unroll(full)
    for (int i = 0; i < R * P; i++) sum[i][v] = start;
  }
  for (int k = 0; k < s.rows; k++) {
    const float *a = in + k * s.in_row;
#pragma clang loop unroll_count(4)
    for (int j = 0; j < s.run; j++) {
      vec b[V];
#pragma clang loop unroll(full)
      for (int v = 0; v < V; v++) b[v] = load(w + v * width);
      w += s.w_row;
#pragma clang loop unroll(full)
      for (int r = 0; r < R; r++) {
#pragma clang loop unroll(full)
        for (int p = 0; p < P; p++) {
          vec value = splat(a[r * s.in_step + p * s.in_pixel + j]);
#pragma clang loop unroll(full)
          for (int v = 0; v < V; v++) sum[r * P + p][v] = fma(value, b[v], sum[r * P + p][v]);
        }
      }
    }
  }
#pragma clang loop unroll(full)
  for (int r = 0; r < R; r++) {
#pragma clang loop unroll(full)
    for (int p = 0; p < P; p++) {
      ptrdiff_t at = (y + r) * s.out_row + (x + p) * s.out_pixel + n;
#pragma clang loop unroll(full)
      for (int v = 0; v < V; v++) {
        vec value = sum[r * P + p][v];
        if (o.relu) value = select(value < splat(0.f), splat(0.f), value);
        if (o.gate) value = select(load(o.gate + at + v * width) > splat(0.f), value, splat(0.f));
        store(o.out + at + v * width, value);
      }
    }
  }
}

/// All pixels of the columns from x on: first in tiles P columns wide, row by row, then the rest in tiles half as wide.
/// A tile has `Pixels` pixels, except in the last rows.
template <int V, int Pixels, int P = Pixels>
static void correlate_columns(const vk_correlation &s, const correlation_operands &o, int x, int n) {
  constexpr int R = Pixels / P;
  const int end = s.width - (s.width - x) % P;
  int y = 0;
  for (; y + R <= s.height; y += R)
    for (int i = x; i < end; i += P) correlate_tile<V, R, P>(s, o, y, i, n);
  if constexpr (R > 1) {
    for (; y < s.height; y++)
      for (int i = x; i < end; i += P) correlate_tile<V, 1, P>(s, o, y, i, n);
  }
  if constexpr (P > 1) {
    if (end < s.width) correlate_columns<V, Pixels, P / 2>(s, o, end, n);
  }
}

static void correlate(const vk_correlation &s, const correlation_operands &o) {
  int n = 0;
  for (; n + 2 * width <= s.channels; n += 2 * width) correlate_columns<2, tile_pixels>(s, o, 0, n);
  if constexpr (width == 16) {
    if (n < s.channels) correlate_columns<1, 16>(s, o, 0, n);
  }
}

/// Two vectors of channels for S rows of the kernel × L floats of its run, over `height` rows of pixels.
template <int S, int L>
VK_INLINE void weights_tile(const vk_correlation &s, const float *in, const float *out, int height, float *dw) {
  vec sum[S * L][2];
  ptrdiff_t segment = s.run * s.w_row;
#pragma clang loop unroll(full)
  for (int i = 0; i < S * L; i++) {
    sum[i][0] = load(dw + (i / L) * segment + (i % L) * s.w_row);
    sum[i][1] = load(dw + (i / L) * segment + (i % L) * s.w_row + width);
  }
  for (int y = 0; y < height; y++) {
    const float *a = in + y * s.in_step, *d = out + y * s.out_row;
#pragma clang loop unroll_count(2)
    for (int x = 0; x < s.width; x++) {
      vec d0 = load(d), d1 = load(d + width);
#pragma clang loop unroll(full)
      for (int i = 0; i < S * L; i++) {
        vec value = splat(a[(i / L) * s.in_row + i % L]);
        sum[i][0] = fma(value, d0, sum[i][0]);
        sum[i][1] = fma(value, d1, sum[i][1]);
      }
      a += s.in_pixel;
      d += s.out_pixel;
    }
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < S * L; i++) {
    store(dw + (i / L) * segment + (i % L) * s.w_row, sum[i][0]);
    store(dw + (i / L) * segment + (i % L) * s.w_row + width, sum[i][1]);
  }
}

static void correlate_weights(const vk_correlation &s, const float *in, const float *out, float *dw) {
  constexpr int L = tile_pixels;
  // In blocks of rows whose pixels stay in the first-level cache while all weights are visited.
  const int block = s.width >= 64 ? 1 : 64 / s.width;
  for (int y = 0; y < s.height; y += block) {
    const int rows = s.height - y < block ? s.height - y : block;
    const float *a = in + y * s.in_step;
    for (int n = 0; n < s.channels; n += 2 * width) {
      const float *d = out + y * s.out_row + n;
      const auto to = [&](int k, int j) { return dw + (ptrdiff_t)(k * s.run + j) * s.w_row + n; };
      int j = 0;
      for (int k = 0; k < s.rows; k++)
        for (j = 0; j + L <= s.run; j += L) weights_tile<1, L>(s, a + k * s.in_row + j, d, rows, to(k, j));
      for (int k = 0; k < s.rows; k += 2) {
        int i = j;
        if constexpr (L == 8) {
          if (i + 4 <= s.run) {
            weights_tile<2, 4>(s, a + k * s.in_row + i, d, rows, to(k, i));
            i += 4;
          }
        }
        if (i < s.run) weights_tile<2, 2>(s, a + k * s.in_row + i, d, rows, to(k, i));
      }
    }
  }
}

/// out[i·out_step + j] += in[i·in_step + j] for j < length. First even i, then odd: adjacent spans overlap, and a load
/// directly after a store to part of the same bytes would stall.
template <int Length>
VK_INLINE void add_spans(int count, int length, const float *__restrict in, ptrdiff_t in_step, float *__restrict out,
                         ptrdiff_t out_step) {
  for (int first = 0; first < 2; first++)
    for (int i = first; i < count; i += 2)
      for (int j = 0; j < (Length ? Length : length); j++) out[i * out_step + j] += in[i * in_step + j];
}

static void expand(const vk_expansion &s, const float *in, const float *w, const float *bias, float *products,
                   float *out) {
  const int span = s.kernel * s.channels;
  const int rows = 2 * s.height + s.kernel - 2, floats = (2 * s.width + s.kernel - 2) * s.channels;
  for (int i = 0; i < floats; i++) out[i] = bias ? bias[i % s.channels] : 0;
  for (int y = 1; y < rows; y++) __builtin_memcpy(out + y * s.out_row, out, floats * sizeof(float));
  const vk_correlation product = {1, s.width, (int)s.w_row, 1, s.in_channels, 0, 0, s.in_channels, s.w_row, 0, s.w_row};
  for (int y = 0; y < s.height; y++) {
    correlate(product, {in + y * s.in_row, w, nullptr, false, nullptr, products});
    for (int k = 0; k < s.kernel; k++) {
      float *row = out + (2 * y + k) * s.out_row;
      const float *from = products + k * span;
      switch (span) {
        case 4: add_spans<4>(s.width, span, from, s.w_row, row, 2 * s.channels); break;
        case 12: add_spans<12>(s.width, span, from, s.w_row, row, 2 * s.channels); break;
        default: add_spans<0>(s.width, span, from, s.w_row, row, 2 * s.channels);
      }
    }
  }
}

static void channel_sums(int height, int columns, int channels, ptrdiff_t row, const float *x, float *sums) {
  if (channels % width == 0) {
    for (int n = 0; n < channels; n += width) {
      vec sum = load(sums + n);
      for (int y = 0; y < height; y++)
        for (int i = 0; i < columns; i++) sum += load(x + y * row + i * channels + n);
      store(sums + n, sum);
    }
    return;
  }
  // Sum over the rows first, a vector of contiguous floats at a time, then add each lane to its channel.
  const int floats = columns * channels;
  int i = 0;
  for (; i + width <= floats; i += width) {
    vec sum = {};
    for (int y = 0; y < height; y++) sum += load(x + y * row + i);
    for (int lane = 0; lane < width; lane++) sums[(i + lane) % channels] += sum[lane];
  }
  for (; i < floats; i++) {
    float sum = 0;
    for (int y = 0; y < height; y++) sum += x[y * row + i];
    sums[i % channels] += sum;
  }
}

static void support(int height, int floats, const float *x, int *bounds) {
  const auto blank = [&](int y) VK_LAMBDA {
    const float *row = x + (ptrdiff_t)y * floats;
    ivec seen = {};
    int i = 0;
    for (; i + width <= floats; i += width) seen |= load(row + i) != splat(0.f);
    int any = 0;
    for (int lane = 0; lane < width; lane++) any |= seen[lane];
    for (; i < floats; i++) any |= row[i] != 0;
    return any == 0;
  };
  int top = 0, bottom = height;
  while (top < height && blank(top)) top++;
  while (bottom > top && blank(bottom - 1)) bottom--;
  int left = floats, right = 0;
  const auto note = [&](int column) VK_LAMBDA {
    left = column < left ? column : left;
    right = column >= right ? column + 1 : right;
  };
  int i = 0;
  for (; i + width <= floats; i += width) {
    ivec seen = {};
    for (int y = top; y < bottom; y++) seen |= load(x + (ptrdiff_t)y * floats + i) != splat(0.f);
    for (int lane = 0; lane < width; lane++)
      if (seen[lane]) note(i + lane);
  }
  for (; i < floats; i++)
    for (int y = top; y < bottom; y++)
      if (x[(ptrdiff_t)y * floats + i] != 0) note(i);
  const bool none = top == bottom;
  bounds[0] = none ? 0 : top;
  bounds[1] = none ? 0 : bottom;
  bounds[2] = none ? 0 : left;
  bounds[3] = none ? 0 : right;
}

}  // namespace VK_LEVEL
