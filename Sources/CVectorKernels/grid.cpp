#include "include/vk_grid.h"

#define VK_BODY "grid_body.hpp"
#include "for_each_level.hpp"

void vk_add_grid_gaussian(int level, ptrdiff_t reach, double step, double offset, double peak, double *density) {
  static constexpr decltype(&plain::add_grid_gaussian) table[] = VK_TABLE(add_grid_gaussian);
  table[level](reach, step, offset, peak, density);
}
