import Autodiff
import Diagnostics
import TensorCore

// Layers without parameters.

/// An activation on its own. Most layers have one built in, which is faster.
public struct ActivationLayer: Layer {
  /// What messages call it.
  public let name: String
  /// What goes in.
  public let input: LayerForm
  /// The function.
  public let activation: Activation

  /// Describes a layer.
  public init(_ name: String, _ activation: Activation, from input: LayerForm) {
    (self.name, self.activation, self.input) = (name, activation, input)
  }

  /// As the input.
  public var output: LayerForm { input }
  /// One.
  public var steps: [InferenceStep] { [.activation(self)] }
  /// Applies the function.
  public func callAsFunction(_ x: Variable<Float>, _ pass: Pass) -> Variable<Float> { x.activated(activation) }
}

/// Nearest-neighbour upsampling: every pixel becomes factor × factor pixels.
public struct NearestUpsampling: Layer {
  /// What messages call it.
  public let name: String
  /// The image that goes in.
  public let image: ImageShape
  /// The factor, at least 1.
  public let factor: Int

  /// Describes a layer.
  public init(_ name: String, by factor: Int, from image: ImageShape) {
    requireFit(factor >= 1, "NearestUpsampling", "images of \(image) cannot be upsampled by \(factor)")
    (self.name, self.factor, self.image) = (name, factor, image)
  }

  /// The image that goes in.
  public var input: LayerForm { .image(image) }
  /// `[factor·height, factor·width, channels]`.
  public var output: LayerForm {
    .image(ImageShape(height: factor * image.height, width: factor * image.width, channels: image.channels))
  }
  /// One.
  public var steps: [InferenceStep] { [.upsampling(self)] }
  /// Upsamples a batch.
  public func callAsFunction(_ x: Variable<Float>, _ pass: Pass) -> Variable<Float> {
    pass.tape.phase("resizing") { x.upsampled(by: factor) }
  }
}

/// Codes `[B, D]` at every pixel of an image, with two channels of coordinates from −1 to 1 appended: x, then y.
///
/// Watters et al. 2019, Spatial Broadcast Decoder (arXiv:1901.07017), algorithm 1.
public struct SpatialBroadcast: Layer {
  /// What messages call it.
  public let name: String
  /// D.
  public let latents: Int
  /// Rows of the image.
  public let height: Int
  /// Columns of the image.
  public let width: Int

  /// Describes a layer.
  public init(_ name: String, latents: Int, height: Int, width: Int) {
    (self.name, self.latents, self.height, self.width) = (name, latents, height, width)
  }

  /// D values.
  public var input: LayerForm { .vector(latents) }
  /// `[height, width, D + 2]`.
  public var output: LayerForm { .image(ImageShape(height: height, width: width, channels: latents + 2)) }
  /// One.
  public var steps: [InferenceStep] { [.spatialBroadcast(self)] }
  /// Broadcasts a batch of codes.
  public func callAsFunction(_ x: Variable<Float>, _ pass: Pass) -> Variable<Float> {
    pass.tape.phase("resizing") { x.spatiallyBroadcast(height: height, width: width) }
  }
}

/// Zeros around an image.
public struct ZeroPadding: Layer {
  /// What messages call it.
  public let name: String
  /// The image that goes in.
  public let image: ImageShape
  /// Rows and columns of zeros.
  public let edges: ImageEdges

  /// Describes a layer.
  public init(_ name: String, _ edges: ImageEdges, around image: ImageShape) {
    (self.name, self.edges, self.image) = (name, edges, image)
  }

  /// The image that goes in.
  public var input: LayerForm { .image(image) }
  /// The larger image.
  public var output: LayerForm { .image(edges.adding(to: image)) }
  /// One.
  public var steps: [InferenceStep] { [.padding(self)] }
  /// Pads a batch.
  public func callAsFunction(_ x: Variable<Float>, _ pass: Pass) -> Variable<Float> {
    pass.tape.phase("resizing") { x.padded(edges) }
  }
}

/// An image without some rows and columns at its edges.
public struct Cropping: Layer {
  /// What messages call it.
  public let name: String
  /// The image that goes in.
  public let image: ImageShape
  /// Rows and columns that are removed.
  public let edges: ImageEdges

  /// Describes a layer; at least one pixel is left.
  public init(_ name: String, _ edges: ImageEdges, of image: ImageShape) {
    (self.name, self.edges, self.image) = (name, edges, image)
  }

  /// The image that goes in.
  public var input: LayerForm { .image(image) }
  /// The smaller image.
  public var output: LayerForm { .image(edges.removing(from: image)) }
  /// One.
  public var steps: [InferenceStep] { [.cropping(self)] }
  /// Crops a batch.
  public func callAsFunction(_ x: Variable<Float>, _ pass: Pass) -> Variable<Float> {
    pass.tape.phase("resizing") { x.cropped(edges) }
  }
}
