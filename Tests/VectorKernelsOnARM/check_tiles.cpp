// vk_tiles.h: each transform against its matrices.
#include "checks.hpp"

namespace {

/// The matrices of one axis, by the number of taps.
struct Matrices {
  double image[4][4], taps[4][3], output[2][4];
};
const Matrices matrices[] = {
    {{{1, 0}, {0, 1}}, {{1}, {1}}, {{1, 0}, {0, 1}}},
    {{{1, -1, 0}, {0, 1, 0}, {0, 1, -1}}, {{1, 0}, {1, 1}, {0, -1}}, {{1, 1, 0}, {0, 1, 1}}},
    {{{1, 0, -1, 0}, {0, 1, 1, 0}, {0, -1, 1, 0}, {0, 1, 0, -1}},
     {{1, 0, 0}, {.5, .5, .5}, {.5, -.5, .5}, {0, 0, 1}},
     {{1, 1, 1, 0}, {0, 1, -1, -1}}},
};
const Matrices &axis(int taps) { return matrices[taps - 1]; }

/// A value has at most 16 terms and three or four roundings in a row; errors are relative to all terms.
constexpr double tolerance = 4 * unit<float>;

const ptrdiff_t channel_counts[] = {1, 3, 4, 7, 8, 15, 16, 17, 24, 31, 47};

/// Calls f with every pair of counts of taps.
template <class F> void for_each_taps(F f) {
  for (int y = 1; y <= 3; y++)
    for (int x = 1; x <= 3; x++) f(y, x);
}

/// Calls f with a shape, and how many rows and columns of outputs are there.
template <class F> void for_each_shape(F f) {
  for_each_taps([&](int y, int x) {
    for (ptrdiff_t channels : channel_counts)
      for (ptrdiff_t tiles : {1, 2, 5})
        for (ptrdiff_t rows : {1, 2})
          for (ptrdiff_t cut : {0, 1}) f(vk_tiles{y, x, channels, tiles}, rows, 2 * tiles - cut);
  });
}

void check_images(int level) {
  Check check("vk_tile_image_f32", level);
  Random random(211);
  for_each_taps([&](int y_taps, int x_taps) {
    for (ptrdiff_t channels : channel_counts)
      for (ptrdiff_t tiles : {0, 1, 2, 5}) {
        check.size("%d × %d taps, %td channels, %td tiles", y_taps, x_taps, channels, tiles);
        const vk_tiles shape = {y_taps, x_taps, channels, tiles};
        const ptrdiff_t pixel = channels + 2, pixels = 2 * tiles + x_taps - 1, row = pixels * pixel + 5;
        const ptrdiff_t tile = channels + 1, point = tiles * tile + 3;
        const int points = (y_taps + 1) * (x_taps + 1);
        Zone<float> in((size_t)((y_taps + 1) * row), random, -1, 1), v((size_t)(points * point));
        Expected expected(v.count);
        for (int p = 0; p < points; p++)
          for (ptrdiff_t t = 0; t < tiles; t++)
            for (ptrdiff_t c = 0; c < channels; c++)
              for (int y = 0; y <= y_taps; y++)
                for (int x = 0; x <= x_taps; x++)
                  expected.add((size_t)(p * point + t * tile + c),
                               axis(y_taps).image[p / (x_taps + 1)][y] * axis(x_taps).image[p % (x_taps + 1)][x] *
                                   in[y * row + (2 * t + x) * pixel + c]);
        vk_tile_image_f32(level, &shape, in, row, pixel, v, point, tile);
        check.array(v, expected, tolerance);
      }
  });
}

void check_outputs(int level) {
  Check check("vk_tile_output_f32", level);
  Random random(223);
  for_each_shape([&](const vk_tiles &s, ptrdiff_t rows, ptrdiff_t columns) {
    const int add = s.tiles == 2;
    check.size("%d × %d taps, %td channels, %td × %td, added %d", s.y_taps, s.x_taps, s.channels, rows, columns, add);
    const ptrdiff_t pixel = s.channels + 2, row = columns * pixel + 5, point = s.tiles * s.channels + 3;
    const int across = s.x_taps + 1, points = (s.y_taps + 1) * across;
    Zone<float> m((size_t)(points * point), random, -1, 1), out((size_t)(rows * row));
    Expected expected(out.count);
    for (ptrdiff_t y = 0; y < rows; y++)
      for (ptrdiff_t x = 0; x < columns; x++)
        for (ptrdiff_t c = 0; c < s.channels; c++) {
          const size_t at = (size_t)(y * row + x * pixel + c);
          if (add) expected.set(at, out[at] = (float)random.uniform(-1, 1));
          for (int p = 0; p < points; p++)
            expected.add(at, axis(s.y_taps).output[y][p / across] * axis(s.x_taps).output[x % 2][p % across] *
                                 m[p * point + x / 2 * s.channels + c]);
        }
    vk_tile_output_f32(level, &s, rows, columns, m, point, add, out, row, pixel);
    check.array(out, expected, tolerance);
  });
}

void check_output_gradients(int level) {
  Check check("vk_tile_gradient_f32", level);
  Random random(227);
  for_each_shape([&](const vk_tiles &s, ptrdiff_t rows, ptrdiff_t columns) {
    check.size("%d × %d taps, %td channels, %td × %td", s.y_taps, s.x_taps, s.channels, rows, columns);
    const ptrdiff_t row = columns * s.channels + 5, point = s.tiles * s.channels + 3;
    const int across = s.x_taps + 1, points = (s.y_taps + 1) * across;
    Zone<float> in((size_t)((rows - 1) * row + columns * s.channels), random, -1, 1), e((size_t)(points * point));
    Expected expected(e.count);
    for (int p = 0; p < points; p++)
      for (ptrdiff_t t = 0; t < s.tiles; t++)
        for (ptrdiff_t c = 0; c < s.channels; c++) {
          const size_t at = (size_t)(p * point + t * s.channels + c);
          expected.set(at, 0);
          for (ptrdiff_t y = 0; y < rows; y++)
            for (ptrdiff_t x = 2 * t; x < 2 * t + 2 && x < columns; x++)
              expected.add(at, axis(s.y_taps).output[y][p / across] * axis(s.x_taps).output[x % 2][p % across] *
                                   in[y * row + x * s.channels + c]);
        }
    vk_tile_gradient_f32(level, &s, rows, columns, in, row, e, point);
    check.array(e, expected, tolerance);
  });
}

void check_taps(int level) {
  Check weights("vk_tile_weights_f32", level), finish("vk_tile_finish_f32", level);
  Random random(229);
  for_each_taps([&](int y_taps, int x_taps) {
    const int across = x_taps + 1, points = (y_taps + 1) * across, count_of_taps = y_taps * x_taps;
    // Other taps of the kernel lie between these.
    vk_taps taps = {y_taps, x_taps, {}};
    for (int t = 0; t < count_of_taps; t++) taps.numbers[t] = 2 * (count_of_taps - 1 - t) + 1;
    const auto factor = [&](int p, int t) {
      return axis(y_taps).taps[p / across][t / x_taps] * axis(x_taps).taps[p % across][t % x_taps];
    };
    for (ptrdiff_t columns : channel_counts)
      for (ptrdiff_t rows : {1, 3}) {
        for (Check *check : {&weights, &finish}) check->size("%d × %d taps, %td × %td", y_taps, x_taps, rows, columns);
        const ptrdiff_t count = rows * columns, first = count / 3, point = count + 5;
        Zone<float> w((size_t)(18 * count), random, -1, 1), u((size_t)(points * point));
        Expected expected(u.count);
        for (int p = 0; p < points; p++)
          for (ptrdiff_t i = 0; i < count; i++)
            for (int t = 0; t < count_of_taps; t++)
              expected.add((size_t)(p * point + i), factor(p, t) * w[taps.numbers[t] * count + i]);
        vk_tile_weights_f32(level, &taps, count, first, count, w, u, point);
        vk_tile_weights_f32(level, &taps, count, 0, first, w, u, point);
        weights.array(u, expected, tolerance);

        const ptrdiff_t row = columns + 4, du_point = rows * row + 2, split = rows / 2;
        Zone<float> du((size_t)(points * du_point), random, -1, 1), dw((size_t)(18 * count), random, -1, 1);
        Expected sums(dw.count);
        for (size_t i = 0; i < dw.count; i++) sums.set(i, dw[i]);
        for (int t = 0; t < count_of_taps; t++)
          for (ptrdiff_t i = 0; i < count; i++)
            for (int p = 0; p < points; p++)
              sums.add((size_t)(taps.numbers[t] * count + i),
                       factor(p, t) * du[p * du_point + i / columns * row + i % columns]);
        vk_tile_finish_f32(level, &taps, rows, split, rows, columns, du, du_point, row, dw);
        vk_tile_finish_f32(level, &taps, rows, 0, split, columns, du, du_point, row, dw);
        finish.array(dw, sums, tolerance);
      }
  });
}

}  // namespace

void check_tiles(int level) {
  check_images(level);
  check_outputs(level);
  check_output_gradients(level);
  check_taps(level);
}
