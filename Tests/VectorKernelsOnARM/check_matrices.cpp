// vk_product.h, and the transposition and sums over channels of vk_convolution.h.
#include "checks.hpp"

namespace {

/// The strides of a matrix [rows][columns] whose rows or columns are contiguous, with gaps between them.
struct Layout {
  ptrdiff_t row, step;
  size_t count;
  Layout(ptrdiff_t rows, ptrdiff_t columns, bool by_rows) {
    row = by_rows ? columns + 3 : 1;
    step = by_rows ? 1 : rows + 5;
    count = (size_t)(by_rows ? rows * row : columns * step);
  }
};

/// A matrix with random elements and NaN in the gaps.
Zone<float> matrix(const Layout &layout, ptrdiff_t rows, ptrdiff_t columns, Random &random) {
  Zone<float> m(layout.count);
  for (ptrdiff_t i = 0; i < rows; i++)
    for (ptrdiff_t j = 0; j < columns; j++) m[i * layout.row + j * layout.step] = (float)random.uniform(-1, 1);
  return m;
}

void check_product(Check &check, int level, ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, int layouts, Random &random) {
  const Layout a_layout(m, k, layouts & 1), b_layout(k, n, layouts & 2), c_layout(m, n, layouts & 4);
  const bool accumulate = layouts & 8;
  check.size("m = %td, n = %td, k = %td, layouts %d", m, n, k, layouts);
  const Zone<float> a = matrix(a_layout, m, k, random), b = matrix(b_layout, k, n, random);
  Zone<float> c = accumulate ? matrix(c_layout, m, n, random) : Zone<float>(c_layout.count);
  Expected expected(c.count);
  for (ptrdiff_t i = 0; i < m; i++)
    for (ptrdiff_t j = 0; j < n; j++) {
      const size_t at = (size_t)(i * c_layout.row + j * c_layout.step);
      double sum = accumulate ? c[at] : 0, magnitude = fabs(sum);
      for (ptrdiff_t p = 0; p < k; p++) {
        const double term = double(a[i * a_layout.row + p * a_layout.step]) * b[p * b_layout.row + j * b_layout.step];
        sum += term;
        magnitude += fabs(term);
      }
      expected.set(at, sum, magnitude);
    }
  const vk_product shape = {m, n, k, a_layout.row, a_layout.step, b_layout.row, b_layout.step, c_layout.row,
                            c_layout.step, accumulate};
  vk_product_f32(level, &shape, a, b, c);
  check.array(c, expected, sum_tolerance<float>((size_t)k));
}

void check_products(int level) {
  Check check("vk_product_f32", level);
  Random random(73);
  const auto width = (ptrdiff_t)level_width(level);
  for (int layouts = 0; layouts < 16; layouts++) {
    // Rows around those of tiles, columns around those of panels, depths around those of vectors.
    for (ptrdiff_t m : {0, 1, 2, 3, 4, 7, 8, 9, 13, 17})
      for (ptrdiff_t n : {(ptrdiff_t)0, (ptrdiff_t)1, width - 1, width, width + 1, 2 * width, 4 * width + 3})
        for (ptrdiff_t k : {(ptrdiff_t)0, (ptrdiff_t)1, width, 35 + width})
          check_product(check, level, m, n, k, layouts, random);
    // Several blocks of rows, and panels of 512 rows.
    check_product(check, level, 131, 2 * width + 1, 33, layouts, random);
    check_product(check, level, 9, 2 * width, 1030, layouts, random);
  }
}

void check_product_adam(Check &check, int level, ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, int layouts, Random &random) {
  const Layout a_layout(m, k, layouts & 1), b_layout(k, n, layouts & 2), layout(m, n, layouts & 4);
  check.size("m = %td, n = %td, k = %td, layouts %d", m, n, k, layouts);
  const Zone<float> a = matrix(a_layout, m, k, random), b = matrix(b_layout, k, n, random);
  Zone<float> p = matrix(layout, m, n, random), first = matrix(layout, m, n, random), second(layout.count);
  const vk_adam_coefficients step = {0.9f, 0.1f, 0.999f, 0.001f, 0.01f, 3.2f, 1e-8f};
  Expected of_p(p.count), of_first(p.count), of_second(p.count);
  for (ptrdiff_t i = 0; i < m; i++)
    for (ptrdiff_t j = 0; j < n; j++) {
      const size_t at = (size_t)(i * layout.row + j * layout.step);
      second[at] = (float)random.uniform(0.1, 1);
      double g = 0, magnitude = 0;
      for (ptrdiff_t r = 0; r < k; r++) {
        const double term = double(a[i * a_layout.row + r * a_layout.step]) * b[r * b_layout.row + j * b_layout.step];
        g += term;
        magnitude += fabs(term);
      }
      const double mi = double(step.beta1) * first[at] + double(step.rest1) * g;
      const double vi = double(step.beta2) * second[at] + double(step.rest2) * g * g;
      const double m_scale = double(step.beta1) * fabs(first[at]) + double(step.rest1) * magnitude;
      const double v_scale = double(step.beta2) * second[at] + double(step.rest2) * magnitude * magnitude;
      const double factor = step.rate / (sqrt(vi) * step.scale + step.epsilon);
      of_first.set(at, mi, m_scale);
      of_second.set(at, vi, v_scale);
      of_p.set(at, p[at] - factor * mi, fabs(p[at]) + factor * (m_scale + fabs(mi) * v_scale / vi));
    }
  const vk_product shape = {m, n, k, a_layout.row, a_layout.step, b_layout.row, b_layout.step, layout.row,
                            layout.step, 0};
  vk_product_adam_f32(level, &shape, a, b, p, first, second, &step);
  // The gradient's error, twice in a square, and at most ten roundings in the step.
  const double tolerance = 2 * sum_tolerance<float>((size_t)k) + 10 * unit<float>;
  check.array(p, of_p, tolerance, "p");
  check.array(first, of_first, tolerance, "m");
  check.array(second, of_second, tolerance, "v");
}

void check_product_adams(int level) {
  Check check("vk_product_adam_f32", level);
  Random random(151);
  const auto width = (ptrdiff_t)level_width(level);
  for (int layouts = 0; layouts < 8; layouts++)
    for (ptrdiff_t m : {0, 1, 3, 8, 13, 67})
      for (ptrdiff_t n : {(ptrdiff_t)0, (ptrdiff_t)1, width - 1, width, 2 * width, 4 * width + 3})
        for (ptrdiff_t k : {(ptrdiff_t)0, (ptrdiff_t)1, 35 + width, (ptrdiff_t)VK_PRODUCT_DEPTH}) {
          if (m > 13 && k > 100) continue;
          check_product_adam(check, level, m, n, k, layouts, random);
        }
}

void check_transpose(int level) {
  Check check("vk_transpose_f32", level);
  Random random(79);
  for (int rows : {0, 1, 7, 8, 9, 17})
    for (int columns : {0, 1, 5, 8, 13}) {
      check.size("rows = %d, columns = %d", rows, columns);
      const ptrdiff_t from_row = columns + 2, to_row = rows + 3;
      Zone<float> from((size_t)(rows * from_row), random, -1, 1), to((size_t)(columns * to_row));
      Expected expected(to.count);
      for (int r = 0; r < rows; r++)
        for (int c = 0; c < columns; c++) expected.set((size_t)(c * to_row + r), from[r * from_row + c]);
      vk_transpose_f32(rows, columns, from, from_row, to, to_row);
      check.array(to, expected, 0);
    }
}

void check_channel_sums(int level) {
  Check check("vk_channel_sums_f32", level);
  Random random(83);
  for (int channels : {1, 3, 4, 5, 8, 16, 31, 32, 48})
    for (int height : {0, 1, 3})
      for (int width : {0, 1, 2, 5, 11}) {
        check.size("height = %d, width = %d, channels = %d", height, width, channels);
        const ptrdiff_t row = width * channels + 3;
        Zone<float> x((size_t)(height * row)), sums((size_t)channels, random, -1, 1);
        Expected expected(sums.count);
        for (int n = 0; n < channels; n++) expected.set((size_t)n, sums[n]);
        for (int y = 0; y < height; y++)
          for (int i = 0; i < width * channels; i++) {
            x[y * row + i] = (float)random.uniform(-1, 1);
            expected.add((size_t)(i % channels), x[y * row + i]);
          }
        vk_channel_sums_f32(level, height, width, channels, row, x, sums);
        check.array(sums, expected, sum_tolerance<float>((size_t)(height * width)));
      }
}

void check_support(int level) {
  Check check("vk_support_f32", level);
  Random random(89);
  for (int floats : {1, 3, 4, 5, 16, 17, 35})
    for (int height : {1, 2, 5})
      for (int points = 0; points < 12; points++) {
        check.size("height = %d, floats = %d, points = %d", height, floats, points);
        Zone<float> x((size_t)(height * floats));
        for (size_t i = 0; i < x.count; i++) x[i] = i % 2 ? 0.f : -0.f;
        int bounds[4] = {height, 0, floats, 0};
        // Few points, so that every side is found at every place; the last turns have more.
        for (int p = 0; p < (points + 2) / 3; p++) {
          const int y = (int)random.below((size_t)height), c = (int)random.below((size_t)floats);
          x[y * floats + c] = p % 2 ? -1e-40f : 2;
          bounds[0] = y < bounds[0] ? y : bounds[0];
          bounds[1] = y >= bounds[1] ? y + 1 : bounds[1];
          bounds[2] = c < bounds[2] ? c : bounds[2];
          bounds[3] = c >= bounds[3] ? c + 1 : bounds[3];
        }
        int got[6] = {-7, -7, -7, -7, -7, -7};
        vk_support_f32(level, height, floats, x, got + 1);
        check.truth(got[0] == -7 && got[5] == -7, 0, "outside the bounds was written");
        for (int i = 0; i < 4; i++) check.value(i, got[i + 1], bounds[1] ? bounds[i] : 0, 1, 0);
      }
}

}  // namespace

void check_matrices(int level) {
  check_products(level);
  check_product_adams(level);
  check_transpose(level);
  check_channel_sums(level);
  check_support(level);
}
