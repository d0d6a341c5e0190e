import CVectorKernels

/// The memory of one call on a stack: packed weights for all workers, a workspace and a gradient sum for each.
struct FusedScratch {
  let packed: [UnsafeMutablePointer<Float>]
  let planes: [FusedPlane]
  let backward: Bool
  let workspaces: [UnsafeMutablePointer<Float>]
  /// Sums of all workers but the first, which adds straight into the caller's arrays.
  let sums: [FusedGradientSum]

  func workspace(_ worker: Int) -> FusedWorkspace {
    FusedWorkspace(at: workspaces[worker], planes: planes, backward: backward)
  }
}

extension FusedConvolutionStack {
  /// Lends one buffer of the device's pool for the length of a call, cut up into what the call needs.
  func withScratch(backward: Bool, _ body: (FusedScratch) -> Void) {
    let packedCounts = steps.map { ($0.packedCount + 15) / 16 * 16 }
    let products = steps.map(\.productCount).max() ?? 0
    let workspace = FusedWorkspace.count(planes: planes, products: products, backward: backward)
    let sum = backward ? FusedGradientSum.count(layers: layers) : 0
    let count = packedCounts.reduce(0, +) + device.threads * workspace + (device.threads - 1) * sum
    let bytes = count * MemoryLayout<Float>.stride
    let raw = device.pool.take(bytes: bytes)
    defer { device.pool.give(raw, bytes: bytes) }

    var next = raw.bindMemory(to: Float.self, capacity: count)
    func cut(_ count: Int) -> UnsafeMutablePointer<Float> {
      defer { next += count }
      return next
    }
    body(
      FusedScratch(
        packed: packedCounts.map(cut), planes: planes, backward: backward,
        workspaces: (0..<device.threads).map { _ in cut(workspace) },
        sums: backward ? (1..<device.threads).map { _ in FusedGradientSum(at: cut(sum), layers: layers) } : []))
  }

  /// Packs the weights of the layers that will be scattered, shared out among the workers.
  func pack(_ parameters: FusedParameters, into scratch: FusedScratch, for needed: (FusedLayer) -> Bool) {
    guard layers.contains(where: needed) else { return }
    device.parallel { worker in
      for (i, step) in steps.enumerated() where needed(step.layer) {
        step.pack(parameters.weights[i], into: scratch.packed[i], worker: worker, workers: device.threads)
      }
    }
  }

  /// Runs `body` on every worker with a gradient sum of its own, then adds the sums in the order of the workers.
  func accumulate(
    _ gradients: FusedParameterGradients, _ scratch: FusedScratch,
    _ body: (_ worker: Int, _ sum: FusedGradientSum) -> Void
  ) {
    let whole = FusedGradientSum(weights: gradients.weights, biases: gradients.biases)
    device.parallel { worker in
      let sum = worker == 0 ? whole : scratch.sums[worker - 1]
      if worker > 0 || !gradients.accumulate { sum.clear(layers: layers) }
      body(worker, sum)
    }
    guard device.threads > 1 else { return }
    device.parallel { worker in
      for (i, layer) in layers.enumerated() {
        for part in scratch.sums {
          add(part.weights[i], to: whole.weights[i], count: layer.weightCount, worker: worker)
          add(part.biases[i], to: whole.biases[i], count: layer.outputChannels, worker: worker)
        }
      }
    }
  }

  private func add(
    _ part: UnsafeMutablePointer<Float>, to whole: UnsafeMutablePointer<Float>, count: Int, worker: Int
  ) {
    let range = Device.range(of: worker, among: device.threads, count: count, grain: 16)
    let (a, b) = (whole + range.lowerBound, part + range.lowerBound)
    vk_binary_f32(device.level.code, VK_ADD, range.count, a, 1, b, 1, a)
  }
}
