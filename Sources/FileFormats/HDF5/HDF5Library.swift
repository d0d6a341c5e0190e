import CHDF5
import Diagnostics
import Synchronization

/// What the HDF5 library needs, which writes our files: the lock, the error stack, and identifiers that close
/// themselves.
enum HDF5Library {
  /// The library keeps its whole state (open files, type tables, error stack) in process-wide variables and the usual
  /// build of it has no locks of its own. So every call is made under this one lock; it guards C state that exists once
  /// per process whatever we do, which is why it is the one constant of this kind in the package.
  private static let lock = Mutex(())

  /// Runs calls of the library, one caller at a time, with printing to standard error switched off.
  static func calling<Result>(_ body: () throws -> Result) rethrows -> Result {
    try lock.withLock { _ in
      H5Eset_auto2(chdf5_default_errors(), nil, nil)
      H5Eclear2(chdf5_default_errors())
      return try body()
    }
  }

  /// An error about a new file or one of its arrays, with the library's reason. Under the library's lock.
  static func error(_ what: String, _ path: String, _ array: String?) -> StructuredError {
    let reason = reason().map { ": \($0)" } ?? ""
    return StructuredError(what + reason, at: array.map { "\(path), array \"\($0)\"" } ?? path)
  }

  /// The library's own reason for the last failure: its innermost message.
  static func reason() -> String? {
    var messages: [String] = []
    withUnsafeMutablePointer(to: &messages) { pointer in
      _ = H5Ewalk2(
        chdf5_default_errors(), H5E_WALK_UPWARD,
        { _, entry, context in
          guard let text = entry?.pointee.desc, let context else { return 0 }
          context.assumingMemoryBound(to: [String].self).pointee.append(String(cString: text))
          return 0
        }, pointer)
    }
    return messages.first { !$0.isEmpty }
  }
}

/// An HDF5 identifier that is closed when its owner lets go of it. Use only under ``HDF5Library/calling(_:)``.
struct HDF5Identifier: ~Copyable {
  let id: hid_t
  private let close: @convention(c) (hid_t) -> herr_t

  /// Takes over an identifier that a call returned; nil when the call failed.
  init?(_ id: hid_t, closedBy close: @convention(c) (hid_t) -> herr_t) {
    guard id >= 0 else { return nil }
    self.id = id
    self.close = close
  }

  deinit { _ = close(id) }
}
