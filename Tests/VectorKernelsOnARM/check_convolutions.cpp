// The maps and the expansion of vk_convolution.h.
#include "checks.hpp"

namespace {

/// A convolution of `kernel` rows and `run` floats of each, `out` of height × width pixels; with gaps between rows.
vk_correlation convolution(int height, int width, int channels, int kernel, int run, int stride, int pixel) {
  const ptrdiff_t in_row = (ptrdiff_t)(width * stride * pixel + run) + 3, w_row = channels + 16;
  const ptrdiff_t out_pixel = channels + 5;
  return {height,         width, channels, kernel,    run, in_row, stride * in_row, (ptrdiff_t)(stride * pixel), w_row,
          width * out_pixel + 7, out_pixel};
}

size_t in_count(const vk_correlation &s) {
  if (s.height == 0 || s.width == 0) return 0;
  return (size_t)((s.height - 1) * s.in_step + (s.rows - 1) * s.in_row + (s.width - 1) * s.in_pixel + s.run);
}

/// Calls f with the offset in the input, the row of the weights and the output pixel of each product.
template <class F> void for_each_product(const vk_correlation &s, F f) {
  for (int y = 0; y < s.height; y++)
    for (int x = 0; x < s.width; x++)
      for (int k = 0; k < s.rows; k++)
        for (int j = 0; j < s.run; j++)
          f(y * s.in_step + k * s.in_row + x * s.in_pixel + j, k * s.run + j, y * s.out_row + x * s.out_pixel);
}

void check_correlation(Check &check, int level, const vk_correlation &s, int options, Random &random) {
  const bool biased = options & 1, relu = options & 2, gated = options & 4;
  check.size("%d × %d × %d, %d rows of %d, bias %d, relu %d, gate %d", s.height, s.width, s.channels, s.rows, s.run,
             biased, relu, gated);
  const size_t outputs = (size_t)(s.height * s.out_row);
  Zone<float> in(in_count(s), random, -1, 1), w((size_t)(s.rows * s.run * s.w_row), random, -1, 1);
  Zone<float> bias((size_t)s.channels, random, -1, 1), gate(outputs, random, -1, 1), out(outputs);
  Expected expected(outputs);
  for (int y = 0; y < s.height; y++)
    for (int x = 0; x < s.width; x++)
      for (int n = 0; n < s.channels; n++)
        expected.set((size_t)(y * s.out_row + x * s.out_pixel + n), biased ? bias[n] : 0);
  for_each_product(s, [&](ptrdiff_t i, ptrdiff_t k, ptrdiff_t o) {
    for (int n = 0; n < s.channels; n++) expected.add((size_t)(o + n), double(in[i]) * w[k * s.w_row + n]);
  });
  for (size_t i = 0; i < outputs; i++)
    if (expected.state[i] == Expected::wanted) expected.finish(i, relu, gated ? gate + i : nullptr);
  vk_correlate_f32(level, &s, in, w, biased ? bias.data() : nullptr, relu, gated ? gate.data() : nullptr, out);
  check.array(out, expected, sum_tolerance<float>((size_t)(s.rows * s.run)));
}

void check_correlations(int level) {
  Check check("vk_correlate_f32", level);
  Random random(97);
  for (int options = 0; options < 8; options++)
    for (int channels : {16, 32, 48})
      for (int height : {0, 1, 2, 5})
        for (int width : {0, 1, 3, 8, 13, 17}) {
          const bool large = options % 2;
          check_correlation(check, level, convolution(height, width, channels, 1 + large, large ? 9 : 1, 1 + large, 3),
                            options, random);
        }
  // Pixels further apart than a run, a long run.
  check_correlation(check, level, convolution(3, 6, 32, 4, 128, 2, 32), 7, random);
  check_correlation(check, level, convolution(4, 9, 16, 2, 5, 3, 4), 0, random);
}

void check_weights(int level) {
  Check check("vk_correlate_weights_f32", level);
  Random random(101);
  for (int channels : {32, 64})
    for (int rows : {2, 4})
      for (int run : {2, 4, 6, 8, 10, 12, 14, 22})
        for (int width : {1, 2, 5, 70}) {
          const vk_correlation s = convolution(width == 70 ? 2 : 17, width, channels, rows, run, 2, 3);
          check.size("%d × %d × %d, %d rows of %d", s.height, s.width, s.channels, s.rows, s.run);
          Zone<float> in(in_count(s), random, -1, 1), out((size_t)(s.height * s.out_row), random, -1, 1);
          Zone<float> dw((size_t)(rows * run * s.w_row));
          Expected expected(dw.count);
          for (int k = 0; k < rows * run; k++)
            for (int n = 0; n < channels; n++) {
              dw[k * s.w_row + n] = (float)random.uniform(-1, 1);
              expected.set((size_t)(k * s.w_row + n), dw[k * s.w_row + n]);
            }
          for_each_product(s, [&](ptrdiff_t i, ptrdiff_t k, ptrdiff_t o) {
            for (int n = 0; n < channels; n++) expected.add((size_t)(k * s.w_row + n), double(in[i]) * out[o + n]);
          });
          vk_correlate_weights_f32(level, &s, in, out, dw);
          check.array(dw, expected, sum_tolerance<float>((size_t)(s.height * s.width)));
        }
}

void check_expansions(int level) {
  Check check("vk_expand_f32", level);
  Random random(103);
  const int kinds[][2] = {{4, 1}, {4, 3}, {4, 2}, {2, 3}, {6, 3}};  // kernel, channels
  for (const auto &[kernel, channels] : kinds)
    for (int height : {1, 2, 5})
      for (int width : {1, 3, 4, 9})
        for (int inputs : {1, 5, 32})
          for (bool biased : {false, true}) {
            check.size("%d × %d × %d, kernel %d, channels %d, bias %d", height, width, inputs, kernel, channels,
                       biased);
            const int patch = kernel * kernel * channels, floats = (2 * width + kernel - 2) * channels;
            const ptrdiff_t in_row = width * inputs + 3, w_row = (patch + 15) / 16 * 16, out_row = floats + 2;
            Zone<float> in((size_t)(height * in_row), random, -1, 1), w((size_t)(inputs * w_row), random, -1, 1);
            for (int c = 0; c < inputs; c++)
              for (ptrdiff_t i = patch; i < w_row; i++) w[c * w_row + i] = 0;
            Zone<float> bias((size_t)channels, random, -1, 1), products((size_t)(width * w_row));
            Zone<float> out((size_t)((2 * height + kernel - 2) * out_row));
            Expected expected(out.count), scratch(products.count);
            for (size_t i = 0; i < products.count; i++) scratch.leave(i);
            for (int y = 0; y < 2 * height + kernel - 2; y++)
              for (int i = 0; i < floats; i++) expected.set((size_t)(y * out_row + i), biased ? bias[i % channels] : 0);
            for (int y = 0; y < height; y++)
              for (int x = 0; x < width; x++)
                for (int c = 0; c < inputs; c++)
                  for (int i = 0; i < patch; i++) {
                    const int row = 2 * y + i / (kernel * channels), at = 2 * x * channels + i % (kernel * channels);
                    const double value = in[y * in_row + x * inputs + c];
                    expected.add((size_t)(row * out_row + at), value * w[c * w_row + i]);
                  }
            const vk_expansion s = {height, width, inputs, kernel, channels, in_row, w_row, out_row};
            vk_expand_f32(level, &s, in, w, biased ? bias.data() : nullptr, products, out);
            check.array(out, expected, sum_tolerance<float>((size_t)(inputs * kernel * kernel)));
            check.array(products, scratch, 0, "scratch");
          }
}

}  // namespace

void check_convolutions(int level) {
  check_correlations(level);
  check_weights(level);
  check_expansions(level);
}
