import Diagnostics
import TensorCore

extension HDF5File {
  /// Reads a whole array, converted to `Element`.
  ///
  /// - Throws: `StructuredError` if there is no such array, its type does not convert (see
  ///   ``ArrayElement/accepts(_:)``), or its data are damaged.
  public func read<Element: ArrayElement>(
    _ name: String, as type: Element.Type = Element.self
  ) throws -> (values: [Element], shape: [Int]) {
    let dataset = try dataset(name)
    try requireAccepted(type, dataset.type.element, name)
    var values = [Element](repeating: .zero, count: dataset.space.count)
    try values.withUnsafeMutableBufferPointer {
      try read(dataset, name, 0..<(dataset.space.shape.first ?? 1), into: $0)
    }
    return (values, dataset.space.shape)
  }

  /// Reads an array of a given shape.
  public func read<Element: ArrayElement>(
    _ name: String, as type: Element.Type = Element.self, shape: [Int]
  ) throws -> [Element] {
    let about = try information(name)
    guard about.shape == shape else {
      throw StructuredError(
        "the array has shape \(about.shape)", at: location(name), expected: "shape \(shape)")
    }
    return try read(name, as: type).values
  }

  /// Reads the rows `rows` of an array `[N, …]` into a buffer, converted to `Element`.
  ///
  /// - Precondition: the buffer holds `rows.count` rows and `rows` lies in `0..<N`.
  /// - Throws: as ``read(_:as:)``.
  public func readRows<Element: ArrayElement>(
    _ name: String, _ rows: Range<Int>, into buffer: UnsafeMutableBufferPointer<Element>
  ) throws {
    let dataset = try dataset(name), shape = dataset.space.shape, rowSize = shape.dropFirst().reduce(1, *)
    precondition(!shape.isEmpty && rows.lowerBound >= 0 && rows.upperBound <= shape[0], "no such rows")
    precondition(buffer.count >= rows.count * rowSize, "the buffer is too small for the rows")
    try requireAccepted(Element.self, dataset.type.element, name)
    try read(dataset, name, rows, into: UnsafeMutableBufferPointer(rebasing: buffer[..<(rows.count * rowSize)]))
  }

  /// Calls `body` with consecutive runs of rows of an array `[N, …]`, converted to `Element`.
  ///
  /// A run has at least `rows` rows, rounded up to whole chunks so that no chunk is inflated twice; the last may be
  /// shorter.
  public func forEachSlab<Element: ArrayElement>(
    of name: String, as type: Element.Type, rows: Int, on device: Device?,
    _ body: (_ rows: Range<Int>, _ elements: UnsafeMutableBufferPointer<Element>) throws -> Void
  ) throws {
    let dataset = try dataset(name), shape = dataset.space.shape
    precondition(!shape.isEmpty && rows > 0, "only an array with rows has slabs")
    try requireAccepted(Element.self, dataset.type.element, name)
    // An array without elements may declare any number of rows.
    guard dataset.space.count > 0 else { return }
    let rowSize = shape.dropFirst().reduce(1, *), step = slabRows(dataset, atLeast: rows)
    let buffer = UnsafeMutableBufferPointer<Element>.allocate(capacity: step * rowSize)
    defer { buffer.deallocate() }
    for start in stride(from: 0, to: shape[0], by: step) {
      let range = start..<min(start + step, shape[0])
      let slab = UnsafeMutableBufferPointer(rebasing: buffer[..<(range.count * rowSize)])
      try read(dataset, name, range, into: slab, on: device)
      try body(range, slab)
    }
  }

  /// The rows of an array of bytes, to be read at random.
  public func rows(of name: String) throws -> ArrayRows? {
    let dataset = try dataset(name)
    guard dataset.type.element == UInt8.elementType else { return nil }
    return ArrayRows(dataset, of: source, location: location(name))
  }

  /// Reads an array of text.
  ///
  /// - Throws: `StructuredError` if there is no such array, it holds no text, or is damaged.
  public func texts(_ name: String) throws -> (texts: [String], shape: [Int]) {
    let dataset = try dataset(name)
    guard dataset.type.text != nil else {
      throw StructuredError("the array holds \(dataset.type.element)", at: location(name), expected: "text")
    }
    return try locatingProblems(at: location(name), Self.damagedData) {
      var bytes = [UInt8](repeating: 0, count: dataset.space.count * dataset.type.size)
      try bytes.withUnsafeMutableBytes { try dataset.readBytes(0..<(dataset.space.shape.first ?? 1), into: $0) }
      var reader = HDF5Text(source.readBudget())
      return (try reader.texts(bytes, dataset.type, count: dataset.space.count), dataset.space.shape)
    }
  }

  /// At least `rows` rows, in whole chunks; at most all rows.
  private func slabRows(_ dataset: HDF5Dataset, atLeast rows: Int) -> Int {
    var chunk = 1
    if case .chunked(let table) = dataset.storage { chunk = table.chunkShape[0] }
    let all = dataset.space.shape[0]
    return min(all, (min(rows, all) + chunk - 1) / chunk * chunk)
  }

  /// Reads rows and converts them; those that need a conversion in runs of about a million elements.
  private func read<Element: ArrayElement>(
    _ dataset: HDF5Dataset, _ name: String, _ rows: Range<Int>, into buffer: UnsafeMutableBufferPointer<Element>,
    on device: Device? = nil
  ) throws {
    let type = dataset.type
    try locatingProblems(at: location(name), Self.damagedData) {
      if NumberDecoder.isStored(type.element, bigEndian: type.isBigEndian, as: Element.self) {
        return try dataset.readBytes(rows, into: UnsafeMutableRawBufferPointer(buffer), on: device)
      }
      guard !buffer.isEmpty else { return }
      let rowSize = buffer.count / rows.count
      let step = dataset.space.shape.isEmpty ? 1 : slabRows(dataset, atLeast: max(1, (1 << 20) / rowSize))
      var bytes = [UInt8](repeating: 0, count: min(step, rows.count) * rowSize * type.size)
      // Runs end at the ends of chunks.
      var start = rows.lowerBound
      while start < rows.upperBound {
        let end = min(rows.upperBound, (start / step + 1) * step)
        let part = UnsafeMutableBufferPointer(
          rebasing: buffer[(start - rows.lowerBound) * rowSize..<(end - rows.lowerBound) * rowSize])
        try bytes.withUnsafeMutableBytes { raw in
          let used = UnsafeMutableRawBufferPointer(rebasing: raw[..<(part.count * type.size)])
          try dataset.readBytes(start..<end, into: used, on: device)
          NumberDecoder.decode(UnsafeRawBufferPointer(used), type.element, bigEndian: type.isBigEndian, into: part)
        }
        start = end
      }
    }
  }
}
