import Synchronization

/// An HDF5 file opened for reading.
///
/// The reader is our own, in memory-safe Swift, because files may come from anywhere and the HDF5 library does not
/// survive all of them: whatever the bytes, the outcome is a value or a `StructuredError`, and memory stays in
/// proportion to the file and to what is read of it. It reads superblocks 0–3, both forms of headers, groups, chunk
/// indexes and attributes, numbers (IEEE floating point, whole), truth values and text, and the filters `deflate`,
/// `shuffle`, `fletcher32` and `lzf`; of anything else the error names the feature and what to do. Links out of the file
/// are not followed. Several threads may read at a time.
public final class HDF5File: ArrayFile {
  /// The file's path, as given.
  public let path: String
  let source: HDF5Source
  /// What was read of the file's structure and may be needed again.
  private let known = Mutex(Known())

  private struct Known: Sendable {
    /// The arrays that were asked for, by their names: tables of chunks are long.
    var datasets: [String: HDF5Dataset] = [:]
    /// Groups by their addresses, a few.
    var groups: [Int: HDF5Group] = [:]
  }

  /// The number of links, those that lead to other paths included, that a path may have.
  private static let longestPath = 200

  /// What an error about an array's data begins with.
  static let damagedData = "the data are damaged or truncated"

  /// Opens a file.
  ///
  /// - Throws: `StructuredError` when there is no such file, it is a directory or unreadable, is not HDF5, or is
  ///   truncated.
  public init(reading path: String) throws {
    self.path = path
    source = try HDF5Source(FileBytes(reading: path))
    _ = try locatingProblems(at: path) { try group(at: source.root) }
  }

  /// The names of what a group holds, sorted; empty for a group that is not there.
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
            throw HDF5Problem.unsupported("the file has more than 100,000 arrays", action: HDF5Problem.repack)
          }
          let allowed = min(steps, Self.longestPath)
          var left = allowed
          defer { steps -= allowed - left }
          // Links that lead out of the file, in circles or nowhere are no arrays.
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
  /// - Throws: `StructuredError` when there is no such array; it lists those that there are.
  public func information(_ name: String) throws -> ArrayInformation { try dataset(name).information }

  /// An array, all that its header says checked; its size is one that the file can hold.
  func dataset(_ name: String) throws -> HDF5Dataset {
    if let dataset = known.withLock({ $0.datasets[name] }) { return dataset }
    let found = try locatingProblems(at: location(name)) { () -> HDF5Dataset? in
      guard let address = try address(of: name) else { return nil }
      let budget = source.readBudget(), header = try HDF5ObjectHeader(at: address, budget)
      return header.isArray ? try HDF5Dataset(header, budget) : nil
    }
    guard let found else { throw missing(name) }
    try requirePlausible(found.information, elementSize: found.type.size, name)
    known.withLock { $0.datasets[name] = found }
    return found
  }

  /// The address of the header of what a path names; nil where there is nothing.
  func address(of path: String) throws -> Int? {
    var steps = Self.longestPath
    return try address(of: path, from: source.root, &steps)
  }

  /// The group whose header lies at an address.
  private func group(at address: Int) throws -> HDF5Group {
    if let group = known.withLock({ $0.groups[address] }) { return group }
    let budget = source.readBudget(), group = try HDF5Group(HDF5ObjectHeader(at: address, budget), budget)
    known.withLock {
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

  /// The address of what a link of a group leads to; nil where there is nothing.
  private func follow(
    _ target: HDF5Group.Target, _ path: String, from group: Int, _ steps: inout Int
  ) throws -> Int? {
    steps -= 1
    guard steps >= 0 else { throw HDF5Problem.damaged("the links of \"\(path)\" lead in circles") }
    switch target {
    case .object(let address): return address
    case .path(let other): return try address(of: other, from: group, &steps)
    case .elsewhere:
      throw HDF5Problem.unsupported("\"\(path)\" is a link to another file", action: "Open that file itself.")
    }
  }
}
