import Diagnostics
import Foundation
import TensorCore

/// What the benchmarks of one invocation share: a device, its peak, a peer, the rows measured so far.
final class Bench {
  let options: BenchmarkOptions
  let device: Device
  /// What the device's multiply-adds reach at best, in floating-point operations per second. Measured first, and again
  /// after each row, since something else may have been running.
  private(set) var peak: Double
  let peer: Peer?
  private var rows: [Row] = []

  private struct Machine: Encodable {
    var processor: String
    var threads: Int
    var kernels: String
    var openblasCore: String
    var peakGigaflops: Double
    var peer: String?
  }
  private let machine: Machine

  init(_ options: BenchmarkOptions) throws {
    self.options = options
    device = Device(threads: options.threads)
    peak = device.measuredPeak()
    peer = try options.peer.map { [device] in try Peer(command: $0, threads: device.threads) }
    machine = Machine(
      processor: Self.processor, threads: device.threads, kernels: "\(device.level)", openblasCore: Device.blasCore,
      peakGigaflops: peak * 1e-9, peer: peer?.introduction)
    guard !options.json else { return }
    say(
      "\(machine.processor), \(device.threads) threads, \(device.level) kernels, OpenBLAS \(Device.blasCore), "
        + "multiply-add peak \(fixed(peak * 1e-9, 0)) GFLOP/s")
    say(peer.map { "peer: \($0.introduction), tuned malloc" } ?? "no peer: rows have no ratio (--peer COMMAND)")
  }

  /// Measures work in rounds, in which we and each of the peer's modes take turns.
  ///
  /// - Parameters:
  ///   - name: the row.
  ///   - count: repetitions in a round.
  ///   - request: the same work for the peer, for one repetition; nil where it has none.
  ///   - modes: the peer's modes; by default those of the command line.
  ///   - work: the work, `count` times over; called once before for warming up.
  /// - Returns: the row, which the caller may add to before it is given to ``add(_:)``.
  func alternate(
    _ name: String, count: Int, request: Peer.Request?, modes: [String]? = nil, _ work: () throws -> [Double]
  ) throws -> Row {
    _ = try work()
    var row = Row(name: name, series: Series())
    var modes = request == nil || peer == nil ? [] : modes ?? options.mode
    var series = [String: Series]()
    for round in 0...options.rounds {
      for mode in modes {
        guard var request, let peer else { break }
        request.mode = mode
        request.count = count
        do {
          let seconds = try peer.time(request)
          if round > 0 { series[mode, default: Series()].seconds += seconds }  // the first warms up
        } catch let error as StructuredError {
          row.notes.append("\(mode): \(error.what)")
          modes.removeAll { $0 == mode }
        }
      }
      if round > 0 { row.series.seconds += try work() }
    }
    row.comparisons = modes.compactMap { mode in
      series[mode].map { Row.Comparison(mode: mode, series: $0, ratio: $0.median / row.series.median) }
    }
    return row
  }

  /// Measures work whose memory counts in rounds, each in a process of its own that does nothing else: in ours memory that
  /// an earlier row has held would count as well.
  ///
  /// - Parameters:
  ///   - name: the row.
  ///   - arguments: the work, as ``AloneBenchmark`` names it.
  ///   - request: the same work for the peer, and what to call it; nil where it has none.
  func apart(_ name: String, _ arguments: [String], request: (Peer.Request, mode: String)? = nil) throws -> Row {
    var rounds: [AloneBenchmark.Result] = []
    var row = Row(name: name, series: Series())
    var compared = Series()
    for _ in 0..<min(3, options.rounds) {
      if let request, let peer { compared.seconds += try peer.time(request.0) }
      rounds.append(try AloneBenchmark.run(arguments, threads: device.threads))
    }
    row.series.seconds = rounds.flatMap(\.seconds)
    for (name, value) in rounds.flatMap(\.figures) { row.figures[name] = max(row.figures[name] ?? value, value) }
    if let request, !compared.seconds.isEmpty {
      row.comparisons = [
        Row.Comparison(mode: request.mode, series: compared, ratio: compared.median / row.series.median)
      ]
    }
    return row
  }

  /// Takes a finished row, and prints it unless all rows are to come as JSON.
  func add(_ row: Row) {
    rows.append(row)
    peak = max(peak, device.measuredPeak(attempts: 3))
    if !options.json { say(row.text(peak: peak)) }
  }

  /// Ends the report.
  func finish() {
    guard options.json else { return }
    struct Report: Encodable {
      var machine: Machine
      var rows: [Row]
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    var machine = machine
    machine.peakGigaflops = peak * 1e-9
    let report = Report(machine: machine, rows: rows)
    if let json = try? encoder.encode(report) { say(String(decoding: json, as: UTF8.self)) }
  }

  /// The processor's name, as the system gives it.
  private static var processor: String {
    let lines = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8))?.split(separator: "\n") ?? []
    let name = lines.first { $0.hasPrefix("model name") }?.split(separator: ":").last
    return name?.trimmingCharacters(in: .whitespaces) ?? "processor"
  }
}

/// Prints a line at once, also into a pipe.
func say(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }

/// The largest amount of memory this process has held, in bytes.
func peakMemory() -> Int { memory("VmHWM") }

/// Of the memory this process holds now, what is program code that the system maps from files, in bytes.
func mappedMemory() -> Int { memory("RssFile") }

/// The memory this process holds now, in bytes.
func residentMemory() -> Int { memory("VmRSS") }

private func memory(_ field: String) -> Int {
  let lines = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8))?.split(separator: "\n") ?? []
  let words = (lines.first { $0.hasPrefix(field + ":") } ?? "").split { $0 == " " || $0 == "\t" }
  return (words.count > 1 ? Int(words[1]) ?? 0 : 0) * 1024
}
