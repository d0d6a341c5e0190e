import Autodiff
import Diagnostics
import TensorCore

/// The parameters of a model in one block of memory, with their gradients in another, so that an optimiser is one pass
/// over contiguous floats; and its buffers, which are not trained.
public final class ParameterStore {
  /// One array of parameters.
  public struct Entry {
    /// Its name, unique in the store, in the style of PyTorch: "encoder.convolution1.weight".
    public let name: String
    /// Its shape in memory.
    public let shape: Shape
    /// How it is laid out here, and how elsewhere.
    public let layout: ParameterLayout
    /// What it is in its layer.
    public let role: ParameterRole
    let offset: Int
  }

  /// One array that is not trained. It is allocated when it is first used, as the parameters are.
  fileprivate final class BufferEntry {
    let name: String
    let count: Int
    let initialValue: Float
    let device: Device
    private(set) lazy var value = Tensor<Float>(repeating: initialValue, [count], on: device)

    init(name: String, count: Int, initialValue: Float, device: Device) {
      (self.name, self.count, self.initialValue, self.device) = (name, count, initialValue, device)
    }
  }

  /// Where the parameters live.
  public let device: Device
  /// The arrays in the order they were added.
  public private(set) var entries: [Entry] = []
  /// The number of trainable values.
  public private(set) var count = 0
  private var memory = 0
  fileprivate private(set) var bufferEntries: [BufferEntry] = []
  private var names: Set<String> = []

  /// All parameters, flat. From the first use on no more can be added.
  public private(set) lazy var values = Tensor<Float>(repeating: 0, [memory], on: device)
  /// All gradients, flat, at the same offsets.
  public private(set) lazy var gradients = Tensor<Float>(repeating: 0, [memory], on: device)

  /// An empty store.
  public init(on device: Device) { self.device = device }

  /// Adds an array of parameters, not yet initialised.
  ///
  /// - Parameters:
  ///   - name: its name, unique in the store.
  ///   - shape: its shape in memory.
  ///   - layout: how it is laid out here and in files.
  ///   - role: what it is in its layer.
  public func add(_ name: String, _ shape: Shape, _ layout: ParameterLayout, _ role: ParameterRole) -> Parameter {
    requireNew(name)
    entries.append(Entry(name: name, shape: shape, layout: layout, role: role, offset: memory))
    count = saturatingSum(count, shape.count)
    // Every array begins on a cache line.
    memory = saturatingSum(memory, shape.count, (16 - shape.count % 16) % 16)
    return Parameter(store: self, index: entries.count - 1)
  }

  /// Adds an array that begins with one value, whatever the initialiser: a parameter of an objective, for example.
  ///
  /// - Parameters:
  ///   - name: its name, unique in the store.
  ///   - shape: its shape in memory; files hold its values in this order, as a vector.
  ///   - initial: what each value begins with.
  public func add(_ name: String, _ shape: Shape, initial: Float = 0) -> Parameter {
    add(name, shape, .vector(count: shape.count, image: nil), .constant(initial))
  }

  /// Adds a vector that is not trained, such as a running mean.
  ///
  /// - Parameters:
  ///   - name: its name, unique in the store.
  ///   - count: its number of values.
  ///   - initialValue: what each of them begins with.
  public func addBuffer(_ name: String, count: Int, initialValue: Float) -> Buffer {
    requireNew(name)
    bufferEntries.append(BufferEntry(name: name, count: count, initialValue: initialValue, device: device))
    return Buffer(store: self, index: bufferEntries.count - 1)
  }

  private func requireNew(_ name: String) {
    requireFit(names.insert(name).inserted, "ParameterStore", "two arrays are named \(name)")
  }

  /// The memory that the parameters take, and the buffers once; nothing is allocated before the first use of either.
  ///
  /// - Parameters:
  ///   - what: the subject of the message.
  ///   - copies: how often the parameters are there: once for values, twice with gradients, once more for each moment of
  ///     an optimiser.
  ///   - location: the key that the size follows from.
  ///   - action: what the user can do.
  public func requirement(
    _ what: String, copies: Int, at location: String?, action: String? = nil
  ) -> MemoryRequirement {
    let buffers = bufferEntries.reduce(0) { saturatingSum($0, $1.count) }
    let values = saturatingSum(saturatingProduct(memory, copies), buffers)
    return MemoryRequirement(
      what, bytes: saturatingProduct(values, MemoryLayout<Float>.stride), at: location, action: action)
  }

  /// The parts of the flat tensors that hold all arrays but some, as long as possible.
  func ranges(without left: Set<Int>) -> [Range<Int>] {
    var ranges: [Range<Int>] = [], start = 0
    for index in left.sorted() {
      ranges.append(start..<entries[index].offset)
      start = index + 1 < entries.count ? entries[index + 1].offset : memory
    }
    return (ranges + [start..<memory]).filter { !$0.isEmpty }
  }

  /// The array with this number.
  public func parameter(at index: Int) -> Parameter { Parameter(store: self, index: index) }

  /// The arrays that are not trained, in the order they were added. Whoever saves the parameters saves these, too.
  public var buffers: [Buffer] { bufferEntries.indices.map { Buffer(store: self, index: $0) } }

  /// Draws initial values; each array has a stream of its own, named after it. Buffers begin anew.
  public func initialize(_ initializer: Initializer, from stream: RandomStream) {
    for (index, entry) in entries.enumerated() {
      var stream = stream.split(entry.name)
      parameter(at: index).value.withMutableElements { initializer.fill($0, as: entry.role, from: &stream) }
    }
    for buffer in bufferEntries { buffer.value.fill(buffer.initialValue) }
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
  /// What a flat tensor of the store's size has for this array.
  func view(of tensor: Tensor<Float>) -> Tensor<Float> {
    Tensor(viewing: tensor, offset: entry.offset, shape: entry.shape)
  }

  /// The gradient of the last backward pass, unless an optimiser has taken it already
  /// (``Pass/init(training:mode:updating:on:profile:)``).
  public var gradient: Tensor<Float> { Tensor(viewing: store.gradients, offset: entry.offset, shape: entry.shape) }
}

/// A vector of a ``ParameterStore`` that is saved but not trained, such as a running mean.
public struct Buffer {
  /// The store it belongs to.
  public let store: ParameterStore
  let index: Int

  /// Its name, in the style of PyTorch: "encoder.norm1.running_mean".
  public var name: String { store.bufferEntries[index].name }
  /// The values, `[count]`; writing to them changes the model.
  public var value: Tensor<Float> { store.bufferEntries[index].value }
  /// Its layout here and elsewhere.
  public var layout: ParameterLayout { .vector(count: store.bufferEntries[index].count, image: nil) }
}
