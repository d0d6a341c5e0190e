import Diagnostics
import FileFormats
import TensorCore

extension FactorDataset {
  /// Writes images and factors into an HDF5 or NPZ file from which they can be read at random, as the data set `file` does.
  ///
  /// `images` uint8 [N, height, width, channels], neither compressed nor in chunks; or of binary images `packed_images` uint8
  /// [N, height, ⌈width · channels / 8⌉], the first pixel in the lowest bit (`numpy.unpackbits(x, axis=-1, bitorder="little")`),
  /// with the extents of an image in the attribute `image_shape`. `factors` int64 [N, K], −1 where unknown, with the attributes
  /// `factor_names` and `factor_kinds` of the file. NPZ has no attributes: there they are arrays. The file appears whole or not at all; a few images are in memory at a time.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - overwrite: whether a file that is already there is replaced.
  ///   - device: gives the threads.
  ///   - progress: told the number of images written so far, now and then.
  /// - Throws: `StructuredError` if the pixels are floats, an image cannot be read or the file cannot be written.
  public func convert(
    to path: String, overwrite: Bool = false, on device: Device, progress: (Int) -> Void = { _ in }
  ) throws {
    guard images.format != .floats else {
      throw StructuredError(
        "the pixels of the data set are floats", at: name, expected: "pixels of 8 bits, or 0 and 1",
        action: "Images that are drawn need no file.")
    }
    guard let format = ArrayFileWriter.Format(path: path) else {
      throw StructuredError(
        "the name does not tell the format of the file", at: path, expected: "a name that ends in .h5 or .npz")
    }
    let shape = imageShape, isPacked = isBinary, line = ArrayImages.packedLine(shape)
    let array = isPacked ? PackedImages.array : ImageFile.arrays[0]
    var contents = ArrayFileContents()
    contents.addArray(
      array, UInt8.self,
      shape: isPacked ? [count, shape.height, line] : [count, shape.height, shape.width, shape.channels])
    func describe(_ name: String, _ texts: [String]) {
      if format == .npz { contents.addTexts(name, texts) } else { contents.setAttribute(name, texts) }
    }
    func describe(_ name: String, _ text: String) {
      if format == .npz { contents.addTexts(name, [text]) } else { contents.setAttribute(name, text) }
    }
    describe(PackedImages.pixels, isPacked ? "bits" : "bytes")
    describe(PackedImages.shape, [shape.height, shape.width, shape.channels].map { "\($0)" })
    describe("source", name)
    if !factors.isEmpty {
      contents.addArray("factors", Int.self, shape: [count, factors.list.count])
      describe("factor_names", factors.names)
      describe("factor_kinds", factors.list.map(\.kind.rawValue))
    }
    try ArrayFileWriter.write(contents, to: path, overwrite: overwrite) { file in
      let columns = factors.list.indices.map { factors.column($0) }
      let source = (images as? any DiskImages) ?? LoadedImages(base: images)
      try source.forEachRun(on: device) { images, pixels in
        if isPacked {
          var packed = [UInt8](repeating: 0, count: images.count * shape.height * line)
          packed.withUnsafeMutableBufferPointer { packed in
            guard let target = packed.baseAddress, let start = pixels.baseAddress else { return }
            for image in 0..<images.count {
              ArrayImages.pack(start + image * shape.count, shape, into: target + image * shape.height * line)
            }
          }
          try file.append(packed, to: array)
        } else {
          try file.append(Array(pixels), to: array)
        }
        if !columns.isEmpty {
          try file.append(images.flatMap { image in columns.map { Int($0[image]) } }, to: "factors")
        }
        progress(images.upperBound)
      }
    }
  }
}

/// Images of 8 bits or of one bit that are not on disk, as bytes.
private struct LoadedImages: DiskImages {
  let base: any ImageSource

  var count: Int { base.count }
  var shape: ImageShape { base.shape }
  var format: PixelFormat { base.format }

  func readBytes(_ indices: UnsafeBufferPointer<Int>, into destination: UnsafeMutablePointer<UInt8>) throws {
    let size = shape.count, scale: Float = format == .bits ? 1 : 255
    try withUnsafeTemporaryAllocation(of: Float.self, capacity: size) { pixels in
      guard let start = pixels.baseAddress else { return }
      for place in indices.indices {
        try base.read(UnsafeBufferPointer(rebasing: indices[place..<place + 1]), into: start)
        for pixel in 0..<size { destination[place * size + pixel] = UInt8((start[pixel] * scale).rounded()) }
      }
    }
  }
}
