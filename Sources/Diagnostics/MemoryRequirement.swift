/// Memory that a computation takes at least, as far as it follows from sizes that somebody has chosen.
///
/// It is compared with the memory there is before anything of that size is allocated, so that a setting that cannot work is
/// an error with its key instead of a crash:
///
///     try MemoryRequirement(
///       "the densities of all pairs in a batch", bytes: saturatingProduct(batch, batch, latents, 4),
///       at: "training.batch_size", action: "Choose a smaller batch.").check()
///
/// Only what certainly cannot be done is refused: the number of bytes is a lower bound of what the computation takes.
public struct MemoryRequirement: Sendable, Equatable {
  /// What takes the memory, such as "the parameters of the discriminator": the subject of "would take …".
  public let what: String
  /// The number of bytes it takes at least; the largest `Int` for more.
  public let bytes: Int
  /// The key or option that the size follows from.
  public let location: String?
  /// What the user can do.
  public let action: String?

  /// Describes a requirement.
  ///
  /// - Parameters:
  ///   - what: the subject of "would take …".
  ///   - bytes: a lower bound; see ``saturatingProduct(_:)-(Int...)``.
  ///   - location: the key or option that the size follows from.
  ///   - action: what the user can do.
  public init(_ what: String, bytes: Int, at location: String? = nil, action: String? = nil) {
    (self.what, self.bytes, self.location, self.action) = (what, bytes, location, action)
  }

  /// Makes sure that there is so much memory.
  ///
  /// - Parameter memory: how much there is.
  /// - Throws: `StructuredError` with both numbers if there is not.
  public func check(against memory: AvailableMemory = .ofThisProcess) throws(StructuredError) {
    guard bytes > memory.bytes else { return }
    throw StructuredError(
      "\(what) would take \(Self.text(bytes)) of memory", at: location,
      expected: "at most \(Self.text(memory.bytes)), \(memory.source)", action: action)
  }

  /// A number of bytes as text: 512 bytes, 84.2 GB (10⁹ bytes).
  package static func text(_ bytes: Int) -> String {
    if bytes == .max { return "more than 9 EB" }
    if bytes < 1000 { return "\(bytes) bytes" }
    var value = Double(bytes), unit = 0
    let units = ["", "kB", "MB", "GB", "TB", "PB", "EB"]
    while value >= 999.95, unit < units.count - 1 { (value, unit) = (value / 1000, unit + 1) }
    return "\(Format.decimals(value, 1)) \(units[unit])"
  }
}
