import Diagnostics
import FactorData
import TensorCore
import TestSupport
import Testing

@Suite struct ImageStoreTests {
  @Test("Bits come out as 0 and 1, whatever the width", arguments: [1, 5, 8, 37, 64, 65, 130])
  func bits(width: Int) throws {
    let shape = ImageShape(height: 2, width: width)
    let store = try ImageStore(count: 3, shape: shape, format: .bits)
    var expected = [Float](repeating: 0, count: 3 * shape.count)
    for image in 0..<3 {
      for y in 0..<2 {
        for x in 0..<width where (x * 7 + y + image) % 3 == 0 {
          store.rows(at: image)[y * store.wordsPerRow + x / 64] |= 1 << UInt64(x % 64)
          expected[image * shape.count + y * width + x] = 1
        }
      }
    }
    var pixels = [Float](repeating: -1, count: 3 * shape.count)
    [0, 1, 2].withUnsafeBufferPointer { store.read($0, into: &pixels) }
    #expect(pixels == expected)
  }

  @Test("The store says what it takes") func sizes() throws {
    let shape = ImageShape(height: 64, width: 64)
    #expect(try ImageStore(count: 2, shape: shape, format: .bits).bytesPerImage == 512)
    #expect(try ImageStore(count: 2, shape: shape, format: .bytes).bytesPerImage == 4096)
    #expect(try ImageStore(count: 2, shape: shape, format: .floats).bytesPerImage == 16_384)
  }

  @Test("More memory than there can be is an error") func tooLarge() {
    let shape = ImageShape(height: 1 << 20, width: 1 << 20)
    #expect(throws: StructuredError.self) { try ImageStore(count: 1 << 30, shape: shape, format: .floats) }
    #expect(throws: StructuredError.self) { try ImageStore(count: 1 << 16, shape: shape, format: .bytes) }
  }
}
