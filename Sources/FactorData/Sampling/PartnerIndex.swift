import Diagnostics
import TensorCore

/// The images of a table by the values that they share, for pairs where the images are not a full grid in order.
///
/// For each set S of factors that may change, the images are sorted by the values of all other factors, so that those which
/// agree in these stand next to each other.
struct PartnerIndex: Sendable {
  /// A set of factors, as bits.
  typealias Mask = UInt64

  /// More sets than anybody draws from.
  static let mostSets = 4_096

  let count: Int
  private let width: Int
  /// The values of the factors that vary, [N, V].
  private let values: [Int32]
  /// The distance of two adjacent values in the number of a combination, [V].
  private let strides: [Int]
  private let redraw: PairSampler.Redraw
  /// The images, sorted for each set.
  private let orders: [Mask: [Int32]]

  /// Sorts the images, which takes O(N·V) for each set.
  ///
  /// - Parameters:
  ///   - table: the factors of the images, all known.
  ///   - varying: the factors that vary.
  ///   - sizes: the numbers of factors that may change in a pair.
  ///   - redraw: how the value of a changed factor is drawn.
  /// - Throws: `StructuredError` where there are too many factors or an image has no partner.
  init(_ table: FactorTable, varying: [Int], changing sizes: [Int], redraw: PairSampler.Redraw) throws {
    let masks = try Self.sets(of: varying.count, sizes: sizes)
    var strides = [Int](repeating: 1, count: varying.count), product = 1
    for position in varying.indices.reversed() {
      strides[position] = product
      let (next, overflow) = product.multipliedReportingOverflow(by: table.factors[varying[position]].size)
      if overflow { throw StructuredError("the grid of the factors has too many combinations for pairs of images") }
      product = next
    }
    try MemoryRequirement(
      "the images sorted by \(masks.count) sets of factors",
      bytes: saturatingProduct(masks.count, table.count, MemoryLayout<Int32>.stride), at: "pairs of images",
      action: "Fix the number of factors that change, with objective.pairs.changed."
    ).check()
    let columns = varying.map(table.column)
    count = table.count
    width = varying.count
    values = (0..<table.count).flatMap { image in columns.map { $0[image] } }
    (self.strides, self.redraw) = (strides, redraw)
    var orders: [Mask: [Int32]] = [:]
    for mask in masks {
      var order = (0..<Int32(table.count)).map { $0 }
      for position in varying.indices.reversed() where mask >> UInt64(position) & 1 == 0 {
        order = Self.sorted(order, by: columns[position], size: table.factors[varying[position]].size)
      }
      orders[mask] = order
    }
    self.orders = orders
    try requirePartners(masks, varying.map { table.factors[$0].name })
  }

  /// The sets with as many elements as one of the sizes says, small ones first.
  private static func sets(of count: Int, sizes: [Int]) throws -> [Mask] {
    var level: [Mask] = [0], all: [Mask] = []
    for size in 1...(sizes.max() ?? 1) {
      // Each set once: elements are added beyond the largest.
      level = level.flatMap { set in
        (Mask.bitWidth - set.leadingZeroBitCount..<count).map { set | 1 << UInt64($0) }
      }
      if sizes.contains(size) { all += level }
      guard count <= Mask.bitWidth, level.count <= mostSets, all.count <= mostSets else {
        throw StructuredError(
          "\(count) factors that vary have too many sets that could change in a pair",
          expected: "at most \(Format.grouped(mostSets)) sets where the images are not a full grid in order",
          action: "Fix the number of factors that change, with objective.pairs.changed, or leave out factors.")
      }
    }
    return all
  }

  /// Images sorted by the value of a factor; equal ones stay in their order.
  private static func sorted(_ images: [Int32], by column: [Int32], size: Int) -> [Int32] {
    var next = [Int](repeating: 0, count: size + 1)
    for value in column { next[Int(value) + 1] += 1 }
    for value in 1...size { next[value] += next[value - 1] }
    var result = [Int32](repeating: 0, count: images.count)
    for image in images {
      let value = Int(column[Int(image)])
      result[next[value]] = image
      next[value] += 1
    }
    return result
  }

  /// The number of the values of the factors outside a set.
  private func key(_ image: Int32, outside mask: Mask) -> Int {
    var key = 0
    for position in 0..<width where mask >> UInt64(position) & 1 == 0 {
      key += Int(values[Int(image) * width + position]) * strides[position]
    }
    return key
  }

  /// The places in the order of a set of the images that agree with one in all other factors; it is one of them.
  private func group(of image: Int, _ order: [Int32], _ mask: Mask) -> Range<Int> {
    let key = key(Int32(image), outside: mask)
    /// The first place whose key is not below.
    func place(_ key: Int) -> Int {
      var low = 0, high = order.count
      while low < high {
        let middle = (low + high) / 2
        if self.key(order[middle], outside: mask) < key { low = middle + 1 } else { high = middle }
      }
      return low
    }
    return place(key)..<place(key + 1)
  }

  /// Whether an image of the group is a partner: another image, or one that differs in all factors of the set.
  private func isPartner(_ other: Int32, of image: Int, _ mask: Mask) -> Bool {
    guard redraw == .otherValue else { return true }
    for position in 0..<width
    where mask >> UInt64(position) & 1 == 1
      && values[Int(other) * width + position] == values[image * width + position]
    { return false }
    return true
  }

  /// An image that differs from another in some factors only, uniform over all such images; nil where there is none.
  ///
  /// By ``PairSampler/Redraw/anyValue`` these are all images that agree in the other factors, the image itself among them,
  /// and there is none if the image is alone.
  func partner(of image: Int, changing mask: Mask, _ stream: inout RandomStream) -> Int? {
    guard let order = orders[mask] else { return nil }
    let group = group(of: image, order, mask)
    guard group.count > 1 else { return nil }
    // Most images of a group are partners as a rule; where they are few, all are looked at.
    for _ in 0..<32 {
      let other = order[group.lowerBound + stream.integer(below: group.count)]
      if isPartner(other, of: image, mask) { return Int(other) }
    }
    let partners = order[group].filter { isPartner($0, of: image, mask) }
    return partners.isEmpty ? nil : Int(partners[stream.integer(below: partners.count)])
  }

  /// Makes sure that each image has a partner for some set.
  private func requirePartners(_ masks: [Mask], _ names: [String]) throws {
    var alone = Array(0..<count)
    for mask in masks where !alone.isEmpty {
      guard let order = orders[mask] else { continue }
      alone = alone.filter { image in
        let group = group(of: image, order, mask)
        return group.count == 1 || !order[group].contains { isPartner($0, of: image, mask) }
      }
    }
    guard let first = alone.first else { return }
    let values = zip(names, values[first * width..<(first + 1) * width]).map { "\($0) \($1)" }
    throw StructuredError(
      "\(Format.grouped(alone.count)) of \(Format.grouped(count)) images have no partner that shares factors with them; "
        + "the first is image \(first), \(values.joined(separator: ", "))",
      expected: "for each image another one that differs in as many factors as change in a pair",
      action: "Let another number of factors change, with objective.pairs.changed, or leave out such images.")
  }
}
