import Diagnostics
import FileFormats
import TensorCore

/// Images and, where there are any, factors from any HDF5 or NPZ file.
///
/// Images are [N, H, W] or [N, H, W, C], of type uint8 (divided by 255, unless all pixels are 0 or 1; a largest pixel
/// of 2 is taken for a mistake), bool, or floating point in [0, 1]. Factors are whole numbers from 0, [N, K] or [N], and −1
/// where a value is unknown; each has as many values as its largest says. Continuous factors, floating-point numbers, are put
/// into bins (``FactorBinning``). The attributes `names` and `kinds` of the array of factors (`ordered`, `cyclic` or
/// `categorical`) describe them. Memory: one bit per pixel for binary images, one byte for
/// others of uint8, four for floats. ``FactorDataset/convert(to:overwrite:on:progress:)`` writes such files, binary images with
/// eight pixels to the byte.
public struct ImageFile: FactorDataset {
  /// The file's path.
  public let name: String
  /// The images: in memory, or read from the file.
  public let images: any ImageSource
  /// The factors: none where the file has none, a grid where the table is exactly one in its order, or the table.
  public let factors: Factors

  /// The names of the arrays of images that are looked for.
  static let arrays = ["images", "imgs", PackedImages.array]

  /// Reads a file into memory.
  ///
  /// - Parameters:
  ///   - path: an HDF5 or NPZ file.
  ///   - images: the name of the array of images; by default `images`, `imgs` or `packed_images`.
  ///   - factors: the name of the array of factors; by default `factors`, `latents/classes` or `latents_classes`, or none.
  ///   - bins: how continuous factors are put into bins; nil refuses them.
  ///   - device: gives the threads.
  /// - Throws: `StructuredError` when the file or an array is missing, damaged, or not as described above; it names the
  ///   image and the value.
  public init(
    path: String, images: String? = nil, factors: String? = nil, bins: FactorBinning? = nil, on device: Device
  ) throws {
    let file = try openArrayFile(path)
    let reader = try ImageReader(file, Self.imageArray(images, file))
    try self.init(file, reader.read(on: device), factors: factors, bins)
  }

  /// Opens a file whose images would take more than a number of bytes in memory, to read them when they are needed; nil where
  /// they take less, or are floats.
  ///
  /// - Throws: as ``init(path:images:factors:bins:on:)``.
  init?(
    path: String, images: String?, factors: String?, bins: FactorBinning? = nil, largerThan bytes: Int,
    on device: Device
  ) throws {
    let file = try openArrayFile(path)
    let reader = try ImageReader(file, Self.imageArray(images, file))
    guard let onDisk = try reader.imagesOnDisk(largerThan: bytes, on: device) else { return nil }
    try self.init(file, onDisk, factors: factors, bins)
  }

  private init(_ file: any ArrayFile, _ images: any ImageSource, factors: String?, _ bins: FactorBinning?) throws {
    let present = try file.arrayPaths()
    self.images = images
    if let factors = factors ?? ["factors", "latents/classes", "latents_classes"].first(where: present.contains) {
      let table = try FactorTable(file, factors, count: images.count, bins: bins)
      self.factors = table.grid().map(Factors.grid) ?? .table(table)
    } else {
      self.factors = .none
    }
    name = file.path
  }

  private static func imageArray(_ name: String?, _ file: any ArrayFile) throws -> String {
    let present = try file.arrayPaths()
    return name ?? arrays.first(where: present.contains) ?? arrays[0]
  }
}

/// The array of binary images of which eight pixels make a byte.
enum PackedImages {
  /// Its name.
  static let array = "packed_images"
  /// The attribute of the file with the extents of an image.
  static let shape = "image_shape"
  /// The attribute of the file that says what the pixels are, so that nobody need look at all of them.
  static let pixels = "pixels"
}

/// Reads an array of images into a store of the smallest format that holds them.
private struct ImageReader {
  private let file: any ArrayFile
  private let array: String
  private let count: Int
  private let shape: ImageShape
  private let isFloatingPoint: Bool
  private let isPacked: Bool

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
    isPacked = array == PackedImages.array
    switch about.type {
    case .integer(bits: 8, signed: false), .boolean: isFloatingPoint = false
    case .floatingPoint: isFloatingPoint = true
    default:
      throw StructuredError(
        "the array holds \(about.type)", at: location, expected: "uint8, bool or floating-point numbers in [0, 1]")
    }
    count = about.shape[0]
    guard isPacked else {
      shape = ImageShape(height: about.shape[1], width: about.shape[2], channels: about.shape.dropFirst(3).first ?? 1)
      return
    }
    let extents = (file.strings(ofAttribute: PackedImages.shape, of: "/") ?? []).compactMap { Int($0) }
    guard extents.count == 3, extents.allSatisfy({ $0 > 0 }), !isFloatingPoint, about.shape.count == 3,
      extents[0] == about.shape[1], about.shape[2] == (saturatingProduct(extents[1], extents[2]) - 1) / 8 + 1
    else {
      throw StructuredError(
        "the array of shape \(about.shape) holds eight pixels to the byte, and the attribute \"\(PackedImages.shape)\" of the "
          + "file does not fit it", at: location, expected: "height, width and channels of an image")
    }
    shape = ImageShape(height: extents[0], width: extents[1], channels: extents[2])
  }

  /// The images to be read from the file; nil where they take at most so many bytes in memory, or are floats.
  func imagesOnDisk(largerThan bytes: Int, on device: Device) throws -> ArrayImages? {
    let packed = saturatingProduct(count, ImageStore.bytes(of: shape, .bits))
    guard !isFloatingPoint, (isPacked ? packed : saturatingProduct(count, shape.count)) > bytes else { return nil }
    var format = isPacked ? PixelFormat.bits : .bytes
    if !isPacked, file.strings(ofAttribute: PackedImages.pixels, of: "/") != ["bytes"] {
      format = try hasBinaryPixels(on: device) ? .bits : .bytes
      if format == .bits, packed <= bytes { return nil }
    }
    return try ArrayImages(file, array, count: count, shape: shape, format: format, isPacked: isPacked)
  }

  /// Whether no pixel is above 1; reading ends at the first that is above 2.
  private func hasBinaryPixels(on device: Device) throws -> Bool {
    var brightest = Brightest()
    struct Enough: Error {}
    do {
      try file.forEachSlab(of: array, as: UInt8.self, rows: rows, on: device) { range, pixels in
        brightest.add(pixels, range.lowerBound, shape)
        if brightest.value > 2 { throw Enough() }
      }
    } catch is Enough { return false }
    try brightest.check(at: location)
    return brightest.value <= 1
  }

  /// The brightest pixel, and the first image with one above 1.
  private struct Brightest {
    private(set) var value: UInt8 = 0
    private var stray: Int?

    mutating func add(_ pixels: UnsafeMutableBufferPointer<UInt8>, _ first: Int, _ shape: ImageShape) {
      for pixel in pixels { value = max(value, pixel) }
      if stray == nil, value > 1, let position = pixels.firstIndex(where: { $0 > 1 }) {
        stray = first + position / shape.count
      }
    }

    /// Nothing reaches one per cent of 255: such images were meant to be binary.
    func check(at location: String) throws {
      guard value < 3, let stray else { return }
      throw StructuredError(
        "image \(stray) has a pixel of value \(value), and no pixel is brighter", at: location,
        expected: "0 and 1 throughout, or intensities up to 255")
    }
  }

  func read(on device: Device) throws -> ImageStore {
    if isPacked {
      return try ImageStore(
        loading: ArrayImages(file, array, count: count, shape: shape, format: .bits, isPacked: true), on: device)
    }
    if let binary = try readBinary(on: device) { return binary }
    let store = try ImageStore(count: count, shape: shape, format: isFloatingPoint ? .floats : .bytes)
    if isFloatingPoint {
      try file.forEachSlab(of: array, as: Float.self, rows: rows, on: device) { range, pixels in
        for (position, value) in pixels.enumerated() where !(value >= 0 && value <= 1) {
          throw StructuredError(
            "image \(range.lowerBound + position / shape.count) has a pixel of value \(value)", at: location,
            expected: "numbers in [0, 1]")
        }
        store.fill(range, UnsafeRawBufferPointer(pixels))
      }
    } else {
      var brightest = Brightest()
      try file.forEachSlab(of: array, as: UInt8.self, rows: rows, on: device) { range, pixels in
        brightest.add(pixels, range.lowerBound, shape)
        store.fill(range, UnsafeRawBufferPointer(pixels))
      }
      try brightest.check(at: location)
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
        try file.forEachSlab(of: array, as: Float.self, rows: rows, on: device) { range, pixels in
          bytes.removeAll(keepingCapacity: true)
          for value in pixels {
            guard value == 0 || value == 1 else { throw NotBinary() }
            bytes.append(value == 0 ? 0 : 1)
          }
          _ = store.pack(bytes, range, on: device)
        }
      } else {
        try file.forEachSlab(of: array, as: UInt8.self, rows: rows, on: device) { range, pixels in
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
