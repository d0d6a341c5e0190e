import Synchronization

/// An HDF5 file opened for reading.
///
/// The reader does not use the HDF5 library, which crashes on some damaged files. Every offset and length is checked:
/// any file gives values or a `StructuredError`, with memory in proportion to the file and to the arrays that are
/// read. It reads superblocks 0–3, both forms of headers, groups, chunk indexes and attributes; numbers (IEEE floating
/// point, whole), booleans and text; and the filters `deflate`, `shuffle`, `fletcher32` and `lzf`. For any other
/// feature the error names the feature and what to do. Links to other files are not followed. Several threads may read
/// at a time.
public final class HDF5File: ArrayFile {
  /// The file's path, as given.
  public let path: String
  let source: HDF5Source
  /// The parts of the file's structure that were read.
  private let cache = Mutex(Cache())

  private struct Cache: Sendable {
    /// The arrays that were read, by name; their tables of chunks may be long.
    var datasets: [String: HDF5Dataset] = [:]
    /// A few groups, by address.
    var groups: [Int: HDF5Group] = [:]
  }

  /// The number of links that a path may follow, soft links included.
  private static let longestPath = 200

  /// The beginning of an error about an array's data.
  static let damagedData = "the data are damaged or truncated"

  /// Opens a file.
  ///
  /// - Throws: `StructuredError` if there is no such file, or it is a directory, unreadable, not HDF5 or truncated.
  public init(reading path: String) throws {
    self.path = path
    source = try HDF5Source(FileBytes(reading: path))
    _ = try locatingProblems(at: path) { try group(at: source.root) }
  }

  /// The names of a group's members, sorted; empty if there is no such group.
  public func names(in group: String = "/") throws -> [String] {
    try locatingProblems(at: path) {
      guard let address = try address(of: group) else { return [] }
      return try self.group(at: address).links.keys.sorted()
    }
  }

  /// The paths of all arrays in the file, sorted, without a leading slash. A group that several names lead to is listed
  /// under one of them.
  public func arrayPaths() throws -> [String] {
    try locatingProblems(at: path) {
      var found: [String] = [], seen: Set<Int> = [], steps = 1_000_000
      func visit(_ group: String, at address: Int, _ header: HDF5ObjectHeader, _ budget: HDF5ReadBudget) throws {
        seen.insert(address)
        for (name, target) in try HDF5Group(header, budget).links.sorted(by: { $0.key < $1.key }) {
          let path = group.isEmpty ? name : "\(group)/\(name)", budget = source.readBudget()
          guard path.utf8.count < 65_536, found.count < 100_000, steps > 0 else {
            throw HDF5Problem.unsupported("the file has too many arrays or links", action: HDF5Problem.repack)
          }
          let allowed = min(steps, Self.longestPath)
          var left = allowed
          defer { steps -= allowed - left }
          // Links to other files, cyclic links and dangling links are skipped.
          guard let address = try? follow(target, path, from: address, &left) else { continue }
          let header = try HDF5ObjectHeader(at: address, budget)
          if header.isArray {
            found.append(path)
          } else if header.isGroup, !seen.contains(address), path.utf8.count(where: { $0 == 0x2f }) < 32 {
            try visit(path, at: address, header, budget)
          }
        }
      }
      let budget = source.readBudget()
      try visit("", at: source.root, HDF5ObjectHeader(at: source.root, budget), budget)
      return found.sorted()
    }
  }

  /// Whether there is an array at a path.
  public func hasArray(_ name: String) -> Bool {
    guard let address = try? address(of: name) else { return false }
    return (try? HDF5ObjectHeader(at: address, source.readBudget()).isArray) ?? false
  }

  /// Describes an array.
  ///
  /// - Throws: `StructuredError` if there is no such array; it lists the arrays of the file.
  public func information(_ name: String) throws -> ArrayInformation { try dataset(name).information }

  /// An array with a checked header, whose size is plausible for the file.
  func dataset(_ name: String) throws -> HDF5Dataset {
    if let dataset = cache.withLock({ $0.datasets[name] }) { return dataset }
    let found = try locatingProblems(at: location(name)) { () -> HDF5Dataset? in
      guard let address = try address(of: name) else { return nil }
      let budget = source.readBudget(), header = try HDF5ObjectHeader(at: address, budget)
      return header.isArray ? try HDF5Dataset(header, budget) : nil
    }
    guard let found else { throw missing(name) }
    try requirePlausible(found.information, elementSize: found.type.size, name)
    cache.withLock { $0.datasets[name] = found }
    return found
  }

  /// The address of the header of the object at a path; nil if there is none.
  func address(of path: String) throws -> Int? {
    var steps = Self.longestPath
    return try address(of: path, from: source.root, &steps)
  }

  /// The group whose header is at an address.
  private func group(at address: Int) throws -> HDF5Group {
    if let group = cache.withLock({ $0.groups[address] }) { return group }
    let budget = source.readBudget(), group = try HDF5Group(HDF5ObjectHeader(at: address, budget), budget)
    cache.withLock {
      if $0.groups.count >= 16 { $0.groups.removeAll() }
      $0.groups[address] = group
    }
    return group
  }

  private func address(of path: String, from group: Int, _ steps: inout Int) throws -> Int? {
    var at = path.hasPrefix("/") ? source.root : group
    for name in path.split(separator: "/") where name != "." {
      guard let target = try self.group(at: at).links[String(name)],
        let address = try follow(target, path, from: at, &steps)
      else { return nil }
      at = address
    }
    return at
  }

  /// The address of the object that a link of a group refers to; nil if there is none.
  private func follow(
    _ target: HDF5Group.Target, _ path: String, from group: Int, _ steps: inout Int
  ) throws -> Int? {
    steps -= 1
    guard steps >= 0 else { throw HDF5Problem.damaged("the links of \"\(path)\" form a cycle") }
    switch target {
    case .object(let address): return address
    case .path(let other): return try address(of: other, from: group, &steps)
    case .external:
      throw HDF5Problem.unsupported("\"\(path)\" is a link to another file", action: "Open that file itself.")
    }
  }
}
