#include "vector.hpp"

namespace VK_LEVEL {

// Some floats as one value; each function below takes as many channels at a time as fit.
template <int W> using lanes = float __attribute__((vector_size(4 * W)));
template <class T> VK_INLINE T get(const float *p) {
  T value;
  __builtin_memcpy(&value, p, sizeof value);
  return value;
}
template <class T> VK_INLINE void put(float *p, T value) { __builtin_memcpy(p, &value, sizeof value); }

/// Calls f(i, zeros) for the places first ..< last, as many at a time as `zeros` has lanes: whole vectors, then halves of
/// them and so on.
template <int W = width, class F> VK_INLINE void for_each_lanes(ptrdiff_t first, ptrdiff_t last, F f) {
  for (; first + W <= last; first += W) f(first, lanes<W>{});
  if constexpr (W > 1) {
    if (first < last) for_each_lanes<W / 2>(first, last, f);
  }
}

/// One axis: two outputs y from R taps g and R + 1 pixels d by as many products.
template <int R> struct minimal_filter;

/// y₀ = d₀g₀ and y₁ = d₁g₀.
template <> struct minimal_filter<1> {
  template <class T> VK_INLINE void image(const T *d, T *m) { m[0] = d[0], m[1] = d[1]; }
  template <class T> VK_INLINE void taps(const T *g, T *m) { m[0] = m[1] = g[0]; }
  template <class T> VK_INLINE void output(const T *m, T *y) { y[0] = m[0], y[1] = m[1]; }
  template <class T> VK_INLINE void output_gradient(const T *y, T *m) { m[0] = y[0], m[1] = y[1]; }
  template <class T> VK_INLINE void taps_gradient(const T *m, T *g) { g[0] = m[0] + m[1]; }
};

/// y₀ = d₀g₀ + d₁g₁ = m₀ + m₁ and y₁ = d₁g₀ + d₂g₁ = m₁ + m₂, with m₀ = (d₀ − d₁)·g₀, m₁ = d₁·(g₀ + g₁) and
/// m₂ = (d₁ − d₂)·(−g₁).
template <> struct minimal_filter<2> {
  template <class T> VK_INLINE void image(const T *d, T *m) { m[0] = d[0] - d[1], m[1] = d[1], m[2] = d[1] - d[2]; }
  template <class T> VK_INLINE void taps(const T *g, T *m) { m[0] = g[0], m[1] = g[0] + g[1], m[2] = -g[1]; }
  template <class T> VK_INLINE void output(const T *m, T *y) { y[0] = m[0] + m[1], y[1] = m[1] + m[2]; }
  template <class T> VK_INLINE void output_gradient(const T *y, T *m) { m[0] = y[0], m[1] = y[0] + y[1], m[2] = y[1]; }
  template <class T> VK_INLINE void taps_gradient(const T *m, T *g) { g[0] = m[0] + m[1], g[1] = m[1] - m[2]; }
};

/// y₀ = d₀g₀ + d₁g₁ + d₂g₂ = m₀ + m₁ + m₂ and y₁ = d₁g₀ + d₂g₁ + d₃g₂ = m₁ − m₂ − m₃, with m₀ = (d₀ − d₂)·g₀,
/// m₁ = (d₁ + d₂)·(g₀ + g₁ + g₂)/2, m₂ = (d₂ − d₁)·(g₀ − g₁ + g₂)/2 and m₃ = (d₁ − d₃)·g₂.
template <> struct minimal_filter<3> {
  template <class T> VK_INLINE void image(const T *d, T *m) {
    m[0] = d[0] - d[2], m[1] = d[1] + d[2], m[2] = d[2] - d[1], m[3] = d[1] - d[3];
  }
  template <class T> VK_INLINE void taps(const T *g, T *m) {
    const T outer = (g[0] + g[2]) * 0.5f, inner = g[1] * 0.5f;
    m[0] = g[0], m[1] = outer + inner, m[2] = outer - inner, m[3] = g[2];
  }
  template <class T> VK_INLINE void output(const T *m, T *y) {
    y[0] = m[0] + (m[1] + m[2]), y[1] = m[1] - m[2] - m[3];
  }
  template <class T> VK_INLINE void output_gradient(const T *y, T *m) {
    m[0] = y[0], m[1] = y[0] + y[1], m[2] = y[0] - y[1], m[3] = -y[1];
  }
  template <class T> VK_INLINE void taps_gradient(const T *m, T *g) {
    const T outer = (m[1] + m[2]) * 0.5f;
    g[0] = m[0] + outer, g[1] = (m[1] - m[2]) * 0.5f, g[2] = outer + m[3];
  }
};

/// Calls f with the numbers of taps as types.
template <int R> struct count_of {
  static constexpr int value = R;
};
template <class F> VK_INLINE void with_taps(int count, F f) {
  switch (count) {
    case 1: return f(count_of<1>());
    case 2: return f(count_of<2>());
    default: return f(count_of<3>());
  }
}
#define VK_WITH_TAPS(s, call)                                            \
  with_taps((s).y_taps, [&](auto y) VK_LAMBDA {                          \
    with_taps((s).x_taps, [&](auto x) VK_LAMBDA { call; });              \
  })

template <int Y, int X>
static void image_tiles(const vk_tiles &s, const float *in, ptrdiff_t in_row, ptrdiff_t in_pixel, float *v,
                        ptrdiff_t v_point, ptrdiff_t v_tile) {
  for_each_lanes(0, s.channels, [&](ptrdiff_t c, auto zeros) VK_LAMBDA {
    typedef decltype(zeros) T;
    // The transformed columns of pixels of a tile; the next tile begins with the last X − 1 of them.
    T columns[X + 1][Y + 1];
    const auto read = [&](ptrdiff_t x, T *to) VK_LAMBDA {
      T d[Y + 1];
#pragma clang loop unroll(full)
      for (int y = 0; y <= Y; y++) d[y] = get<T>(in + y * in_row + x * in_pixel + c);
      minimal_filter<Y>::image(d, to);
    };
#pragma clang loop unroll(full)
    for (int x = 0; x < X - 1; x++) read(x, columns[x]);
    for (ptrdiff_t t = 0; t < s.tiles; t++) {
      read(2 * t + X - 1, columns[X - 1]);
      read(2 * t + X, columns[X]);
      float *to = v + t * v_tile + c;
#pragma clang loop unroll(full)
      for (int a = 0; a <= Y; a++) {
        T d[X + 1], m[X + 1];
#pragma clang loop unroll(full)
        for (int x = 0; x <= X; x++) d[x] = columns[x][a];
        minimal_filter<X>::image(d, m);
#pragma clang loop unroll(full)
        for (int b = 0; b <= X; b++) put(to + ((X + 1) * a + b) * v_point, m[b]);
#pragma clang loop unroll(full)
        for (int x = 0; x < X - 1; x++) columns[x][a] = columns[x + 2][a];
      }
    }
  });
}

static void tile_image(const vk_tiles &s, const float *in, ptrdiff_t in_row, ptrdiff_t in_pixel, float *v,
                       ptrdiff_t v_point, ptrdiff_t v_tile) {
  VK_WITH_TAPS(s, (image_tiles<y.value, x.value>(s, in, in_row, in_pixel, v, v_point, v_tile)));
}

template <int Y, int X>
static void output_tiles(const vk_tiles &s, ptrdiff_t rows, ptrdiff_t columns, const float *m, ptrdiff_t m_point,
                         int add, float *out, ptrdiff_t out_row, ptrdiff_t out_pixel) {
  for_each_lanes(0, s.channels, [&](ptrdiff_t c, auto zeros) VK_LAMBDA {
    typedef decltype(zeros) T;
    for (ptrdiff_t t = 0; t < s.tiles; t++) {
      const float *from = m + t * s.channels + c;
      T half[2][X + 1];
#pragma clang loop unroll(full)
      for (int b = 0; b <= X; b++) {
        T points[Y + 1], y[2];
#pragma clang loop unroll(full)
        for (int a = 0; a <= Y; a++) points[a] = get<T>(from + ((X + 1) * a + b) * m_point);
        minimal_filter<Y>::output(points, y);
        half[0][b] = y[0], half[1][b] = y[1];
      }
#pragma clang loop unroll(full)
      for (int i = 0; i < 2; i++) {
        if (i >= rows) break;
        T y[2];
        minimal_filter<X>::output(half[i], y);
#pragma clang loop unroll(full)
        for (int j = 0; j < 2; j++) {
          if (2 * t + j >= columns) break;
          float *to = out + i * out_row + (2 * t + j) * out_pixel + c;
          put(to, add ? get<T>(to) + y[j] : y[j]);
        }
      }
    }
  });
}

static void tile_output(const vk_tiles &s, ptrdiff_t rows, ptrdiff_t columns, const float *m, ptrdiff_t m_point,
                        int add, float *out, ptrdiff_t out_row, ptrdiff_t out_pixel) {
  VK_WITH_TAPS(s, (output_tiles<y.value, x.value>(s, rows, columns, m, m_point, add, out, out_row, out_pixel)));
}

template <int Y, int X>
static void gradient_tiles(const vk_tiles &s, ptrdiff_t rows, ptrdiff_t columns, const float *in, ptrdiff_t in_row,
                           float *e, ptrdiff_t e_point) {
  for_each_lanes(0, s.channels, [&](ptrdiff_t c, auto zeros) VK_LAMBDA {
    typedef decltype(zeros) T;
    for (ptrdiff_t t = 0; t < s.tiles; t++) {
      T half[2][Y + 1];
#pragma clang loop unroll(full)
      for (int j = 0; j < 2; j++) {
        T y[2];
#pragma clang loop unroll(full)
        for (int i = 0; i < 2; i++)
          y[i] = i < rows && 2 * t + j < columns ? get<T>(in + i * in_row + (2 * t + j) * s.channels + c) : zeros;
        minimal_filter<Y>::output_gradient(y, half[j]);
      }
      float *to = e + t * s.channels + c;
#pragma clang loop unroll(full)
      for (int a = 0; a <= Y; a++) {
        const T y[2] = {half[0][a], half[1][a]};
        T m[X + 1];
        minimal_filter<X>::output_gradient(y, m);
#pragma clang loop unroll(full)
        for (int b = 0; b <= X; b++) put(to + ((X + 1) * a + b) * e_point, m[b]);
      }
    }
  });
}

static void tile_gradient(const vk_tiles &s, ptrdiff_t rows, ptrdiff_t columns, const float *in, ptrdiff_t in_row,
                          float *e, ptrdiff_t e_point) {
  VK_WITH_TAPS(s, (gradient_tiles<y.value, x.value>(s, rows, columns, in, in_row, e, e_point)));
}

template <int Y, int X>
static void weights_tiles(const vk_taps &s, ptrdiff_t count, ptrdiff_t first, ptrdiff_t last, const float *w, float *u,
                          ptrdiff_t u_point) {
  for_each_lanes(first, last, [&](ptrdiff_t i, auto zeros) VK_LAMBDA {
    typedef decltype(zeros) T;
    T columns[X][Y + 1];
#pragma clang loop unroll(full)
    for (int x = 0; x < X; x++) {
      T g[Y];
#pragma clang loop unroll(full)
      for (int y = 0; y < Y; y++) g[y] = get<T>(w + s.numbers[y * X + x] * count + i);
      minimal_filter<Y>::taps(g, columns[x]);
    }
#pragma clang loop unroll(full)
    for (int a = 0; a <= Y; a++) {
      T g[X], m[X + 1];
#pragma clang loop unroll(full)
      for (int x = 0; x < X; x++) g[x] = columns[x][a];
      minimal_filter<X>::taps(g, m);
#pragma clang loop unroll(full)
      for (int b = 0; b <= X; b++) put(u + ((X + 1) * a + b) * u_point + i, m[b]);
    }
  });
}

static void tile_weights(const vk_taps &s, ptrdiff_t count, ptrdiff_t first, ptrdiff_t last, const float *w, float *u,
                         ptrdiff_t u_point) {
  VK_WITH_TAPS(s, (weights_tiles<y.value, x.value>(s, count, first, last, w, u, u_point)));
}

template <int Y, int X>
static void finish_tiles(const vk_taps &s, ptrdiff_t rows, ptrdiff_t first, ptrdiff_t last, ptrdiff_t columns,
                         const float *du, ptrdiff_t du_point, ptrdiff_t du_row, float *w) {
  for (ptrdiff_t r = first; r < last; r++) {
    for_each_lanes(0, columns, [&](ptrdiff_t c, auto zeros) VK_LAMBDA {
      typedef decltype(zeros) T;
      T taps[X + 1][Y];
#pragma clang loop unroll(full)
      for (int b = 0; b <= X; b++) {
        T m[Y + 1];
#pragma clang loop unroll(full)
        for (int a = 0; a <= Y; a++) m[a] = get<T>(du + ((X + 1) * a + b) * du_point + r * du_row + c);
        minimal_filter<Y>::taps_gradient(m, taps[b]);
      }
#pragma clang loop unroll(full)
      for (int y = 0; y < Y; y++) {
        T m[X + 1], g[X];
#pragma clang loop unroll(full)
        for (int b = 0; b <= X; b++) m[b] = taps[b][y];
        minimal_filter<X>::taps_gradient(m, g);
#pragma clang loop unroll(full)
        for (int x = 0; x < X; x++) {
          float *to = w + (s.numbers[y * X + x] * rows + r) * columns + c;
          put(to, get<T>(to) + g[x]);
        }
      }
    });
  }
}

static void tile_finish(const vk_taps &s, ptrdiff_t rows, ptrdiff_t first, ptrdiff_t last, ptrdiff_t columns,
                        const float *du, ptrdiff_t du_point, ptrdiff_t du_row, float *w) {
  VK_WITH_TAPS(s, (finish_tiles<y.value, x.value>(s, rows, first, last, columns, du, du_point, du_row, w)));
}

#undef VK_WITH_TAPS

}  // namespace VK_LEVEL
