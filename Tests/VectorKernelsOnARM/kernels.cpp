// Checks every function of Sources/CVectorKernels/include against the formula in its comment, written here once more in
// double precision, at every level that the processor supports. Ends with 1 if something differs.
//
// script/arm compiles and runs it for this machine and for 64-bit ARM. It needs no test framework, because that would
// have to be built for the other processor too.
#include "checks.hpp"

int main() {
  setvbuf(stdout, nullptr, _IOLBF, 0);  // what was found before a crash is not lost
  for (int level = 0; level <= vk_best_level(); level++) {
    check_processor(level);
    check_elementwise(level);
    check_densities(level);
    check_matrices(level);
    check_convolutions(level);
    check_patches(level);
    check_winograd(level);
    check_tiles(level);
    check_trees(level);
    check_mixtures(level);
    check_grid(level);
  }
  printf("%zu checks of %zu kernels and levels up to %s: ", Check::total, Check::kernels, level_name(vk_best_level()));
  if (Check::failures) printf("%zu FAILED\n", Check::failures);
  else printf("all passed\n");
  return Check::failures ? 1 : 0;
}
