/// Vector kernels with run-time dispatch, behind a plain C interface.
///
/// A function that is compiled for several instruction levels takes the level as its first argument: there is no global
/// state, and tests run every level on one machine. One header per family of kernels.
#ifndef CVECTORKERNELS_H
#define CVECTORKERNELS_H

#include "vk_levels.h"
#include "vk_convolution.h"
#include "vk_elementwise.h"
#include "vk_grid.h"
#include "vk_mixture.h"
#include "vk_normalization.h"
#include "vk_patches.h"
#include "vk_peak.h"
#include "vk_product.h"
#include "vk_threads.h"
#include "vk_tiles.h"
#include "vk_trees.h"
#include "vk_winograd.h"

#endif
