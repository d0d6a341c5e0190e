#ifndef VK_GRID_H
#define VK_GRID_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/// density[i] += peak·e^(−(i·step + offset)²/2) for −reach ≤ i ≤ reach: a Gaussian on a grid, in units of its standard
/// deviation. Values within eight of them have relative errors below 1e-13, those near the middle below 1e-15.
void vk_add_grid_gaussian(int level, ptrdiff_t reach, double step, double offset, double peak, double *density);

#ifdef __cplusplus
}
#endif
#endif
