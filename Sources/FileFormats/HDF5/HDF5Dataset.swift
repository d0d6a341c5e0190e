import TensorCore

/// An array of an HDF5 file: the contents of its header, and how to read its elements.
struct HDF5Dataset: Sendable {
  /// The storage of the elements.
  enum Storage: Sendable {
    /// In the object header.
    case compact([UInt8])
    /// In one block; the address is nil if nothing was written.
    case contiguous(address: Int?)
    /// In chunks.
    case chunked(HDF5ChunkTable)
  }

  /// The extents.
  let space: HDF5Dataspace
  /// The type of the elements.
  let type: HDF5Datatype
  /// The filters of the chunks.
  let filters: HDF5Filters
  /// The bytes of an element that was never written; empty for 0.
  let fill: [UInt8]
  /// The storage of the elements.
  let storage: Storage

  private let source: HDF5Source

  /// Reads an array's header and the table of its chunks.
  init(_ header: HDF5ObjectHeader, _ budget: HDF5ReadBudget) throws {
    source = budget.source
    space = try HDF5Dataspace(try header.requiredBody(.dataspace, "shape", budget))
    type = try HDF5Datatype(try header.requiredBody(.datatype, "type", budget))
    filters = try header.body(.filters, budget).map { try HDF5Filters($0) } ?? HDF5Filters()
    // The size of a row of an empty array must not overflow either.
    guard checkedProduct(space.shape.map { max(1, $0) } + [type.size]) != nil else {
      throw HDF5Problem.damaged("the array has the impossible shape \(space.shape)")
    }
    if try header.body(.externalFiles, budget) != nil {
      throw HDF5Problem.unsupported("the array's data are in other files", action: HDF5Problem.repack)
    }
    fill = try Self.fill(header, size: type.size, budget)
    storage = try Self.storage(
      try header.requiredBody(.layout, "layout", budget), space: space, elementSize: type.size, budget)
  }

  private static func fill(_ header: HDF5ObjectHeader, size: Int, _ budget: HDF5ReadBudget) throws -> [UInt8] {
    var value: ArraySlice<UInt8> = []
    if var fields = try header.body(.fillValue, budget) {
      let version = try fields.expect(1...3)
      var isDefined = true
      if version == 3 {
        isDefined = try fields.byte() & 32 != 0
      } else {
        try fields.skip(2)
        isDefined = try fields.byte() != 0
      }
      if isDefined { value = try fields.take(try fields.number(4)) }
    } else if var fields = try header.body(.oldFillValue, budget) {
      value = try fields.take(try fields.number(4))
    }
    return value.contains { $0 != 0 } && value.count == size ? Array(value) : []
  }

  private static func storage(
    _ layout: HDF5Fields, space: HDF5Dataspace, elementSize: Int, _ budget: HDF5ReadBudget
  ) throws -> Storage {
    var fields = layout
    let bytes = space.count * elementSize
    let version = try fields.byte()
    guard (3...5).contains(version) else {
      throw HDF5Problem.unsupported("the array has a layout of version \(version)", action: HDF5Problem.repack)
    }
    switch try fields.byte() {
    case 0:
      let stored = try fields.take(try fields.number(2))
      guard stored.count >= bytes else {
        throw HDF5Problem.damaged("the array of shape \(space.shape) has \(stored.count) bytes")
      }
      return .compact(Array(stored.prefix(bytes)))
    case 1:
      let address = try fields.address(), size = try fields.length()
      guard let address else { return .contiguous(address: nil) }
      guard size >= bytes else {
        throw HDF5Problem.damaged("the array of shape \(space.shape) has \(size) bytes")
      }
      guard budget.source.file.contains(budget.source.base + address, bytes) else {
        throw HDF5Problem.damaged("the array lies beyond the end of the file")
      }
      return .contiguous(address: address)
    case 2 where version == 3:
      let rank = try fields.byte(), address = try fields.address()
      guard rank == space.shape.count + 1 else { throw fields.damaged("has chunks of \(rank - 1) axes") }
      let chunk = try (1..<rank).map { _ in try fields.number(4) }
      guard try fields.number(4) == elementSize else { throw fields.damaged("has elements of another size") }
      var table = try HDF5ChunkTable(shape: space.shape, chunkShape: chunk, elementSize: elementSize)
      if let address { try table.addVersion1Tree(at: address, budget) }
      return .chunked(table)
    case 2: return .chunked(try chunkTable(&fields, space: space, elementSize: elementSize, budget))
    case 3:
      throw HDF5Problem.unsupported("the array is a virtual dataset", action: HDF5Problem.repack)
    case let other: throw fields.damaged("has the unknown kind \(other)")
    }
  }

  /// The chunks of a layout of version 4, which has five kinds of index, or 5, which allows larger chunks.
  private static func chunkTable(
    _ fields: inout HDF5Fields, space: HDF5Dataspace, elementSize: Int, _ budget: HDF5ReadBudget
  ) throws -> HDF5ChunkTable {
    let flags = try fields.byte(), rank = try fields.byte(), width = try fields.byte()
    guard rank == space.shape.count + 1 else { throw fields.damaged("has chunks of \(rank - 1) axes") }
    let chunk = try (1..<rank).map { _ in try fields.number(width) }
    guard try fields.number(width) == elementSize else { throw fields.damaged("has elements of another size") }
    var table = try HDF5ChunkTable(shape: space.shape, chunkShape: chunk, elementSize: elementSize)
    let arrays = HDF5ChunkArrays(table, largest: space.largest, budget)
    switch try fields.expect(1...5, "index") {
    case 1:
      let isFiltered = flags & 2 != 0
      let size = isFiltered ? try fields.length() : table.chunkBytes, mask = isFiltered ? try fields.number(4) : 0
      if let address = try fields.address() {
        try table.add(address, size: size, mask: mask, at: chunk.map { _ in 0 }, budget)
      }
    case 2: if let address = try fields.address() { try arrays.addImplicit(at: address, to: &table) }
    case 3:
      try fields.skip(1)
      if let address = try fields.address() { try arrays.addFixedArray(at: address, to: &table) }
    case 4:
      try fields.skip(5)
      if let address = try fields.address() { try arrays.addExtensibleArray(at: address, to: &table) }
    default:
      try fields.skip(6)
      if let address = try fields.address() { try table.addVersion2Tree(at: address, budget) }
    }
    return table
  }

  /// The number of bytes that the elements take in the file.
  var storedBytes: Int {
    switch storage {
    case .compact(let bytes): bytes.count
    case .contiguous(let address): address == nil ? 0 : space.count * type.size
    // Overlapping chunks count at most as the whole file.
    case .chunked(let table): min(table.storedBytes, source.file.count)
    }
  }

  /// The description of the array.
  var information: ArrayInformation {
    var chunkShape: [Int]?
    if case .chunked(let table) = storage { chunkShape = table.chunkShape }
    return ArrayInformation(
      shape: space.shape, type: type.element, chunkShape: chunkShape, storedBytes: storedBytes, filters: filters.names)
  }

  /// Reads the rows `rows` as stored; a scalar has one row.
  ///
  /// - Parameter device: inflates chunks on its threads; nil for the calling thread alone.
  func readBytes(_ rows: Range<Int>, into output: UnsafeMutableRawBufferPointer, on device: Device? = nil) throws {
    let rowBytes = space.shape.dropFirst().reduce(type.size, *), start = rows.lowerBound * rowBytes
    precondition(output.count == rows.count * rowBytes, "the buffer does not fit the rows")
    guard !output.isEmpty else { return }
    switch storage {
    case .compact(let bytes): output.copyBytes(from: bytes[start..<start + output.count])
    case .contiguous(nil): writeFillValue(to: output)
    case .contiguous(let address?):
      guard source.file.read(into: output, at: source.base + address + start) else {
        throw HDF5Problem.damaged("the array lies beyond the end of the file")
      }
    case .chunked(let table): try readChunks(table, rows, into: output, on: device)
    }
  }

  private func writeFillValue(to output: UnsafeMutableRawBufferPointer) {
    if fill.isEmpty {
      output.initializeMemory(as: UInt8.self, repeating: 0)
    } else {
      for start in stride(from: 0, to: output.count - fill.count + 1, by: fill.count) {
        UnsafeMutableRawBufferPointer(rebasing: output[start..<start + fill.count]).copyBytes(from: fill)
      }
    }
  }

  /// The bytes of a chunk as stored; nil if it was never written.
  func stored(_ number: Int, of table: HDF5ChunkTable) throws -> (bytes: [UInt8], mask: Int)? {
    guard let chunk = table.chunks[number] else { return nil }
    guard let bytes = source.file.bytes(at: source.base + chunk.address, chunk.size) else {
      throw HDF5Problem.damaged("a chunk lies beyond the end of the file")
    }
    return (bytes, chunk.mask)
  }

  private func readChunks(
    _ table: HDF5ChunkTable, _ rows: Range<Int>, into output: UnsafeMutableRawBufferPointer, on device: Device?
  ) throws {
    writeFillValue(to: output)
    let copy = ChunkCopy(shape: space.shape, chunk: table.chunkShape, rows: rows, elementSize: type.size)
    let firstRow = rows.lowerBound / table.chunkShape[0], lastRow = (rows.upperBound - 1) / table.chunkShape[0]
    let chunksInRow = table.grid.dropFirst().reduce(1, *)
    let numbers = firstRow * chunksInRow..<(lastRow + 1) * chunksInRow
    // Chunks do not overlap, so that each thread writes bytes of its own.
    nonisolated(unsafe) let output = output
    func read(_ number: Int, _ decoder: ZlibDecoder) throws {
      guard let (bytes, mask) = try stored(number, of: table) else { return }
      let elements = try filters.decoded(bytes, mask: mask, size: table.chunkBytes, decoder)
      elements.withUnsafeBytes { copy.copy($0, chunk: number, grid: table.grid, into: output) }
    }
    let decoders = try (0..<(numbers.count > 1 ? device?.threads ?? 1 : 1)).map { _ in
      guard let decoder = ZlibDecoder() else { throw HDF5Problem.damaged("there is not enough memory") }
      return decoder
    }
    guard let device, numbers.count > 1 else { return try numbers.forEach { try read($0, decoders[0]) } }
    try device.forEachItem(numbers.count) { worker, item in
      try read(numbers.lowerBound + item, decoders[worker])
    }
  }
}

/// Copies chunks into rows of an array.
private struct ChunkCopy {
  /// The extents of the array and of a chunk; the last axis is that of an element's bytes.
  private let shape: [Int], chunk: [Int]
  private let rows: Range<Int>
  /// The number of axes of the array.
  private let rank: Int

  init(shape: [Int], chunk: [Int], rows: Range<Int>, elementSize: Int) {
    rank = shape.count
    (self.shape, self.chunk, self.rows) = (shape + [elementSize], chunk + [elementSize], rows)
  }

  func copy(
    _ elements: UnsafeRawBufferPointer, chunk number: Int, grid: [Int], into output: UnsafeMutableRawBufferPointer
  ) {
    guard let from = elements.baseAddress, let to = output.baseAddress else { return }
    // The first element of the chunk, and the part of the chunk that lies in the rows.
    var rest = number, first = [Int](repeating: 0, count: rank + 1), low = first, high = chunk
    for axis in (0..<rank).reversed() {
      first[axis] = rest % grid[axis] * chunk[axis]
      rest /= grid[axis]
      high[axis] = min(chunk[axis], shape[axis] - first[axis])
    }
    (low[0], high[0]) = (max(0, rows.lowerBound - first[0]), min(high[0], rows.upperBound - first[0]))
    first[0] -= rows.lowerBound
    // Axes that the chunk spans completely are merged with the preceding axes into longer runs.
    var run = rank, length = chunk[rank]
    var fromStride = [Int](repeating: 1, count: rank + 1), toStride = fromStride
    for axis in (0..<rank).reversed() {
      fromStride[axis] = fromStride[axis + 1] * chunk[axis + 1]
      toStride[axis] = toStride[axis + 1] * shape[axis + 1]
    }
    while run > 0 {
      run -= 1
      length = (high[run] - low[run]) * fromStride[run]
      guard low[run] == 0, high[run] == chunk[run], chunk[run] == shape[run] else { break }
    }
    var place = low, source = 0, target = 0
    for axis in 0...run {
      source += low[axis] * fromStride[axis]
      target += (first[axis] + low[axis]) * toStride[axis]
    }
    while true {
      (to + target).copyMemory(from: from + source, byteCount: length)
      var axis = run - 1
      while axis >= 0 {
        place[axis] += 1
        source += fromStride[axis]
        target += toStride[axis]
        if place[axis] < high[axis] { break }
        source -= (high[axis] - low[axis]) * fromStride[axis]
        target -= (high[axis] - low[axis]) * toStride[axis]
        place[axis] = low[axis]
        axis -= 1
      }
      if axis < 0 { return }
    }
  }
}
