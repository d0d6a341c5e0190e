// vk_grid.h: against the exponential function at every point.
#include "checks.hpp"

void check_grid(int level) {
  Check check("vk_add_grid_gaussian", level);
  Random random(149);
  for (ptrdiff_t reach : {0, 1, 2, 3, 7, 8, 9, 60, 61, 119})
    for (double step : {1. / 16, .1, 1. / 8})
      for (int i = 0; i < 4; i++) {
        const double offset = random.uniform(-.5, .5) * step, peak = random.uniform(.1, 2);
        check.size("reach = %td, step %g, offset %g", reach, step, offset);
        Zone<double> density((size_t)(2 * reach + 1));
        Expected expected(density.count);
        for (ptrdiff_t k = -reach; k <= reach; k++) {
          density[k + reach] = i == 0 ? 0 : random.uniform(0, 1);
          const double t = double(k) * step + offset, added = peak * exp(-.5 * t * t);
          expected.set((size_t)(k + reach), density[k + reach] + added);
        }
        vk_add_grid_gaussian(level, reach, step, offset, peak, density.data() + reach);
        check.array(density, expected, 1e-13);
      }
}
