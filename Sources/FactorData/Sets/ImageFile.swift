import Diagnostics
import FileFormats
import TensorCore

/// Images and, where there are any, factors from any HDF5 or NPZ file.
///
/// Images are [N, H, W] or [N, H, W, C], of type uint8 (divided by 255, unless all pixels are 0 or 1; a largest pixel
/// of 2 is taken for a mistake), bool, or floating point in [0, 1]. Factors are whole numbers from 0, [N, K] or [N], and −1
/// where a value is unknown; each has as many values as its largest says. The attributes `names` and `kinds` of the array of
/// factors (`ordered`, `cyclic` or `categorical`) describe them. Memory: one bit per pixel for binary images, one byte for
/// others of uint8, four for floats.
public struct ImageFile: FactorDataset {
  /// The file's path.
  public let name: String
  /// The images in memory.
  public let store: ImageStore
  /// The factors: none where the file has none, a grid where the table is exactly one in its order, or the table.
  public let factors: Factors

  /// The images.
  public var images: any ImageSource { store }

  /// Reads a file.
  ///
  /// - Parameters:
  ///   - path: an HDF5 or NPZ file.
  ///   - images: the name of the array of images; by default `images` or `imgs`.
  ///   - factors: the name of the array of factors; by default `factors`, `latents/classes` or `latents_classes`, or none.
  ///   - device: gives the threads.
  /// - Throws: `StructuredError` when the file or an array is missing, damaged, or not as described above; it names the
  ///   image and the value.
  public init(path: String, images: String? = nil, factors: String? = nil, on device: Device) throws {
    let file = try openArrayFile(path)
    let present = try file.arrayPaths()
    let imageArray = images ?? ["images", "imgs"].first(where: present.contains) ?? "images"
    store = try ImageReader(file, imageArray).read(on: device)
    if let factors = factors ?? ["factors", "latents/classes", "latents_classes"].first(where: present.contains) {
      let table = try FactorTable(file, factors, count: store.count)
      self.factors = table.grid().map(Factors.grid) ?? .table(table)
    } else {
      self.factors = .none
    }
    name = path
  }
}

/// Reads an array of images into a store of the smallest format that holds them.
private struct ImageReader {
  private let file: any ArrayFile
  private let array: String
  private let count: Int
  private let shape: ImageShape
  private let isFloatingPoint: Bool

  private var location: String { "\(file.path), array \"\(array)\"" }
  /// As many images at a time as make about 16 million pixels.
  private var rows: Int { max(1, (1 << 24) / shape.count) }

  init(_ file: any ArrayFile, _ array: String) throws {
    (self.file, self.array) = (file, array)
    let about = try file.information(array)
    let location = "\(file.path), array \"\(array)\""
    guard about.shape.count == 3 || about.shape.count == 4 else {
      throw StructuredError(
        "the array has shape \(about.shape)", at: location,
        expected: "[N, height, width] or [N, height, width, channels]")
    }
    guard !about.shape.contains(0) else {
      throw StructuredError("the array of shape \(about.shape) is empty", at: location, expected: "at least one image")
    }
    switch about.type {
    case .integer(bits: 8, signed: false), .boolean: isFloatingPoint = false
    case .floatingPoint: isFloatingPoint = true
    default:
      throw StructuredError(
        "the array holds \(about.type)", at: location, expected: "uint8, bool or floating-point numbers in [0, 1]")
    }
    count = about.shape[0]
    shape = ImageShape(height: about.shape[1], width: about.shape[2], channels: about.shape.dropFirst(3).first ?? 1)
  }

  func read(on device: Device) throws -> ImageStore {
    if let binary = try readBinary(on: device) { return binary }
    let store = try ImageStore(count: count, shape: shape, format: isFloatingPoint ? .floats : .bytes)
    if isFloatingPoint {
      try file.forEachSlab(of: array, as: Float.self, rows: rows) { range, pixels in
        for (position, value) in pixels.enumerated() where !(value >= 0 && value <= 1) {
          throw StructuredError(
            "image \(range.lowerBound + position / shape.count) has a pixel of value \(value)", at: location,
            expected: "numbers in [0, 1]")
        }
        store.fill(range, UnsafeRawBufferPointer(pixels))
      }
    } else {
      var brightest: UInt8 = 0, stray: Int?
      try file.forEachSlab(of: array, as: UInt8.self, rows: rows) { range, pixels in
        for value in pixels { brightest = max(brightest, value) }
        if stray == nil, let position = pixels.firstIndex(where: { $0 > 1 }) {
          stray = range.lowerBound + position / shape.count
        }
        store.fill(range, UnsafeRawBufferPointer(pixels))
      }
      // Nothing reaches one per cent of 255: these were meant to be binary.
      if brightest < 3, let stray {
        throw StructuredError(
          "image \(stray) has a pixel of value \(brightest), and no pixel is brighter", at: location,
          expected: "0 and 1 throughout, or intensities up to 255")
      }
    }
    return store
  }

  private struct NotBinary: Error {}

  /// The images as bits; nil as soon as a pixel is neither 0 nor 1.
  private func readBinary(on device: Device) throws -> ImageStore? {
    let store = try ImageStore(count: count, shape: shape, format: .bits)
    do {
      if isFloatingPoint {
        var bytes: [UInt8] = []
        try file.forEachSlab(of: array, as: Float.self, rows: rows) { range, pixels in
          bytes.removeAll(keepingCapacity: true)
          for value in pixels {
            guard value == 0 || value == 1 else { throw NotBinary() }
            bytes.append(value == 0 ? 0 : 1)
          }
          _ = store.pack(bytes, range, on: device)
        }
      } else {
        try file.forEachSlab(of: array, as: UInt8.self, rows: rows) { range, pixels in
          guard let start = pixels.baseAddress, store.pack(start, range, on: device) == nil else { throw NotBinary() }
        }
      }
      return store
    } catch is NotBinary {
      return nil
    }
  }
}

extension ImageStore {
  /// Has images written in the form in which the store holds them.
  ///
  /// - Parameter write: fills the memory of the images `range`.
  /// - Precondition: the format is `bytes` or `floats`.
  func readBytes(_ range: Range<Int>, _ write: (UnsafeMutableRawBufferPointer) throws -> Void) rethrows {
    precondition(format != .bits && range.upperBound <= count)
    try write(
      UnsafeMutableRawBufferPointer(
        start: memory + range.lowerBound * bytesPerImage, count: range.count * bytesPerImage))
  }

  /// Copies images in the form in which the store holds them.
  ///
  /// - Precondition: the format is `bytes` or `floats`, and the bytes are those of the images `range`.
  func fill(_ range: Range<Int>, _ bytes: UnsafeRawBufferPointer) {
    precondition(format != .bits && range.upperBound <= count && bytes.count == range.count * bytesPerImage)
    UnsafeMutableRawBufferPointer(start: memory + range.lowerBound * bytesPerImage, count: bytes.count)
      .copyMemory(from: bytes)
  }
}
