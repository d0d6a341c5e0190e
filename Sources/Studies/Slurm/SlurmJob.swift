import Diagnostics
import FileFormats
import Foundation

/// An array job of workers on a study, for Slurm.
///
/// Every task of the array is one worker (`disentangle study work`): which runs it takes is decided by claims in the folder
/// of the study, not by its number. So tasks may begin, end, be preempted and be requeued in any order.
public struct SlurmJob: Sendable {
  /// What the person who submits decides.
  public struct Request: Sendable {
    /// The partition; nil for the cluster's default.
    public var partition: String?
    /// The time limit as sbatch takes it; nil for the partition's.
    public var time: String?
    /// The number of workers.
    public var workers: Int
    /// How many of them run at once at most; nil for as many as there is room for.
    public var arrayLimit: Int?
    /// Further options of sbatch, each one word.
    public var options: [String]

    /// Gathers the wishes.
    public init(
      partition: String? = nil, time: String? = nil, workers: Int, arrayLimit: Int? = nil, options: [String] = []
    ) {
      (self.partition, self.time, self.workers) = (partition, time, workers)
      (self.arrayLimit, self.options) = (arrayLimit, options)
    }
  }

  /// Seconds before the time limit at which a worker is asked to save its run.
  private static let notice = 120

  private let study: StudyConfiguration
  private let request: Request
  private let command: [String]
  private let log: String

  /// Describes a job.
  ///
  /// - Parameters:
  ///   - study: whose number of threads a worker has.
  ///   - request: how many workers, and where.
  ///   - command: what a worker runs, with absolute paths.
  ///   - log: the folder of its messages, an absolute path.
  public init(_ study: StudyConfiguration, _ request: Request, command: [String], log: String) {
    (self.study, self.request, self.command, self.log) = (study, request, command, log)
  }

  /// The script of the job. Its comments say what each part does, so that it can be changed for other schedulers.
  public var script: String {
    var lines = ["#!/bin/sh", "# Workers on the study \(study.name). Any number of them may run, on any machines."]
    func option(_ text: String) { lines.append("#SBATCH \(text)") }
    option("--job-name=\(study.name)")
    option("--array=1-\(request.workers)" + (request.arrayLimit.map { "%\($0)" } ?? ""))
    option("--ntasks=1")
    option("--cpus-per-task=\(study.threads)")
    option("--output=\(log)/%A_%a.log")
    option("--open-mode=append")
    option("--requeue")
    if let partition = request.partition { option("--partition=\(partition)") }
    if let time = request.time {
      option("--time=\(time)")
      // Before the limit, so that there is time to save.
      option("--signal=B:USR1@\(Self.notice)")
    }
    for other in request.options { option(other) }
    lines += [
      "", "# The worker runs in the background, so that the shell can pass SIGTERM on: it saves a checkpoint then.",
      "\(command.map(Self.quoted).joined(separator: " ")) &", "worker=$! again=",
      "# SIGTERM: the job is cancelled, or preempted, and Slurm queues it again by itself.",
      "trap 'kill -TERM \"$worker\" 2>/dev/null' TERM",
      "# SIGUSR1: the time limit is near. The rest of the work is for the same task, queued again.",
      "trap 'again=1; kill -TERM \"$worker\" 2>/dev/null' USR1",
      "# A signal ends the wait, but not the worker.",
      "wait \"$worker\"; code=$?", "while kill -0 \"$worker\" 2>/dev/null; do wait \"$worker\"; code=$?; done",
      "wait \"$worker\"; last=$?", "[ \"$last\" -eq 127 ] || code=$last", "",
      "# 143: it was stopped before all runs were finished.",
      "if [ \"$code\" -eq 143 ] && [ -n \"$again\" ]; then",
      "  scontrol requeue \"${SLURM_ARRAY_JOB_ID}_${SLURM_ARRAY_TASK_ID}\" && exit 0", "fi", "exit \"$code\"",
    ]
    return lines.joined(separator: "\n") + "\n"
  }

  /// Submits the job.
  ///
  /// - Returns: its number.
  /// - Throws: `StructuredError` if there is no sbatch, or it refuses the job.
  public func submit() throws -> String {
    let output = try Slurm.run("sbatch", ["--parsable"], input: script)
    // "123" or "123;cluster".
    guard let number = output.split(whereSeparator: { ";\n".contains($0) }).first, number.allSatisfy(\.isNumber) else {
      throw StructuredError("sbatch did not say the number of the job: \(output.prefix(200))", at: "sbatch")
    }
    return String(number)
  }

  /// A word for the shell.
  static func quoted(_ word: String) -> String {
    let isPlain =
      !word.isEmpty && word.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "_-./=:,%+@".contains($0)) }
    return isPlain ? word : "'\(word.replacingOccurrences(of: "'", with: "'\\''"))'"
  }
}

/// Slurm's commands.
public enum Slurm {
  /// How many tasks of a job are in each state, as `RUNNING` and `PENDING`; none once it has ended.
  ///
  /// - Throws: `StructuredError` if squeue fails.
  public static func states(of job: String) throws -> [String: Int] {
    let output: String
    do {
      output = try run("squeue", ["--noheader", "--array", "--jobs", job, "--format", "%T"])
    } catch let error as StructuredError where error.what.contains("Invalid job id") {
      // Forgotten some minutes after its end.
      return [:]
    }
    return output.split(separator: "\n").reduce(into: [:]) {
      $0[$1.trimmingCharacters(in: .whitespaces), default: 0] += 1
    }
  }

  /// Cancels a job: its workers save their runs and end.
  ///
  /// - Throws: `StructuredError` if scancel fails.
  public static func cancel(_ job: String) throws {
    // Pending tasks first, so that none begins while others end; the signal reaches the shells of the others.
    _ = try run("scancel", ["--state=PENDING", job])
    _ = try run("scancel", [job])
  }

  /// Runs one of Slurm's commands.
  ///
  /// - Returns: its standard output.
  /// - Throws: `StructuredError` if there is no such command, or with what it says if it fails.
  static func run(_ name: String, _ arguments: [String], input: String = "") throws -> String {
    let process = Process(), output = Pipe(), errors = Pipe(), source = Pipe()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [name] + arguments
    (process.standardOutput, process.standardError, process.standardInput) = (output, errors, source)
    do { try process.run() } catch {
      throw StructuredError("the command cannot be run", at: name)
    }
    try? source.fileHandleForWriting.write(contentsOf: Data(input.utf8))
    try? source.fileHandleForWriting.close()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    let said = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      let reason = said.trimmingCharacters(in: .whitespacesAndNewlines)
      throw StructuredError(
        process.terminationStatus == 127 ? "there is no such command" : "the command failed: \(reason)", at: name,
        expected: process.terminationStatus == 127 ? "a machine from which Slurm jobs are submitted" : nil,
        action: process.terminationStatus == 127 ? "Leave out --on slurm, or print the script with --print-job." : nil)
    }
    return text
  }
}
