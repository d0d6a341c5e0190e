import CHDF5
import Diagnostics
import Synchronization

/// Access to the HDF5 library, which writes files: its lock, its error stack, and identifiers that close themselves.
enum HDF5Library {
  /// The library keeps its state (open files, type tables, error stack) in global variables, and its usual build is not
  /// thread-safe. So every call is made under this lock, which is global because it guards global C state.
  private static let lock = Mutex(())

  /// Runs calls of the library under its lock, without its messages on standard error.
  static func calling<Result>(_ body: () throws -> Result) rethrows -> Result {
    try lock.withLock { _ in
      H5Eset_auto2(chdf5_default_errors(), nil, nil)
      H5Eclear2(chdf5_default_errors())
      return try body()
    }
  }

  /// An error about a new file or one of its arrays, with the library's reason. Call it under the library's lock.
  static func error(_ what: String, _ path: String, _ array: String?) -> StructuredError {
    let reason = reason().map { ": \($0)" } ?? ""
    return StructuredError(what + reason, at: array.map { "\(path), array \"\($0)\"" } ?? path)
  }

  /// The library's reason for the last failure: its innermost message.
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

/// An HDF5 identifier that is closed when it is destroyed. Use only under ``HDF5Library/calling(_:)``.
struct HDF5Identifier: ~Copyable {
  let id: hid_t
  private let close: @convention(c) (hid_t) -> herr_t

  /// Takes ownership of an identifier that a call returned; nil if the call failed.
  init?(_ id: hid_t, closedBy close: @convention(c) (hid_t) -> herr_t) {
    guard id >= 0 else { return nil }
    self.id = id
    self.close = close
  }

  deinit { _ = close(id) }
}
