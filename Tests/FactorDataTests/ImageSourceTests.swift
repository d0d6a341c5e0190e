import Diagnostics
import FactorData
import Synchronization
import TensorCore
import Testing

/// Images made on demand: pixel p of image i is (i mod period + p) mod 7 / 7. Reading some images fails.
struct Generated: ImageSource {
  struct OtherError: Error {}

  let count: Int
  let shape: ImageShape
  var format = PixelFormat.floats
  var period = Int.max
  var failing: Set<Int> = []
  var failsOtherwise = false

  static func pixel(_ p: Int, of image: Int, period: Int = .max) -> Float { Float((image % period + p) % 7) / 7 }

  func read(_ indices: UnsafeBufferPointer<Int>, into destination: UnsafeMutablePointer<Float>) throws {
    for (row, index) in indices.enumerated() {
      if failing.contains(index) {
        if failsOtherwise { throw OtherError() }
        throw StructuredError("image \(index) is damaged", at: "generated")
      }
      for p in 0..<shape.count {
        destination[row * shape.count + p] = Self.pixel(p, of: index, period: period)
      }
    }
  }
}

@Suite struct ImageSourceTests {
  private struct Data: FactorDataset {
    let name = "data"
    let images: any ImageSource
    let factors = Factors.none
  }

  private let shape = ImageShape(height: 3, width: 5)

  @Test("A batch is read on any number of threads, in order", arguments: [1, 3]) func batch(threads: Int) throws {
    let data = Data(images: Generated(count: 50, shape: shape)), indices = (0..<37).map { $0 * 11 % 50 }
    let tensor = try data.batch(indices, on: Device(threads: threads))
    #expect(tensor.shape.dimensions == [37, 3, 5, 1])
    #expect(tensor.elements == indices.flatMap { i in (0..<15).map { Generated.pixel($0, of: i) } })
    var pixels = [Float](repeating: -1, count: 30)
    try data.read([7, 2], into: &pixels)
    #expect(pixels == [7, 2].flatMap { i in (0..<15).map { Generated.pixel($0, of: i) } })
    #expect(!data.isBinary && data.images.memoryBytes == 0)
  }

  @Test("The error of the first part that failed surfaces as it was thrown", arguments: [1, 4])
  func failure(threads: Int) throws {
    let device = Device(threads: threads)
    var source = Generated(count: 200, shape: shape, failing: [30, 190])
    func error() -> StructuredError? {
      #expect(throws: StructuredError.self) { try Data(images: source).batch(Array(0..<200), on: device) }
    }
    for _ in 0..<20 { #expect(error() == StructuredError("image 30 is damaged", at: "generated")) }
    // Images that can be read still can.
    #expect(try Data(images: source).batch([29, 31], on: device).elements[0] == Generated.pixel(0, of: 29))
    source.failsOtherwise = true
    #expect(error() == StructuredError("the images cannot be read: OtherError()", at: "data"))
    #expect(throws: StructuredError.self) { try Data(images: source).multiplicities(on: device) }
    #expect(throws: StructuredError.self) { try DatasetSummary(of: Data(images: source), on: device) }
  }

  @Test("Identical images are counted exactly, by reading", arguments: [1, 3]) func multiplicities(threads: Int) throws
  {
    let device = Device(threads: threads)
    func expect(_ found: ImageMultiplicities, _ expected: ImageMultiplicities) {
      #expect(found.count == expected.count && found.distinct == expected.distinct)
      // Sums of a few terms in another order.
      #expect(abs(found.entropy - expected.entropy) < 1e-13)
    }
    let source = Generated(count: 103, shape: shape, period: 5)
    expect(
      try Data(images: source).multiplicities(on: device), ImageMultiplicities(occurrences: [21, 21, 21, 20, 20]))
    let store = try ImageStore(count: 64, shape: shape, format: .bits)
    for image in 0..<64 { store.rows(at: image)[1] = UInt64(image % 20) }
    let fromBits = store.imageMultiplicities(on: device)
    struct Unpacked: ImageSource {
      let store: ImageStore
      var count: Int { store.count }
      var shape: ImageShape { store.shape }
      var format: PixelFormat { store.format }
      func read(_ indices: UnsafeBufferPointer<Int>, into destination: UnsafeMutablePointer<Float>) {
        store.read(indices, into: destination)
      }
    }
    #expect(fromBits.distinct == 20)
    expect(try Unpacked(store: store).imageMultiplicities(on: device), fromBits)
    #expect(store.memoryBytes == 64 * 24)
  }
}
