/// What one worker needs to take a picture through the stack and back: a plane for each activation, one for each
/// gradient, and room for the products of the layer at the image.
struct FusedWorkspace {
  /// Activation i is the input of layer i; the last is the output of the stack.
  var activations: [UnsafeMutablePointer<Float>]
  /// The gradient at each activation; empty where there is no backward pass.
  var gradients: [UnsafeMutablePointer<Float>]
  let products: UnsafeMutablePointer<Float>

  /// Floats of one worker's workspace.
  static func count(planes: [FusedPlane], products: Int, backward: Bool) -> Int {
    planes.reduce(0) { $0 + $1.count } * (backward ? 2 : 1) + (products + 15) / 16 * 16
  }

  /// Lays the workspace out from `base` on and zeroes all borders.
  init(at base: UnsafeMutablePointer<Float>, planes: [FusedPlane], backward: Bool) {
    var next = base
    func lay(_ planes: [FusedPlane]) -> [UnsafeMutablePointer<Float>] {
      planes.map { plane in
        let pointer = next
        plane.clearBorder(pointer)
        next += plane.count
        return pointer
      }
    }
    activations = lay(planes)
    gradients = backward ? lay(planes) : []
    products = next
  }
}

/// Where one worker adds up its parameter gradients, layer by layer.
struct FusedGradientSum {
  let weights: [UnsafeMutablePointer<Float>]
  let biases: [UnsafeMutablePointer<Float>]

  init(weights: [UnsafeMutablePointer<Float>], biases: [UnsafeMutablePointer<Float>]) {
    self.weights = weights
    self.biases = biases
  }

  /// A private sum, laid out from `base` on.
  init(at base: UnsafeMutablePointer<Float>, layers: [FusedLayer]) {
    var next = base
    var weights: [UnsafeMutablePointer<Float>] = [], biases: [UnsafeMutablePointer<Float>] = []
    for layer in layers {
      weights.append(next)
      next += (layer.weightCount + 15) / 16 * 16
      biases.append(next)
      next += (layer.outputChannels + 15) / 16 * 16
    }
    self.init(weights: weights, biases: biases)
  }

  /// Floats of a private sum.
  static func count(layers: [FusedLayer]) -> Int {
    layers.reduce(0) { $0 + ($1.weightCount + 15) / 16 * 16 + ($1.outputChannels + 15) / 16 * 16 }
  }

  func clear(layers: [FusedLayer]) {
    for (i, layer) in layers.enumerated() {
      weights[i].update(repeating: 0, count: layer.weightCount)
      biases[i].update(repeating: 0, count: layer.outputChannels)
    }
  }
}
