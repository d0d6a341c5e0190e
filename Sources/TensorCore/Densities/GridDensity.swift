import CVectorKernels

/// Adds a Gaussian to a density on a grid, within some grid points of its mean:
///
///     density[centre + i] += weight/(σ√(2π)) · exp(−(i·spacing + offset)²/(2σ²)),   |i| ≤ reach
///
/// - Parameters:
///   - centre: the grid point that is next to the mean.
///   - offset: how far this point is above the mean.
package func addGaussian(
  sigma: Double, weight: Double, centre: Int, offset: Double, reach: Int, spacing: Double, level: VectorLevel,
  to density: UnsafeMutableBufferPointer<Double>
) {
  precondition(reach >= 0 && centre >= reach && centre + reach < density.count, "the grid ends within the reach")
  let peak = weight / (sigma * (2 * Double.pi).squareRoot())
  vk_add_grid_gaussian(
    level.code, reach, spacing / sigma, offset / sigma, peak, density.baseAddress! + centre)
}
