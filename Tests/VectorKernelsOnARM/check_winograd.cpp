// vk_winograd.h: each pass against the convolution of kernel 4, stride 2 and padding 1 that it stands for. The form of
// the transformed weights differs between levels, so that it is seen through the passes alone.
#include "checks.hpp"

namespace {

/// The operands of one shape: both images with a border of zeros, the weights, and what follows a pass.
struct Passes {
  const vk_winograd s;
  const int high_columns, low_columns;
  Zone<float> high, low, weights, high_bias, low_bias, high_gate, low_gate, u, scratch;

  Passes(const vk_winograd &s, Random &random)
      : s(s), high_columns(2 * s.width), low_columns(s.width), high((2 * s.height + 2) * s.high_row),
        low((s.height + 2) * s.low_row), weights(16 * s.high_channels * s.low_channels, random, -1, 1),
        high_bias(s.high_channels, random, -1, 1), low_bias(s.low_channels, random, -1, 1),
        high_gate(high.count, random, -1, 1), low_gate(low.count, random, -1, 1), u(vk_winograd_weights(&s)),
        scratch(vk_winograd_scratch(&s)) {
    fill(high, 2 * s.height, 2 * s.width, s.high_channels, s.high_row, random);
    fill(low, s.height, s.width, s.low_channels, s.low_row, random);
  }

  /// Where pixel (0, 0) is, behind the border.
  ptrdiff_t first_high() const { return s.high_row + s.high_channels; }
  ptrdiff_t first_low() const { return s.low_row + s.low_channels; }

  /// Calls f with the position in `high` of channel c, in `low` of channel n, and in the weights, of every product.
  template <class F> void for_each_product(F f) const {
    const int C = s.high_channels, N = s.low_channels;
    for (int y = 0; y < s.height; y++)
      for (int x = 0; x < s.width; x++)
        for (int tap = 0; tap < 16; tap++) {
          const int row = 2 * y + tap / 4 - 1, column = 2 * x + tap % 4 - 1;
          if (row < 0 || row >= 2 * s.height || column < 0 || column >= 2 * s.width) continue;
          for (int c = 0; c < C; c++)
            for (int n = 0; n < N; n++)
              f((size_t)(first_high() + row * s.high_row + column * C + c),
                (size_t)(first_low() + y * s.low_row + x * N + n), (size_t)((tap * C + c) * N + n));
        }
  }

 private:
  static void fill(Zone<float> &image, int height, int width, int channels, ptrdiff_t row, Random &random) {
    for (int y = 0; y < height + 2; y++)
      for (int i = 0; i < (width + 2) * channels; i++) {
        const int x = i / channels;
        const bool inside = y > 0 && y <= height && x > 0 && x <= width;
        image[y * row + i] = inside ? (float)random.uniform(-1, 1) : 0;
      }
  }
};

/// A result sums nine products in place of sixteen, of up to four values each: the errors are about three times those
/// of a direct sum.
double tolerance(size_t terms) { return 3 * sum_tolerance<float>(terms); }

/// The pixels of an image within its border, each with the channel's bias.
Expected pixels(const Zone<float> &image, int height, int width, int channels, ptrdiff_t row, const float *bias) {
  Expected expected(image.count);
  for (int y = 1; y <= height; y++)
    for (int i = channels; i < (width + 1) * channels; i++)
      expected.set((size_t)(y * row + i), bias ? bias[i % channels] : 0);
  return expected;
}

void finish(Expected &expected, bool relu, const float *gate) {
  for (size_t i = 0; i < expected.value.size(); i++)
    if (expected.state[i] == Expected::wanted) expected.finish(i, relu, gate ? gate + i : nullptr);
}

void intact(Check &check, const Zone<float> &zone, const char *what) {
  check.truth(zone.damage() == 0, zone.damage(), what);
}

struct Checks {
  Check gather, scatter, gradient;
  explicit Checks(int level)
      : gather("vk_winograd_gather(_weights)_f32", level), scatter("vk_winograd_scatter(_weights)_f32", level),
        gradient("vk_winograd_gradient, _finish_f32", level) {}
};

void check_gather(Check &check, int level, Passes &p, int options) {
  const vk_winograd &s = p.s;
  const bool biased = options & 1, relu = options & 2, gated = options & 4;
  for (int phase = 0; phase < 4; phase++) vk_winograd_gather_weights_f32(level, &s, phase, p.weights, p.u);
  const float *bias = biased ? p.low_bias.data() : nullptr, *gate = gated ? p.low_gate.data() : nullptr;
  Expected expected = pixels(p.low, s.height, s.width, s.low_channels, s.low_row, bias);
  p.for_each_product([&](size_t h, size_t l, size_t w) { expected.add(l, double(p.high[h]) * p.weights[w]); });
  finish(expected, relu, gate);
  for (bool reuse : {false, true}) {
    Zone<float> out(p.low.count);
    vk_winograd_gather_f32(level, &s, reuse ? nullptr : p.high.data(), reuse, p.u, bias, relu,
                           gate ? gate + p.first_low() : nullptr, p.scratch, out + p.first_low());
    check.array(out, expected, tolerance(16 * (size_t)s.high_channels), reuse ? "transform reused" : "");
  }
  intact(check, p.u, "outside the weights was written");
  intact(check, p.scratch, "outside the scratch was written");
}

void check_scatter(Check &check, int level, Passes &p, int options) {
  const vk_winograd &s = p.s;
  const bool biased = options & 1, relu = options & 2, gated = options & 4;
  for (int phase = 0; phase < 4; phase++) vk_winograd_scatter_weights_f32(level, &s, phase, p.weights, p.u);
  const float *bias = biased ? p.high_bias.data() : nullptr, *gate = gated ? p.high_gate.data() : nullptr;
  Expected expected = pixels(p.high, 2 * s.height, 2 * s.width, s.high_channels, s.high_row, bias);
  p.for_each_product([&](size_t h, size_t l, size_t w) { expected.add(h, double(p.low[l]) * p.weights[w]); });
  finish(expected, relu, gate);
  Zone<float> out(p.high.count);
  vk_winograd_scatter_f32(level, &s, p.low, p.u, bias, relu, gate ? gate + p.first_high() : nullptr, p.scratch,
                          out + p.first_high());
  check.array(out, expected, tolerance(4 * (size_t)s.low_channels));
  intact(check, p.u, "outside the weights was written");
  intact(check, p.scratch, "outside the scratch was written");
}

void check_gradient(Check &check, int level, Passes &p, bool accumulate) {
  const vk_winograd &s = p.s;
  Random random(131);
  Zone<float> du(p.u.count), dw(p.weights.count, random, -1, 1);
  for (size_t i = 0; i < du.count; i++) du[i] = 0;
  Expected expected(dw.count);
  for (size_t i = 0; i < dw.count; i++) expected.set(i, accumulate ? dw[i] : 0);
  // Two images: gradients add up in transformed form.
  for (int image = 0; image < 2; image++) {
    p.for_each_product([&](size_t h, size_t l, size_t w) { expected.add(w, double(p.high[h]) * p.low[l]); });
    vk_winograd_gradient_f32(level, &s, p.high, p.low + p.first_low(), p.scratch, du);
  }
  for (int phase = 0; phase < 4; phase++) vk_winograd_finish_f32(level, &s, phase, du, accumulate, dw);
  // The taps of a phase share the products of a tile, and what belongs to the others cancels. A tap that lies outside
  // at most places of a small image has few terms of its own; errors are relative to those of a tap in the middle.
  for (size_t i = 0; i < dw.count; i++) expected.scale[i] = fmax(expected.scale[i], double(s.height * s.width) / 4);
  check.array(dw, expected, tolerance(2 * (size_t)(s.height * s.width)));
  intact(check, du, "outside the transformed gradient was written");
  intact(check, p.scratch, "outside the scratch was written");
}

}  // namespace

void check_winograd(int level) {
  Checks checks(level);
  Random random(137);
  // Tiles along an axis are half of these: one to nine of them, the counts at which the tiles of registers change.
  const int sizes[][4] = {{2, 2, 32, 32},   {2, 4, 32, 64},  {4, 2, 64, 32},  {2, 6, 32, 32},  {4, 8, 32, 32},
                          {2, 10, 32, 32}, {6, 12, 32, 32}, {2, 14, 32, 64}, {2, 16, 96, 32}, {2, 18, 32, 32}};
  int options = 0;
  for (const auto &[height, width, high, low] : sizes) {
    const vk_winograd s = {height, width, high, low, (ptrdiff_t)(2 * width + 2) * high + 5,
                           (ptrdiff_t)(width + 2) * low + 3};
    Passes passes(s, random);
    checks.gather.truth(vk_winograd_weights(&s) == 36u * (unsigned)(high * low), 0, "the count of weights is wrong");
    for (int turn = 0; turn < 2; turn++, options = (options + 3) % 8) {
      for (Check *check : {&checks.gather, &checks.scatter, &checks.gradient})
        check->size("%d × %d × %d from %d, options %d", height, width, low, high, options);
      check_gather(checks.gather, level, passes, options);
      check_scatter(checks.scatter, level, passes, options);
      if (turn == 0 || height * width < 20) check_gradient(checks.gradient, level, passes, turn == 1);
    }
  }
}
