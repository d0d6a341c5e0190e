import ArgumentParser
import Diagnostics
import Experiment
import FileFormats
import Foundation
import Reports
import Studies

/// Where the runs of a study are trained.
enum StudyPlace: String, ExpressibleByArgument, CaseIterable { case here, slurm }

/// What is said of a job.
struct SchedulerOptions: ParsableArguments {
  @Option(help: "Where to train: here, or as an array job of Slurm.")
  var on = StudyPlace.here

  @Option(help: "Slurm's partition (default: the cluster's).")
  var partition: String?

  @Option(help: "The time limit of a worker, as sbatch takes it, for example 4:00:00 (default: the partition's).")
  var time: String?

  @Option(help: "How many workers of the array run at once at most (default: as many as there is room for).")
  var arrayLimit: Int?

  @Option(
    name: .customLong("sbatch"),
    help: ArgumentHelp("A further option of sbatch, for example --sbatch=--mem=4G. Repeatable.", valueName: "option"))
  var options: [String] = []

  @Flag(help: "Print the job's script instead of submitting it, for other schedulers.")
  var printJob = false

  @Flag(help: "Submit the job and return at once.")
  var detach = false

  func validate() throws {
    if let arrayLimit, arrayLimit < 1 { throw ValidationError("--array-limit must be at least 1, not \(arrayLimit)") }
    for (name, value) in [("--partition", partition), ("--time", time)] + options.map({ ("--sbatch", $0) }) {
      // They become lines of a script.
      if let value, value.isEmpty || value.contains(where: { $0.isNewline || $0.isWhitespace }) {
        throw ValidationError("\(name) must be one word, not '\(value.escapingControls())'")
      }
    }
  }
}

/// A study as an array job of Slurm.
struct SlurmSession {
  let plan: StudyPlan
  let folder: StudyFolder
  let study: StudyOptions
  let scheduler: SchedulerOptions
  let terminal: ProgressTerminal

  /// The job, with as many workers as there are runs to train, or as asked for.
  func job(workers: Int?, _ training: StudyTrainingOptions) -> SlurmJob {
    let left = plan.runs.filter { !folder.isFinished($0.digest) }.count
    let count = workers ?? min(max(1, left), 1000)
    func absolute(_ path: String) -> String {
      path.hasPrefix("/") ? path : PathParts.join(FileManager.default.currentDirectoryPath, path)
    }
    let program = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? "disentangle"
    // Configurations are named relative to the folder in which the study is read.
    let work = [
      "/usr/bin/env", "--chdir=\(FileManager.default.currentDirectoryPath)", program, "study", "work",
      absolute(study.study), "--output", absolute(folder.path), "--patience", "\(study.patience)", "--log-level",
      "warning",
    ]
    return SlurmJob(
      plan.study,
      .init(
        partition: scheduler.partition, time: scheduler.time, workers: count, arrayLimit: scheduler.arrayLimit,
        options: scheduler.options),
      command: work + (training.retry ? ["--retry"] : []) + training.sources.flatMap { ["--from", absolute($0)] },
      log: absolute(PathParts.join(folder.path, "slurm")))
  }

  /// Submits the job and follows it to its end.
  ///
  /// - Throws: `ExitCode` 1 if not all runs are finished then.
  func run(_ job: SlurmJob) throws {
    let log = PathParts.join(folder.path, "slurm")
    try FolderMaking.makeFolder(log, what: "cannot create the folder of the job's messages", at: folder.path)
    let number = try job.submit()
    try AtomicFile.write(Data((number + "\n").utf8), to: PathParts.join(log, "job"))
    announce("Submitted job \(number); its messages are in \(log). Cancel it: disentangle study cancel \(study.study)")
    if scheduler.detach { return }
    announce("Ctrl-C stops following; the job goes on.")
    var last = ""
    while true {
      let states = try Slurm.states(of: number)
      let status = StudyStatus(of: plan, in: folder, patience: study.patience)
      let workers = states.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key.lowercased())" }
      let line = "\(status.summary); workers: \(workers.isEmpty ? "none" : workers.joined(separator: ", "))"
      if line != last { terminal.write(line + "\n") }
      last = line
      if states.isEmpty { break }
      Thread.sleep(forTimeInterval: 5)
    }
    let status = StudyStatus(of: plan, in: folder, patience: study.patience)
    announce(status.summary)
    if !status.isComplete { throw ExitCode(1) }
  }
}

struct StudyCancelCommand: ComponentCommand {
  static let configuration = CommandConfiguration(
    commandName: "cancel", abstract: "Cancel the Slurm job of a study.",
    discussion: "Its workers save their runs and end; `study run` continues them.")

  @OptionGroup var study: StudyOptions

  func run(_ components: Components) throws {
    let plan = try study.plan(components)
    let folder = try StudyFolder(reading: study.folder(of: plan))
    let file = PathParts.join(folder.path, "slurm/job")
    guard let text = try? String(contentsOfFile: file, encoding: .utf8),
      case let number = text.trimmingCharacters(in: .whitespacesAndNewlines), !number.isEmpty,
      number.allSatisfy({ $0.isASCII && $0.isNumber })
    else { throw StructuredError("no job of this study was submitted", at: file) }
    try Slurm.cancel(number)
    announce("Cancelled job \(number).")
  }
}
