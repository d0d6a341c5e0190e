import CVectorKernels

/// The layout of one image inside the fused path: `[height + 2, width + 2, channels]`, with a border of zeros that
/// stands for the padding, so that no kernel has to check whether it is at an edge.
struct FusedPlane {
  let height: Int
  let width: Int
  let channels: Int

  /// Floats from one row to the next.
  var row: Int { (width + 2) * channels }
  /// Floats to set aside, a multiple of a cache line.
  var count: Int { ((height + 2) * row + 15) / 16 * 16 }
  /// Where pixel (0, 0) begins.
  var interior: Int { row + channels }

  func clearBorder(_ plane: UnsafeMutablePointer<Float>) {
    plane.update(repeating: 0, count: interior)
    for y in 1..<height + 1 {
      // The right edge of row y and the left edge of row y + 1 are adjacent in memory.
      (plane + y * row + row - channels).update(repeating: 0, count: 2 * channels)
    }
    (plane + (height + 1) * row + channels).update(repeating: 0, count: row - channels)
  }

  /// Copies a contiguous image into the plane.
  func insert(_ image: UnsafePointer<Float>, into plane: UnsafeMutablePointer<Float>) {
    let count = width * channels
    for y in 0..<height { (plane + interior + y * row).update(from: image + y * count, count: count) }
  }

  /// As ``insert(_:into:)``, with 0 wherever `gate`, laid out as the plane, is not positive.
  func insert(
    _ image: UnsafePointer<Float>, gate: UnsafePointer<Float>, into plane: UnsafeMutablePointer<Float>, level: Int32
  ) {
    let count = width * channels
    for y in 0..<height {
      let offset = interior + y * row
      vk_binary_f32(level, VK_GATE, count, image + y * count, 1, gate + offset, 1, plane + offset)
    }
  }

  /// Adds everything outside a window to `sum`, laid out as the plane, and leaves 0 in its place.
  func move(
    outside window: FusedWindow, of plane: UnsafeMutablePointer<Float>, to sum: UnsafeMutablePointer<Float>,
    level: Int32
  ) {
    func move(row y: Int, _ columns: Range<Int>) {
      guard !columns.isEmpty else { return }
      let offset = interior + y * row + columns.lowerBound * channels, count = columns.count * channels
      vk_binary_f32(level, VK_ADD, count, sum + offset, 1, plane + offset, 1, sum + offset)
      (plane + offset).update(repeating: 0, count: count)
    }
    for y in 0..<height {
      if window.rows.contains(y) && !window.columns.isEmpty {
        move(row: y, 0..<window.columns.lowerBound)
        move(row: y, window.columns.upperBound..<width)
      } else {
        move(row: y, 0..<width)
      }
    }
  }

  /// Copies the plane's interior to a contiguous image.
  func extract(_ plane: UnsafePointer<Float>, to image: UnsafeMutablePointer<Float>) {
    let count = width * channels
    for y in 0..<height { (image + y * count).update(from: plane + interior + y * row, count: count) }
  }
}
