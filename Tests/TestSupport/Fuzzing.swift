import Diagnostics
import Foundation
import Synchronization
import TensorCore

/// Gives readers many changed files, and counts what they make of them.
///
/// A crash ends the test program and leaves the file that it met in the temporary folder (`fuzz-…`). How many files
/// there are says `DISENTANGLE_FUZZ_FILES`; without it they are few enough for every run of the tests.
public struct Fuzzing: Sendable {
  /// What became of the files.
  public struct Outcome: Sendable, CustomStringConvertible {
    /// Files that were read.
    public var values = 0
    /// Files that were refused.
    public var refused = 0
    /// Files that led to something else, with what it was.
    public var others: [String] = []
    /// The longest time that a file took, in seconds, and which it was.
    public var slowest = (seconds: 0.0, file: 0)

    /// The numbers of files.
    public var description: String { "\(values + refused) files: \(values) read, \(refused) refused" }
  }

  /// A reader that returned something that cannot be right.
  public struct Wrong: Error, CustomStringConvertible {
    /// What it was.
    public let description: String

    /// Says what it was.
    public init(_ description: String) { self.description = description }
  }

  /// The number of files.
  public let count: Int
  /// Whether the number was asked for, so that the peak of memory is that of fuzzing alone.
  public let isFull: Bool

  /// - Parameters:
  ///   - few: the number of files in every run of the tests.
  ///   - share: the part of the files that are asked for.
  public init(few: Int, share: Double) {
    let asked = ProcessInfo.processInfo.environment["DISENTANGLE_FUZZ_FILES"].flatMap { Int($0) }
    (count, isFull) = (asked.map { max(1, Int(Double($0) * share)) } ?? few, asked != nil)
  }

  /// Where the random numbers of all changes begin: `DISENTANGLE_FUZZ_SEED`, by default 1.
  public static var seed: UInt64 {
    ProcessInfo.processInfo.environment["DISENTANGLE_FUZZ_SEED"].flatMap { UInt64($0) } ?? 1
  }

  /// Runs `read` on changed files, on two threads.
  ///
  /// A corpus of which `read` refuses every file unchanged is an error: what is refused for one mistake in all of them
  /// shows nothing about the changes.
  ///
  /// - Parameters:
  ///   - name: of the format, for the report and the stream of random numbers.
  ///   - corpus: sound files, of which each gets its part.
  ///   - isSound: whether `read` must read at least one of them unchanged.
  ///   - read: reads the file at a path and throws what the readers throw.
  public func run(
    _ name: String, _ corpus: [FileMutator], isSound: Bool = true,
    read: @escaping @Sendable (_ path: String) throws -> Void
  ) throws -> Outcome {
    let count = count, outcome = Mutex(Outcome()), seed = RandomStream(seed: Self.seed).split("fuzz \(name)")
    let folder = FileManager.default.fileExists(atPath: "/dev/shm") ? "/dev/shm" : NSTemporaryDirectory()
    let original = "\(folder)/fuzz-\(getpid())-\(name)-original"
    defer { unlink(original) }
    let sound = try corpus.filter { file in
      try Data(file.original).write(to: URL(fileURLWithPath: original))
      do { try read(original) } catch is StructuredError { return false }
      return true
    }
    if isSound, sound.isEmpty { throw Wrong("of the unchanged files of \(name), none is read") }
    let group = DispatchGroup()
    for worker in 0..<2 {
      DispatchQueue.global().async(group: group) {
        let path = "\(folder)/fuzz-\(getpid())-\(name)-\(worker)"
        defer { unlink(path) }
        for index in stride(from: worker, to: count, by: 2) {
          var random = seed.split("file", index)
          let bytes = corpus[index % corpus.count].mutated(&random)
          let start = ContinuousClock.now
          defer {
            let seconds = (ContinuousClock.now - start) / .seconds(1)
            outcome.withLock { if seconds > $0.slowest.seconds { $0.slowest = (seconds, index) } }
          }
          do {
            guard FileManager.default.createFile(atPath: path, contents: Data(bytes)) else {
              return outcome.withLock { $0.others.append("cannot write \(path)") }
            }
            try read(path)
            outcome.withLock { $0.values += 1 }
          } catch is StructuredError {
            outcome.withLock { $0.refused += 1 }
          } catch {
            outcome.withLock { $0.others.append("file \(index): \(error)") }
          }
        }
      }
    }
    group.wait()
    let result = outcome.withLock { $0 }
    if isFull {
      let slowest = "slowest \(Int(result.slowest.seconds * 1000)) ms (file \(result.slowest.file))"
      print("fuzz \(name): \(result); \(slowest), peak memory \(Self.peakMemory >> 20) MB")
    }
    return result
  }

  /// The peak memory of this process, in bytes; 0 where the system does not say.
  public static var peakMemory: Int {
    let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
    return (line?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0) << 10
  }
}
