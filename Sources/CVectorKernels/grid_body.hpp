#include "double_vector.hpp"

namespace VK_LEVEL {

/// One side of a Gaussian, a vector of grid points at a time: the values at t, t + step, … by the recurrence
/// g(t + h) = g(t)·r(t), r(t + h) = r(t)·e^(−h²), with the h of a whole vector.
struct grid_side {
  dvec value, ratio, decay;

  VK_MEMBER grid_side(double first, double step, double peak) {
    const dvec t = lane_numbers() * splat_double(step) + splat_double(first);
    const double h = step * double_width;
    value = splat_double(peak) * dexp(splat_double(-.5) * t * t);
    ratio = dexp(splat_double(-h) * (t + splat_double(.5 * h)));
    decay = dexp(splat_double(-h * h));
  }
  VK_MEMBER void advance() {
    value *= ratio;
    ratio *= decay;
  }
};

static void add_grid_gaussian(ptrdiff_t reach, double step, double offset, double peak, double *density) {
  density[0] += peak * dexp(splat_double(-.5 * offset * offset))[0];
  // Both sides at once: neither waits for the other.
  grid_side above(step + offset, step, peak), below(step - offset, step, peak);
  ptrdiff_t i = 1;
  for (; i + double_width <= reach + 1; i += double_width) {
    dvec backwards;
    for (int lane = 0; lane < double_width; lane++) backwards[lane] = below.value[double_width - 1 - lane];
    double *up = density + i, *down = density - i - (double_width - 1);
    store_doubles(up, load_doubles(up) + above.value);
    store_doubles(down, load_doubles(down) + backwards);
    above.advance();
    below.advance();
  }
  for (int lane = 0; i + lane <= reach; lane++) {
    density[i + lane] += above.value[lane];
    density[-i - lane] += below.value[lane];
  }
}

}  // namespace VK_LEVEL
