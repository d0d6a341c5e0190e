import Diagnostics
import TensorCore

/// Builds a network layer by layer: it keeps the form of what comes out so far and names layers by their kind and number.
///
///     var network = NetworkBuilder("encoder", from: .image(image), in: store)
///     try network.convolution(32, kernel: 4, stride: 2, padding: 1)       // encoder.convolution1
///     try network.batchNormalization(activation: .relu)                   // encoder.norm1
///     try network.dense(256, activation: .relu)                           // encoder.linear1
///     let encoder = try network.encoder(latents: 10)
public struct NetworkBuilder {
  /// The prefix of all names.
  public let name: String
  /// Where parameters go.
  public let store: ParameterStore
  /// What goes in.
  public let input: LayerForm
  /// What comes out so far.
  public private(set) var form: LayerForm
  /// The layers so far.
  public private(set) var layers: [any Layer] = []
  private var counts: [String: Int] = [:]

  /// Begins a network.
  ///
  /// - Parameters:
  ///   - name: the prefix of all names.
  ///   - input: what goes in.
  ///   - store: where parameters go.
  public init(_ name: String, from input: LayerForm, in store: ParameterStore) {
    (self.name, self.input, form, self.store) = (name, input, input, store)
  }

  /// The network.
  ///
  /// - Throws: `StructuredError` if two layers do not fit.
  public func network() throws -> Network { try Network(name, from: input, layers) }

  /// The name of the next layer of a kind: "encoder.convolution2".
  public mutating func nextName(_ kind: String) -> String {
    counts[kind, default: 0] += 1
    return "\(name).\(kind)\(counts[kind, default: 1])"
  }

  /// Adds any layer.
  public mutating func add(_ layer: some Layer) {
    layers.append(layer)
    form = layer.output
  }

  /// The image that comes out so far.
  ///
  /// - Throws: `StructuredError` if it is a vector.
  private func image(for layer: String) throws -> ImageShape {
    guard let image = form.image else {
      throw StructuredError("\(layer) needs images, and what comes before gives \(form)", expected: "an image")
    }
    return image
  }

  /// Adds a convolution of the given number of channels.
  ///
  /// - Parameters:
  ///   - channels: output channels.
  ///   - kernel: side of the kernel.
  ///   - stride: the stride.
  ///   - padding: zeros around the image.
  ///   - hasBias: whether it has a bias.
  ///   - activation: what follows.
  /// - Throws: `StructuredError` if it does not take what comes out so far.
  public mutating func convolution(
    _ channels: Int, kernel: Int, stride: Int = 1, padding: Int = 0, hasBias: Bool = true,
    activation: Activation = .identity
  ) throws {
    let name = nextName("convolution"), image = try image(for: name)
    guard min(image.height, image.width) + 2 * padding >= kernel else {
      throw StructuredError(
        "the kernel of \(name) is larger than its image of \(image)",
        expected: "a side of at most "
          + "\(min(image.height, image.width) + 2 * padding) pixels, padding included")
    }
    add(
      Convolution(
        name,
        ConvolutionLayer(
          from: image, channels: channels, kernel: kernel, stride: stride, padding: padding, activation: activation),
        hasBias: hasBias, in: store))
  }

  /// Adds a transposed convolution, whose output has (extent − 1)·stride + kernel − 2·padding pixels a side.
  ///
  /// Parameters as of ``convolution(_:kernel:stride:padding:hasBias:activation:)``.
  ///
  /// - Throws: `StructuredError` if it does not take what comes out so far.
  public mutating func transposedConvolution(
    _ channels: Int, kernel: Int, stride: Int = 1, padding: Int = 0, hasBias: Bool = true,
    activation: Activation = .identity
  ) throws {
    let name = nextName("convolution"), image = try image(for: name)
    guard (min(image.height, image.width) - 1) * stride + kernel > 2 * padding else {
      throw StructuredError("the padding of \(name) leaves nothing of its image of \(image)", expected: "less padding")
    }
    add(
      Convolution(
        name,
        ConvolutionLayer(
          from: image, channels: channels, kernel: kernel, stride: stride, padding: padding, transposed: true,
          activation: activation), hasBias: hasBias, in: store))
  }

  /// Adds a fully connected layer; images that go in are flattened.
  public mutating func dense(_ outputs: Int, activation: Activation = .identity) {
    dense(to: .vector(outputs), activation: activation)
  }

  /// Adds a fully connected layer with outputs of a form; the pixels of an image, for example.
  public mutating func dense(to output: LayerForm, activation: Activation = .identity) {
    add(Dense(nextName("linear"), from: form, to: output, activation: activation, in: store))
  }

  /// Adds a batch normalisation.
  public mutating func batchNormalization(
    epsilon: Double = 1e-5, momentum: Double = 0.1, activation: Activation = .identity
  ) {
    add(
      BatchNormalization(
        nextName("norm"), from: form, epsilon: epsilon, momentum: momentum, activation: activation, in: store))
  }

  /// Adds a group normalisation.
  ///
  /// - Throws: `StructuredError` if the channels do not split evenly.
  public mutating func groupNormalization(
    groups: Int, epsilon: Double = 1e-5, activation: Activation = .identity
  ) throws {
    let name = nextName("norm")
    guard groups > 0, form.channels % groups == 0 else {
      throw StructuredError(
        "\(name) cannot split \(form.channels) channels into \(groups) groups",
        expected: "a divisor of \(form.channels)")
    }
    add(
      GroupNormalization(name, groups: groups, from: form, epsilon: epsilon, activation: activation, in: store))
  }

  /// Adds an activation on its own.
  public mutating func activation(_ activation: Activation) {
    add(ActivationLayer(nextName("activation"), activation, from: form))
  }

  /// Adds nearest-neighbour upsampling.
  ///
  /// - Throws: `StructuredError` if what comes out so far is no image.
  public mutating func upsampling(by factor: Int = 2) throws {
    let name = nextName("upsampling")
    add(NearestUpsampling(name, by: factor, from: try image(for: name)))
  }

  /// Adds the codes at every pixel of an image, with coordinates.
  ///
  /// - Throws: `StructuredError` if what comes out so far is an image.
  public mutating func spatialBroadcast(height: Int, width: Int) throws {
    let name = nextName("broadcast")
    guard case .vector(let latents) = form else {
      throw StructuredError("\(name) needs codes, and what comes before gives \(form)", expected: "a vector")
    }
    add(SpatialBroadcast(name, latents: latents, height: height, width: width))
  }

  /// Adds zeros around the image, which is in the centre of the larger one; nothing where it has that size already.
  ///
  /// - Throws: `StructuredError` if what comes out so far is no image, or a larger one.
  public mutating func pad(toHeight height: Int, width: Int) throws {
    let image = try image(for: name + ".padding")
    if image.height == height, image.width == width { return }
    guard image.height <= height, image.width <= width else {
      throw StructuredError("images of \(image) cannot be padded to \(height)×\(width)", at: name)
    }
    let larger = ImageShape(height: height, width: width, channels: image.channels)
    add(ZeroPadding(nextName("padding"), ImageEdges(of: larger, around: image), around: image))
  }

  /// Takes the centre of the image; nothing where it has that size already.
  ///
  /// - Throws: `StructuredError` if what comes out so far is no image, or a smaller one.
  public mutating func crop(toHeight height: Int, width: Int) throws {
    let image = try image(for: name + ".cropping")
    if image.height == height, image.width == width { return }
    guard image.height >= height, image.width >= width else {
      throw StructuredError("images of \(image) cannot be cropped to \(height)×\(width)", at: name)
    }
    let smaller = ImageShape(height: height, width: width, channels: image.channels)
    add(Cropping(nextName("cropping"), ImageEdges(of: image, around: smaller), of: image))
  }

  /// Adds a residual block.
  ///
  /// - Parameters:
  ///   - activation: what follows the sum.
  ///   - main: builds the main path; names inside begin with the block's, "encoder.residual1.convolution1".
  ///   - shortcut: builds the other path, "encoder.residual1.shortcut.convolution1"; nil for the identity.
  /// - Throws: `StructuredError` if the paths do not fit.
  public mutating func residual(
    activation: Activation = .identity, main: (inout NetworkBuilder) throws -> Void,
    shortcut: ((inout NetworkBuilder) throws -> Void)? = nil
  ) throws {
    let name = nextName("residual")
    var path = NetworkBuilder(name, from: form, in: store)
    try main(&path)
    var other: NetworkBuilder?
    if let shortcut {
      var path = NetworkBuilder(name + ".shortcut", from: form, in: store)
      try shortcut(&path)
      other = path
    }
    add(try ResidualBlock(name, main: path.network(), shortcut: other?.network(), activation: activation))
  }

  /// Adds the basic block of a residual network: two 3 × 3 convolutions, each with batch normalisation, and ReLU.
  ///
  /// Where the form changes, the shortcut is a 1 × 1 convolution with batch normalisation. He et al. 2016
  /// (arXiv:1512.03385), figure 2 and option B.
  ///
  /// - Throws: `StructuredError` if what comes out so far is no image.
  public mutating func basicBlock(_ channels: Int, stride: Int = 1) throws {
    func main(_ path: inout NetworkBuilder) throws {
      try path.convolution(channels, kernel: 3, stride: stride, padding: 1, hasBias: false)
      path.batchNormalization(activation: .relu)
      try path.convolution(channels, kernel: 3, padding: 1, hasBias: false)
      path.batchNormalization()
    }
    func projection(_ path: inout NetworkBuilder) throws {
      try path.convolution(channels, kernel: 1, stride: stride, hasBias: false)
      path.batchNormalization()
    }
    let changes = stride != 1 || channels != form.channels
    try residual(activation: .relu, main: main, shortcut: changes ? projection : nil)
  }
}
