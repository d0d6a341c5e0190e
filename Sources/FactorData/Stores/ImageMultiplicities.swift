import Foundation
import TensorCore

/// How often each image of a data set occurs, and what follows from it.
public struct ImageMultiplicities: Sendable, Equatable {
  /// The number of images, N.
  public let count: Int
  /// The number of images that differ from each other, M.
  public let distinct: Int
  /// The entropy of an image drawn uniformly, in nats: H = log N − (1/N)·Σ_m c_m·log c_m, where c_m is the number of
  /// times that the m-th distinct image occurs.
  public let entropy: Double

  /// Sums up the numbers of times that images occur.
  public init(occurrences: some Sequence<Int>) {
    let counts = occurrences.filter { $0 > 0 }
    count = counts.reduce(0, +)
    distinct = counts.count
    entropy = TensorCore.entropy(ofCounts: counts)
  }

  /// Counts the identical images of a store exactly: images with equal 64-bit hashes are compared byte by byte.
  public init(of store: ImageStore, on device: Device) {
    var hashes = [UInt64](repeating: 0, count: store.count)
    hashes.withUnsafeMutableBufferPointer { hashes in
      device.forEachRange(store.count, grain: 64) { _, range in
        for index in range { hashes[index] = Self.hash(store.bytes(at: index)) }
      }
    }
    self.init(hashes: hashes) { Self.equal(store.bytes(at: $0), store.bytes(at: $1)) }
  }

  /// Counts the identical images of a source exactly: all are read once, and those with equal 64-bit hashes again, to be
  /// compared float by float.
  ///
  /// - Throws: what the source throws.
  init(reading source: some ImageSource, on device: Device) throws {
    let size = source.shape.count
    var hashes = [UInt64](repeating: 0, count: source.count)
    try hashes.withUnsafeMutableBufferPointer { hashes in
      // Each part writes its own elements only.
      nonisolated(unsafe) let hashes = hashes
      try device.forEachPart(source.count, grain: 64) { range in
        var pixels = [Float](repeating: 0, count: size)
        for index in range {
          try source.read(index, into: &pixels)
          hashes[index] = pixels.withUnsafeBytes { Self.hash($0) }
        }
      }
    }
    var first = [Float](repeating: 0, count: size), second = first
    try self.init(hashes: hashes) { a, b in
      try source.read(a, into: &first)
      try source.read(b, into: &second)
      return first.withUnsafeBytes { first in second.withUnsafeBytes { Self.equal(first, $0) } }
    }
  }

  /// Counts images by their hashes, asking whether two images are equal only where their hashes are.
  private init(hashes: [UInt64], areEqual: (_ a: Int, _ b: Int) throws -> Bool) rethrows {
    let order = Self.sorted(hashes)
    var occurrences: [Int] = []
    var first = 0
    while first < order.count {
      var end = first + 1
      while end < order.count, hashes[order[end]] == hashes[order[first]] { end += 1 }
      // Nearly always one group; more only where hashes collide.
      var groups = [(representative: order[first], size: 1)]
      for position in first + 1..<end {
        let index = order[position]
        if let group = try groups.firstIndex(where: { try areEqual($0.representative, index) }) {
          groups[group].size += 1
        } else {
          groups.append((index, 1))
        }
      }
      occurrences.append(contentsOf: groups.map(\.size))
      first = end
    }
    self.init(occurrences: occurrences)
  }

  private static func equal(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Bool {
    guard let first = a.baseAddress, let second = b.baseAddress else { return a.count == b.count }
    return a.count == b.count && memcmp(first, second, a.count) == 0
  }

  /// Indices in the order of their hashes.
  private static func sorted(_ hashes: [UInt64]) -> [Int] {
    // A counting sort by the top bits leaves runs of a few elements.
    let bits = 16
    var starts = [Int](repeating: 0, count: 1 << bits + 1)
    for hash in hashes { starts[Int(hash >> (64 - UInt64(bits))) + 1] += 1 }
    for bucket in 1..<starts.count { starts[bucket] += starts[bucket - 1] }
    var next = starts
    var order = [Int](repeating: 0, count: hashes.count)
    for (index, hash) in hashes.enumerated() {
      let bucket = Int(hash >> (64 - UInt64(bits)))
      order[next[bucket]] = index
      next[bucket] += 1
    }
    for bucket in 0..<1 << bits where starts[bucket + 1] - starts[bucket] > 1 {
      order[starts[bucket]..<starts[bucket + 1]].sort { (hashes[$0], $0) < (hashes[$1], $1) }
    }
    return order
  }

  /// A 64-bit hash: multiply and fold, word by word, in two lanes.
  private static func hash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    func fold(_ state: UInt64, _ word: UInt64) -> UInt64 {
      let product = (state ^ word).multipliedFullWidth(by: 0x9e37_79b9_7f4a_7c15)
      return product.high ^ product.low &+ 0x2545_f491_4f6c_dd1d
    }
    var even: UInt64 = 0x243f_6a88_85a3_08d3, odd: UInt64 = 0x1319_8a2e_0370_7344
    var offset = 0
    while offset + 16 <= bytes.count {
      even = fold(even, bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
      odd = fold(odd, bytes.loadUnaligned(fromByteOffset: offset + 8, as: UInt64.self))
      offset += 16
    }
    while offset < bytes.count {
      even = fold(even, UInt64(bytes[offset]))
      offset += 1
    }
    return fold(even, odd)
  }
}

extension ImageSource {
  /// Writes one image as floats in [0, 1].
  ///
  /// - Throws: as ``read(_:into:)``.
  fileprivate func read(_ index: Int, into pixels: inout [Float]) throws {
    try withUnsafePointer(to: index) { index in
      try pixels.withUnsafeMutableBufferPointer { pixels in
        guard let start = pixels.baseAddress else { return }
        try read(UnsafeBufferPointer(start: index, count: 1), into: start)
      }
    }
  }
}
