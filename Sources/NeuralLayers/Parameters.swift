import Autodiff
import TensorCore

/// The parameters of a model in one block of memory, with their gradients in another, so that an optimiser is one pass
/// over contiguous floats.
public final class ParameterStore {
  /// One array of parameters.
  public struct Entry {
    /// Its name, unique in the store, in the style of PyTorch: "encoder.convolution1.weight".
    public let name: String
    /// Its shape in memory.
    public let shape: Shape
    /// How it is laid out here, and how elsewhere.
    public let layout: ParameterLayout
    let initializer: (fanIn: Int, fanOut: Int, kind: Kind)
    let offset: Int

    enum Kind { case weight, bias }
  }

  /// Where the parameters live.
  public let device: Device
  /// The arrays in the order they were added.
  public private(set) var entries: [Entry] = []
  /// The number of trainable values.
  public private(set) var count = 0
  private var memory = 0

  /// All parameters, flat. From the first use on no more can be added.
  public private(set) lazy var values = Tensor<Float>(repeating: 0, [memory], on: device)
  /// All gradients, flat, at the same offsets.
  public private(set) lazy var gradients = Tensor<Float>(repeating: 0, [memory], on: device)

  /// An empty store.
  public init(on device: Device) { self.device = device }

  /// Adds an array, not yet initialised.
  func add(_ name: String, _ shape: Shape, _ layout: ParameterLayout, fanIn: Int, fanOut: Int, _ kind: Entry.Kind)
    -> Parameter
  {
    precondition(!entries.contains { $0.name == name }, "two parameters are named \(name)")
    let initializer = (fanIn: fanIn, fanOut: fanOut, kind: kind)
    entries.append(Entry(name: name, shape: shape, layout: layout, initializer: initializer, offset: memory))
    count += shape.count
    memory += (shape.count + 15) / 16 * 16  // every array begins on a cache line
    return Parameter(store: self, index: entries.count - 1)
  }

  /// The array with this number.
  public func parameter(at index: Int) -> Parameter { Parameter(store: self, index: index) }

  /// Draws initial values; each array has a stream of its own, named after it.
  public func initialize(_ initializer: Initializer, from stream: RandomStream) {
    for (index, entry) in entries.enumerated() {
      var stream = stream.split(entry.name)
      parameter(at: index).value.withMutableElements {
        initializer.fill(
          $0, fanIn: entry.initializer.fanIn, fanOut: entry.initializer.fanOut,
          isBias: entry.initializer.kind == .bias, from: &stream)
      }
    }
  }
}

/// One array of a ``ParameterStore``.
public struct Parameter {
  /// The store it belongs to.
  public let store: ParameterStore
  let index: Int

  private var entry: ParameterStore.Entry { store.entries[index] }
  /// Its name.
  public var name: String { entry.name }
  /// Its layout here and elsewhere.
  public var layout: ParameterLayout { entry.layout }
  /// The values; writing to them changes the model.
  public var value: Tensor<Float> { Tensor(viewing: store.values, offset: entry.offset, shape: entry.shape) }
  /// The gradient of the last backward pass.
  public var gradient: Tensor<Float> { Tensor(viewing: store.gradients, offset: entry.offset, shape: entry.shape) }
}

/// One evaluation of a model: a tape, and the knowledge which parameters it trains.
public final class Pass {
  /// What is recorded.
  public let tape: Tape<Float>
  /// Whether objectives may prepare gradients during the forward pass; false for evaluation.
  public let isTraining: Bool
  private let trained: [ObjectIdentifier]
  private var variables: [Key: Variable<Float>] = [:]

  private struct Key: Hashable {
    let store: ObjectIdentifier
    let index: Int
  }

  /// A pass that trains the given stores; every other parameter is a constant. With a profile, its time is measured.
  public init(training stores: [ParameterStore], on device: Device, profile: StepProfile? = nil) {
    tape = Tape(on: device, profile: profile)
    isTraining = !stores.isEmpty
    trained = stores.map { ObjectIdentifier($0) }
  }

  /// A pass that records nothing.
  public static func evaluation(on device: Device, profile: StepProfile? = nil) -> Pass {
    Pass(training: [], on: device, profile: profile)
  }

  /// Where the pass runs.
  public var device: Device { tape.device }

  /// A parameter as a variable of this pass, the same one each time.
  public func callAsFunction(_ parameter: Parameter) -> Variable<Float> {
    let store = ObjectIdentifier(parameter.store)
    guard trained.contains(store) else { return Variable(parameter.value) }
    let key = Key(store: store, index: parameter.index)
    if let known = variables[key] { return known }
    let variable = tape.track(parameter.value, gradientInto: parameter.gradient)
    variables[key] = variable
    return variable
  }
}
