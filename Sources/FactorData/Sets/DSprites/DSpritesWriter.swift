import Diagnostics
import FileFormats
import TensorCore

extension DSprites {
  /// Writes the images and factors as an HDF5 file in the published layout, on all threads of a device.
  ///
  /// `imgs` uint8 [737280, 64, 64] in deflated chunks (23040, 2, 4); `latents/classes` int64 and `latents/values`
  /// float64, [737280, 6]; names, sizes and values of the factors, design and origin as attributes. The file appears
  /// whole or not at all.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - overwrite: whether a file that is already there is replaced.
  ///   - device: gives the threads.
  ///   - progress: told the part that is done, from 0 to 1, now and then.
  /// - Throws: `StructuredError` when the file cannot be written.
  public func write(
    to path: String, overwrite: Bool = false, on device: Device, progress: (Double) -> Void = { _ in }
  ) throws {
    try AtomicFile.requireWritable(path, overwrite: overwrite)
    let writer = try HDF5Writer()
    let count = DSpritesLayout.chunk[0], level = 6
    let deflated = HDF5Writer.Layout.deflated(chunks: DSpritesLayout.chunk, level: level)
    try writer.create(DSpritesLayout.images, UInt8.self, shape: [Self.count, 64, 64], layout: deflated)
    let encoders = try (0..<device.threads).map { _ in
      guard let encoder = ZlibEncoder(level: level) else { throw StructuredError("there is not enough memory") }
      return encoder
    }
    for block in 0..<Self.count / count {
      progress(Double(block * count) / Double(Self.count))
      var streams = [[UInt8]](repeating: [], count: 512)
      try streams.withUnsafeMutableBufferPointer { streams in
        // Each item writes its own elements only.
        nonisolated(unsafe) let streams = streams
        try device.forEachItem(512) { worker, item in
          let elements = chunk(block * count, rows: item / 16 * 2, columns: item % 16 * 4)
          streams[item] = elements.withUnsafeBytes { encoders[worker].encode($0) }
        }
      }
      for (item, stream) in streams.enumerated() {
        try writer.writeRawChunk(DSpritesLayout.images, stream, at: [block * count, item / 16 * 2, item % 16 * 4])
      }
    }
    try writeTables(to: writer)
    try writer.save(to: path, overwrite: overwrite)
    progress(1)
  }

  /// The pixels of a chunk, two rows of four columns as one word per image.
  private func chunk(_ first: Int, rows: Int, columns: Int) -> [UInt64] {
    let source = store.rows(at: first) + rows
    return BitPacking.expansion.withUnsafeBufferPointer { expansion in
      (0..<DSpritesLayout.chunk[0]).map { image in
        let upper = source[image * 64] >> UInt64(columns) & 15, lower = source[image * 64 + 1] >> UInt64(columns) & 15
        return expansion[Int(upper | lower << 4)]
      }
    }
  }

  private func writeTables(to writer: HDF5Writer) throws {
    let columns = DSpritesLayout.columns, values = DSpritesLayout.values
    let space = try FactorSpace(columns)
    let shape = [Self.count, columns.count]
    let layout = HDF5Writer.Layout.deflated(chunks: [23_040, columns.count], level: 4)
    var classes = [Int](repeating: 0, count: Self.count * columns.count)
    for index in 0..<Self.count {
      for column in columns.indices { classes[index * columns.count + column] = space.value(of: column, at: index) }
    }
    try writer.write("latents/classes", classes, shape: shape, layout: layout)
    let table = classes.enumerated().map { values[$0.offset % columns.count][$0.element] }
    try writer.write("latents/values", table, shape: shape, layout: layout)

    try writer.setAttribute("title", "dSprites, drawn by Disentangle")
    try writer.setAttribute("origin", "rendered by Disentangle; not a copy of the published file")
    try writer.setAttribute(
      "design",
      "Matthey, Higgins, Hassabis, Lerchner 2017: dSprites, https://github.com/deepmind/dsprites-dataset")
    try writer.setAttribute("latents_names", columns.map(\.name))
    try writer.setAttribute("latents_sizes", columns.map(\.size))
    for (column, values) in zip(columns, values) {
      try writer.setAttribute("latents_possible_values_\(column.name)", values)
    }
  }
}
