import CVectorKernels

/// The weights of one layer as its passes want them; a direction that the call does not take is nil.
struct FusedWeights {
  var gather: UnsafePointer<Float>?
  var scatter: UnsafePointer<Float>?

  subscript(direction: FusedDirection) -> UnsafePointer<Float> {
    guard let weights = direction == .gather ? gather : scatter else {
      preconditionFailure("weights were not packed for this pass")
    }
    return weights
  }
}

/// The memory of one call on a stack: packed weights for all workers, a workspace and a gradient sum for each.
struct FusedScratch {
  let weights: [FusedWeights]
  let planes: [FusedPlane]
  let blank: Int
  let backward: Bool
  let workspaces: [UnsafeMutablePointer<Float>]
  /// The sums of all workers. The first adds straight into the caller's arrays, except where its sums are transformed.
  let sums: [FusedGradientSum]

  func workspace(_ worker: Int) -> FusedWorkspace {
    FusedWorkspace(at: workspaces[worker], planes: planes, blank: blank, backward: backward)
  }
}

extension FusedConvolutionStack {
  /// Lends one buffer of the device's pool for the length of a call, cut up into what the call needs, with the weights
  /// packed for the passes that it takes.
  ///
  /// - Parameters:
  ///   - parameters: the weights to pack.
  ///   - forward: whether the call takes images through the stack.
  ///   - backward: whether it takes gradients back.
  ///   - gradients: where the gradients at the parameters go, or nil if they are not needed.
  func withScratch(
    _ parameters: FusedParameters, forward: Bool, backward: Bool, gradients: FusedParameterGradients?,
    _ body: (FusedScratch) -> Void
  ) {
    let threads = device.threads
    func round(_ count: Int) -> Int { (count + 15) / 16 * 16 }
    func passes(_ step: FusedStep) -> [FusedDirection] {
      FusedDirection.allCases.filter { forward && $0 == step.forward || backward && $0 == step.backward }
    }
    let packed = steps.reduce(0) { sum, step in sum + passes(step).reduce(0) { $0 + round(step.packedCount($1)) } }
    let workspace = FusedWorkspace.count(
      planes: planes, blank: blankCount, scratch: steps.map(\.scratchCount).max() ?? 0, backward: backward)
    let sums = steps.reduce(0) { sum, step in
      let weights =
        step.transformedGradientCount.map { threads * round($0) } ?? (threads - 1) * round(step.layer.weightCount)
      return sum + weights + (threads - 1) * round(step.layer.output.channels)
    }
    let count = packed + threads * workspace + (gradients != nil ? sums : 0)
    let bytes = count * MemoryLayout<Float>.stride
    let raw = device.pool.allocate(bytes: bytes)
    defer { device.pool.release(raw, bytes: bytes) }

    var next = raw.bindMemory(to: Float.self, capacity: count)
    func cut(_ count: Int) -> UnsafeMutablePointer<Float> {
      defer { next += round(count) }
      return next
    }
    var weights: [FusedWeights] = []
    var packing:
      [(step: FusedStep, direction: FusedDirection, from: UnsafePointer<Float>, to: UnsafeMutablePointer<Float>)] = []
    for (step, given) in zip(steps, parameters.weights) {
      var own = FusedWeights()
      for direction in passes(step) {
        let size = step.packedCount(direction)
        let place = size > 0 ? cut(size) : nil
        if let place { packing.append((step, direction, given, place)) }
        let pointer = place.map { UnsafePointer($0) } ?? given
        if direction == .gather { own.gather = pointer } else { own.scatter = pointer }
      }
      weights.append(own)
    }
    if !packing.isEmpty {
      device.parallel { [packing] worker in
        for (step, direction, from, to) in packing {
          step.pack(from, for: direction, into: to, worker: worker, workers: threads)
        }
      }
    }
    body(
      FusedScratch(
        weights: weights, planes: planes, blank: blankCount, backward: backward,
        workspaces: (0..<threads).map { _ in cut(workspace) },
        sums: gradients.map { gradients in
          (0..<threads).map { worker in
            FusedGradientSum(
              weights: steps.indices.map { i in
                steps[i].transformedGradientCount.map(cut)
                  ?? (worker == 0 ? gradients.weights[i] : cut(layers[i].weightCount))
              },
              biases: steps.indices.map { worker == 0 ? gradients.biases[$0] : cut(layers[$0].output.channels) })
          }
        } ?? []))
  }

  /// Runs `body` on every worker with a gradient sum of its own, then adds the sums in the order of the workers; without
  /// gradients there are no sums.
  func accumulate(
    _ gradients: FusedParameterGradients?, _ scratch: FusedScratch,
    _ body: (_ worker: Int, _ sum: FusedGradientSum?) -> Void
  ) {
    guard let gradients else { return device.parallel { body($0, nil) } }
    device.parallel { worker in
      let sum = scratch.sums[worker]
      for (i, step) in steps.enumerated() {
        if let count = step.transformedGradientCount {
          sum.weights[i].update(repeating: 0, count: count)
        } else if worker > 0 || !gradients.accumulate {
          sum.weights[i].update(repeating: 0, count: step.layer.weightCount)
        }
        if worker > 0 || !gradients.accumulate {
          sum.biases[i].update(repeating: 0, count: step.layer.output.channels)
        }
      }
      body(worker, sum)
    }
    device.parallel { worker in
      for (i, step) in steps.enumerated() {
        let transformed = step.transformedGradientCount
        let weights = transformed == nil ? gradients.weights[i] : scratch.sums[0].weights[i]
        for part in scratch.sums.dropFirst() {
          add(part.weights[i], to: weights, count: transformed ?? step.layer.weightCount, worker: worker)
          add(part.biases[i], to: gradients.biases[i], count: step.layer.output.channels, worker: worker)
        }
      }
    }
    guard steps.contains(where: { $0.transformedGradientCount != nil }) else { return }
    device.parallel { worker in
      for (i, step) in steps.enumerated() {
        step.finishGradient(
          scratch.sums[0].weights[i], accumulate: gradients.accumulate, weights: gradients.weights[i], worker: worker,
          workers: device.threads)
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
