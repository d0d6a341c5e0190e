/// What one worker needs to take an image through the stack and back: a plane for each activation, one for each
/// gradient, and scratch for one pass.
struct FusedWorkspace {
  /// Activation i is the input of layer i; the last is the output of the stack.
  var activations: [UnsafeMutablePointer<Float>]
  /// The gradient at each activation; empty where there is no backward pass.
  var gradients: [UnsafeMutablePointer<Float>]
  /// A plane for the second layer's output from a blank image, or for the gradients there; see ``NonblankRegion``.
  let blank: UnsafeMutablePointer<Float>
  let scratch: UnsafeMutablePointer<Float>

  /// Floats of one worker's workspace.
  static func count(planes: [FusedPlane], blank: Int, scratch: Int, backward: Bool) -> Int {
    planes.reduce(0) { $0 + $1.count } * (backward ? 2 : 1) + blank + (scratch + 15) / 16 * 16
  }

  /// Lays the workspace out from `base` on and zeroes all borders.
  init(at base: UnsafeMutablePointer<Float>, planes: [FusedPlane], blank count: Int, backward: Bool) {
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
    blank = next
    scratch = next + count
  }
}

/// Where one worker adds up its parameter gradients, layer by layer.
struct FusedGradientSum {
  let weights: [UnsafeMutablePointer<Float>]
  let biases: [UnsafeMutablePointer<Float>]
}
