/// A rectangle of pixels in a plane.
package struct FusedWindow: Equatable {
  package var rows: Range<Int>
  package var columns: Range<Int>

  package init(rows: Range<Int>, columns: Range<Int>) {
    self.rows = rows
    self.columns = columns
  }

  package var isEmpty: Bool { rows.isEmpty || columns.isEmpty }

  /// The pixels of high resolution over these ones of low resolution, without those that a kernel sees around them.
  var doubled: FusedWindow {
    FusedWindow(
      rows: 2 * rows.lowerBound..<2 * rows.upperBound, columns: 2 * columns.lowerBound..<2 * columns.upperBound)
  }
}

/// Where the first two layers of a stack have to look at an image that is 0 around its support.
///
/// Everywhere else, all images of a batch look alike to them. Outputs there are those of a blank image, which are computed
/// once. Gradients there meet the same inputs in every image, so they are added up over the images first, and the backward
/// pass runs once for their sum, as if for one more image, a blank one. Both layers are linear in the gradients, so this
/// changes nothing but the order of additions.
package struct NonblankRegion {
  /// The second layer's outputs that see any of the support, in whole tiles of 2 × 2. Empty for a blank image.
  package let core: FusedWindow
  /// The core and what lies next to it, with even sides: over these pixels lie all outputs of the first layer that the core
  /// sees, and with them all that its gradients reach.
  package let reach: FusedWindow

  /// The windows of one image; nil if every output of the second layer sees some of the support.
  ///
  /// - Parameters:
  ///   - support: the rectangle that holds everything but zeros.
  ///   - first: the first layer, a convolution of the image.
  ///   - second: the second layer, a convolution that works in tiles.
  package init?(support: FusedWindow, first: ConvolutionLayer, second: ConvolutionLayer) {
    guard !support.isEmpty else {
      core = support
      reach = support
      return
    }
    func axis(_ range: Range<Int>, _ extents: (Int, Int)) -> (core: Range<Int>, reach: Range<Int>) {
      let seen = second.outputs(seeing: first.outputs(seeing: range, of: extents.0), of: extents.1)
      let core = seen.lowerBound / 2 * 2..<(seen.upperBound + 1) / 2 * 2
      var lower = max(0, core.lowerBound - 1), upper = min(extents.1, core.upperBound + 1)
      if (upper - lower) % 2 == 1 { if upper < extents.1 { upper += 1 } else { lower -= 1 } }
      return (core, lower..<upper)
    }
    let rows = axis(support.rows, (first.output.height, second.output.height))
    let columns = axis(support.columns, (first.output.width, second.output.width))
    core = FusedWindow(rows: rows.core, columns: columns.core)
    reach = FusedWindow(rows: rows.reach, columns: columns.reach)
    if core.rows.count == second.output.height && core.columns.count == second.output.width { return nil }
  }
}

extension ConvolutionLayer {
  /// Along one axis, the outputs y of a convolution whose kernels, from s·y − p to s·y − p + K − 1, meet any of these inputs.
  fileprivate func outputs(seeing inputs: Range<Int>, of extent: Int) -> Range<Int> {
    let g = geometry, first = inputs.lowerBound + g.padding - g.kernel + 1, last = inputs.upperBound - 1 + g.padding
    return max(0, (first + g.stride - 1) / g.stride)..<min(extent, last / g.stride + 1)
  }
}
