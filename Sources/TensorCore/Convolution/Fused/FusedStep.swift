import CVectorKernels

/// One layer of a planned stack: its two planes and the kernel shapes of its passes.
///
/// Every pass is one of three: *gather* (high → low: a convolution, or the input gradient of a transposed one), *scatter*
/// (low → high: the reverse) and the gradient at the weights. Between feature maps with kernel 4 and even sides, all three
/// take Winograd's way with nine multiplications for sixteen. Otherwise a scatter is computed as four correlations,
/// one for each parity of the output pixel, so that it needs no additions into memory; to a few channels, where that would
/// leave the vectors empty, it is a matrix product whose patches are added up.
struct FusedStep {
  let layer: ConvolutionLayer
  let high: FusedPlane
  let low: FusedPlane
  /// The low pixels that passes compute or read; all of them, unless ``inside(_:)`` says otherwise.
  private var window: FusedWindow
  /// The shape of the fast way, where it can be taken.
  private var winograd: vk_winograd?
  private let level: Int32
  private var gatherShape: vk_correlation
  private var scatterShape: vk_correlation
  private let expansionShape: vk_expansion

  init(_ layer: ConvolutionLayer, level: Int32) {
    let input = FusedPlane(height: layer.input.height, width: layer.input.width, channels: layer.input.channels)
    let output = FusedPlane(height: layer.output.height, width: layer.output.width, channels: layer.output.channels)
    self.layer = layer
    self.level = level
    high = layer.transposed ? output : input
    low = layer.transposed ? input : output
    window = FusedWindow(rows: 0..<low.height, columns: 0..<low.width)
    let kernel = layer.geometry.kernel, reach = kernel / 2
    gatherShape = vk_correlation(
      height: Int32(low.height), width: Int32(low.width), channels: Int32(low.channels),
      rows: Int32(kernel), run: Int32(kernel * high.channels),
      in_row: high.row, in_step: 2 * high.row, in_pixel: 2 * high.channels, w_row: low.channels,
      out_row: low.row, out_pixel: low.channels)
    scatterShape = vk_correlation(
      height: Int32(low.height), width: Int32(low.width), channels: Int32(high.channels),
      rows: Int32(reach), run: Int32(reach * low.channels),
      in_row: low.row, in_step: low.row, in_pixel: low.channels, w_row: high.channels,
      out_row: 2 * high.row, out_pixel: 2 * high.channels)
    let even = low.height % 2 == 0 && low.width % 2 == 0 && min(low.height, low.width) >= 4
    winograd =
      kernel == 4 && even && !layer.isImageSide
      ? vk_winograd(
        height: Int32(low.height), width: Int32(low.width), high_channels: Int32(high.channels),
        low_channels: Int32(low.channels), high_row: high.row, low_row: low.row) : nil
    expansionShape = vk_expansion(
      height: Int32(low.height), width: Int32(low.width), in_channels: Int32(low.channels),
      kernel: Int32(kernel), channels: Int32(high.channels),
      in_row: low.row, w_row: (kernel * kernel * high.channels + 15) / 16 * 16, out_row: high.row)
  }

  /// Whether passes work in tiles of 2 × 2 low pixels.
  var isTiled: Bool { winograd != nil }

  /// The same layer with passes confined to a window of low pixels, and to the high pixels over it: a gather writes only the former, a
  /// scatter only the latter, a gradient sums over them. Pointers remain those of whole planes. Windows of tiled layers
  /// have even sides; there are none for a scatter at the side of the image.
  func inside(_ window: FusedWindow) -> FusedStep {
    var step = self
    let height = Int32(window.rows.count), width = Int32(window.columns.count)
    step.window = window
    step.winograd?.height = height
    step.winograd?.width = width
    (step.gatherShape.height, step.gatherShape.width) = (height, width)
    (step.scatterShape.height, step.scatterShape.width) = (height, width)
    return step
  }

  /// Floats from where a whole plane would begin to where the window does.
  private var lowStart: Int { window.rows.lowerBound * low.row + window.columns.lowerBound * low.channels }
  private var highStart: Int { 2 * (window.rows.lowerBound * high.row + window.columns.lowerBound * high.channels) }

  var input: FusedPlane { layer.transposed ? low : high }
  var output: FusedPlane { layer.transposed ? high : low }

  /// The pass that takes the input to the output; the other takes the gradient back.
  var forward: FusedDirection { layer.transposed ? .scatter : .gather }
  /// The pass that takes the output's gradient to the input.
  var backward: FusedDirection { layer.transposed ? .gather : .scatter }

  /// Floats of the weights as a pass wants them; 0 where it takes them as they are.
  func packedCount(_ direction: FusedDirection) -> Int {
    if let winograd { return withUnsafePointer(to: winograd, vk_winograd_weights) }
    if direction == .gather { return 0 }
    return layer.isImageSide ? low.channels * expansionShape.w_row : layer.weightCount
  }

  /// Floats of scratch that the passes want.
  var scratchCount: Int {
    if let winograd { return withUnsafePointer(to: winograd, vk_winograd_scratch) }
    return layer.isImageSide ? low.width * expansionShape.w_row : 0
  }

  /// Floats in which a worker adds up the gradient at the weights; nil where that happens in the layout of the weights.
  var transformedGradientCount: Int? { winograd == nil ? nil : packedCount(.gather) }

  /// Where a kernel row begins: the border serves as padding for K = 4 and is skipped for K = 2.
  private func start(_ plane: FusedPlane) -> Int { layer.geometry.kernel == 4 ? 0 : plane.interior }

  /// Writes the part of the packed weights that falls to one worker.
  func pack(
    _ weights: UnsafePointer<Float>, for direction: FusedDirection, into packed: UnsafeMutablePointer<Float>,
    worker: Int, workers: Int
  ) {
    if let winograd {
      withUnsafePointer(to: winograd) { shape in
        for phase in Device.range(of: worker, among: workers, count: 4, grain: 1) {
          switch direction {
          case .gather: vk_winograd_gather_weights_f32(level, shape, Int32(phase), weights, packed)
          case .scatter: vk_winograd_scatter_weights_f32(level, shape, Int32(phase), weights, packed)
          }
        }
      }
    } else if direction == .scatter {
      packScatter(weights, into: packed, worker: worker, workers: workers)
    }
  }

  /// `[parity][d_y][d_x][C_low][C_high]`, or `[C_low][tap, C_high]` at the side of the image.
  private func packScatter(
    _ weights: UnsafePointer<Float>, into packed: UnsafeMutablePointer<Float>, worker: Int, workers: Int
  ) {
    let kernel = layer.geometry.kernel, reach = kernel / 2, block = high.channels * low.channels
    if layer.isImageSide {
      guard worker == 0 else { return }
      let columns = kernel * kernel * high.channels, row = expansionShape.w_row
      vk_transpose_f32(Int32(columns), Int32(low.channels), weights, low.channels, packed, row)
      for c in 0..<low.channels { (packed + c * row + columns).update(repeating: 0, count: row - columns) }
      return
    }
    for index in Device.range(of: worker, among: workers, count: kernel * kernel, grain: 1) {
      let parity = index / (reach * reach), d = index % (reach * reach)
      // Output row 2Y + p_y meets input row Y + p_y − 1 + d_y through kernel row 3 − p_y − 2·d_y (K = 4), or input row Y
      // through kernel row p_y (K = 2); columns alike.
      let ky = kernel == 4 ? 3 - parity / 2 - 2 * (d / reach) : parity / 2
      let kx = kernel == 4 ? 3 - parity % 2 - 2 * (d % reach) : parity % 2
      vk_transpose_f32(
        Int32(high.channels), Int32(low.channels), weights + (ky * kernel + kx) * block, low.channels,
        packed + index * block, high.channels)
    }
  }

  /// low = gate(f(bias + gather(high))); `bias` and `gate` may be absent. `weights` are the packed ones where there are any. With
  /// `reuse`, `scratch` is as ``accumulateGradients(input:outputGradient:scratch:weights:bias:)`` left it for the same `from`.
  func gather(
    _ from: UnsafePointer<Float>, reuse: Bool, weights: UnsafePointer<Float>, bias: UnsafePointer<Float>?, relu: Bool,
    gate: UnsafePointer<Float>?, scratch: UnsafeMutablePointer<Float>, to: UnsafeMutablePointer<Float>
  ) {
    let from = from + highStart, to = to + lowStart, gate = gate.map { $0 + lowStart + low.interior }
    if let winograd {
      withUnsafePointer(to: winograd) { shape in
        vk_winograd_gather_f32(
          level, shape, from, reuse ? 1 : 0, weights, bias, relu ? 1 : 0, gate, scratch, to + low.interior)
      }
      return
    }
    withUnsafePointer(to: gatherShape) { shape in
      vk_correlate_f32(
        level, shape, from + start(high), weights, bias, relu ? 1 : 0, gate, to + low.interior)
    }
  }

  /// high = gate(f(bias + scatter(low))); at the side of the image there is neither f nor gate, and the border of `to` is
  /// left unspecified.
  func scatter(
    _ from: UnsafePointer<Float>, packed: UnsafePointer<Float>, bias: UnsafePointer<Float>?, relu: Bool,
    gate: UnsafePointer<Float>?, scratch: UnsafeMutablePointer<Float>, to: UnsafeMutablePointer<Float>
  ) {
    let from = from + lowStart, to = to + highStart, gate = gate.map { $0 + highStart }
    if let winograd {
      withUnsafePointer(to: winograd) { shape in
        vk_winograd_scatter_f32(
          level, shape, from, packed, bias, relu ? 1 : 0, gate.map { $0 + high.interior }, scratch, to + high.interior)
      }
      return
    }
    if layer.isImageSide {
      withUnsafePointer(to: expansionShape) { shape in
        vk_expand_f32(level, shape, from + low.interior, packed, bias, scratch, to + start(high))
      }
      return
    }
    let reach = layer.geometry.kernel / 2, block = reach * reach * high.channels * low.channels
    withUnsafePointer(to: scatterShape) { shape in
      for parity in 0..<4 {
        let py = parity / 2, px = parity % 2
        let source = layer.geometry.kernel == 4 ? py * low.row + px * low.channels : low.interior
        let target = high.interior + py * high.row + px * high.channels
        vk_correlate_f32(
          level, shape, from + source, packed + parity * block, bias, relu ? 1 : 0, gate.map { $0 + target },
          to + target)
      }
    }
  }

  /// Adds the gradients at weights and bias, given the activation on one side and the gradient on the other. Where
  /// ``transformedGradientCount`` is not nil, `weights` has that form, and ``finishGradient`` has to follow in the end.
  func accumulateGradients(
    input: UnsafePointer<Float>, outputGradient: UnsafePointer<Float>, scratch: UnsafeMutablePointer<Float>,
    weights: UnsafeMutablePointer<Float>, bias: UnsafeMutablePointer<Float>
  ) {
    let onHigh = (layer.transposed ? outputGradient : input) + highStart
    let onLow = (layer.transposed ? input : outputGradient) + lowStart
    if let winograd {
      withUnsafePointer(to: winograd) { shape in
        vk_winograd_gradient_f32(level, shape, onHigh, onLow + low.interior, scratch, weights)
      }
    } else {
      withUnsafePointer(to: gatherShape) { shape in
        vk_correlate_weights_f32(level, shape, onHigh + start(high), onLow + low.interior, weights)
      }
    }
    let summed = layer.transposed ? window.doubled : window
    vk_channel_sums_f32(
      level, Int32(summed.rows.count), Int32(summed.columns.count), Int32(output.channels), output.row,
      (layer.transposed ? onHigh : onLow) + output.interior, bias)
  }

  /// Takes a transformed gradient back to the layout of the weights, if it is one; each worker of the call does its part.
  func finishGradient(
    _ sum: UnsafeMutablePointer<Float>, accumulate: Bool, weights: UnsafeMutablePointer<Float>, worker: Int,
    workers: Int
  ) {
    guard let winograd else { return }
    withUnsafePointer(to: winograd) { shape in
      for phase in Device.range(of: worker, among: workers, count: 4, grain: 1) {
        vk_winograd_finish_f32(level, shape, Int32(phase), sum, accumulate ? 1 : 0, weights)
      }
    }
  }
}

/// The two ways through a layer: from high resolution to low, and back.
enum FusedDirection: CaseIterable {
  case gather
  case scatter
}
