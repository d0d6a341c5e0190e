import Experiment
import FactorData
import FileFormats
import Foundation
import TensorCore
import TestSupport
import Testing

/// Rendering, reading, training and encoding on 1, 2, 3, 8 and 64 threads.
@Suite("Thread counts: data and training") struct ExperimentThreadCountTests {
  /// The parameters after three steps, and the posteriors of all images.
  private func trained(_ objective: String, threads: Int) throws -> (parameters: [Float], codes: [Float]) {
    let settings = try TrainerTests.configuration(objective).value, data = try TinyDataset()
    let trainer = try Trainer(settings, dataset: data, on: Device(threads: threads))
    for _ in 0..<3 { _ = try trainer.advance() }
    let codes = try trainer.model.encode(data, 0..<data.count)
    return (TrainerTests.parameters(trainer), codes.mean + codes.logVariance)
  }

  @Test(
    "Training and encoding: the same bits for one number of threads, the same numbers for all",
    arguments: ["objective: {name: beta-tcvae}", TrainerTests.factor])
  func training(objective: String) throws {
    let alone = try trained(objective, threads: 1)
    for threads in threadCounts {
      let result = try trained(objective, threads: threads), again = try trained(objective, threads: threads)
      // Gradients differ by the rounding of their sums, about 1e-6 of the largest; Adam divides by their size, so that an
      // almost vanishing gradient may move its parameter by the learning rate (1e-3) in either direction at each step.
      #expect(absoluteDifference(result.parameters, alone.parameters) < 6.1e-3, "\(threads) threads")
      #expect(meanDifference(result.parameters, alone.parameters) < 1e-5, "\(threads) threads")
      #expect(meanDifference(result.codes, alone.codes) < 5e-3, "\(threads) threads")
      let isSame = result.parameters == again.parameters && result.codes == again.codes
      #expect(isSame, "\(threads) threads")
    }
  }

  /// mean |a − b|; NaN if anything is not a number.
  private func meanDifference(_ a: [Float], _ b: [Float]) -> Double {
    zip(a, b).reduce(0.0) { $0 + abs(Double($1.0) - Double($1.1)) } / Double(max(a.count, 1))
  }

  @Test("Images of a file in chunks are inflated, packed and counted", arguments: [1, 3, 90])
  func files(count: Int) throws {
    let folder = try TemporaryFolder(), writer = try HDF5Writer()
    var bytes: [UInt8] = []
    for image in 0..<count {
      for pixel in 0..<64 { bytes.append(UInt8(image % 7 * 30 + pixel % 5)) }
    }
    let bits: [UInt8] = bytes.map { $0 & 1 }
    for (name, pixels) in [("bytes", bytes), ("bits", bits)] {
      try writer.write(name, pixels, shape: [count, 8, 8], layout: .deflated(chunks: [2, 8, 8], level: 4))
    }
    try writer.save(to: folder.file("images.h5"))
    for name in ["bytes", "bits"] {
      func read(_ threads: Int) throws -> ([Float], ImageMultiplicities) {
        let device = Device(threads: threads)
        let file = try ImageFile(path: folder.file("images.h5"), images: name, factors: nil, on: device)
        var values = [Float](repeating: -1, count: count * 64)
        try file.read(Array(0..<count), into: &values)
        return (values, try file.images.imageMultiplicities(on: device))
      }
      let alone = try read(1)
      for threads in threadCounts {
        let other = try read(threads)
        let isSame = other.0 == alone.0 && other.1 == alone.1
        #expect(isSame, "\(name), \(threads) threads")
      }
    }
  }

  @Test("Images of dSprites are rendered alike on any number of threads")
  func rendering() throws {
    func checksum(_ threads: Int) throws -> UInt32 {
      let data = try DSprites(renderedOn: Device(threads: threads))
      var pixels = [Float](repeating: -1, count: 180 * 4096)
      try data.read((0..<180).map { $0 * 4096 }, into: &pixels)
      return Checksum.crc32(pixels.withUnsafeBytes { Data($0) })
    }
    let alone = try checksum(1)
    for threads in threadCounts.dropFirst() { #expect(try checksum(threads) == alone, "\(threads) threads") }
  }
}
