import ArgumentParser
import Diagnostics
import Experiment
import Foundation
import Logging
import Reports
import Studies

/// What the commands that train runs of a study share.
struct StudyTrainingOptions: ParsableArguments {
  @Flag(help: "Try runs that failed once more.")
  var retry = false

  @Option(
    name: .customLong("from"),
    help: ArgumentHelp(
      """
      Take over runs that were finished under an equal configuration: the folder of another study, of a run, or of \
      several runs. Repeatable.
      """, valueName: "folder"))
  var sources: [String] = []

  @Option(
    help: ArgumentHelp(
      "The lowest level of the messages on standard error; warning and above also hide the progress.",
      valueName: "level"))
  var logLevel = Logger.Level.info
}

struct StudyRunCommand: ComponentCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Train and measure the runs of a study on this machine.",
    discussion: """
      Runs are shared among workers that each use the study's number of threads (threads: 1), as many as there are \
      available cores for. They share one copy of the data. SIGINT (Ctrl-C), SIGTERM and SIGHUP save a checkpoint of \
      each run; the same command continues bit for bit. Runs that fail are noted and not tried again without --retry.
      """)

  @OptionGroup var study: StudyOptions
  @OptionGroup var training: StudyTrainingOptions
  @OptionGroup var scheduler: SchedulerOptions

  @Option(
    help: """
      The number of runs at once (default: as many as there are available cores for; on Slurm one worker for each run that \
      is not finished, at most 1000).
      """)
  var workers: Int?

  func validate() throws {
    if let workers, !(1...1024).contains(workers) {
      throw ValidationError("--workers must be from 1 to 1024, not \(workers)")
    }
  }

  func run(_ components: Components) throws {
    let plan = try study.plan(components)
    if scheduler.printJob {
      // Nothing is made: the folder need not exist.
      let folder = StudyFolder(at: study.folder(of: plan))
      let slurm = SlurmSession(plan: plan, folder: folder, study: study, scheduler: scheduler, terminal: .silent)
      return try StandardStream.output.write(slurm.job(workers: workers, training).script)
    }
    let session = try StudySession(plan, at: study.folder(of: plan), components, study, training)
    guard scheduler.on == .slurm else {
      return try session.work(workers: workers ?? StudySession.workers(for: plan))
    }
    let slurm = SlurmSession(
      plan: plan, folder: session.folder, study: study, scheduler: scheduler, terminal: session.terminal)
    try slurm.run(slurm.job(workers: workers, training))
  }
}

struct StudyWorkCommand: ComponentCommand {
  static let configuration = CommandConfiguration(
    commandName: "work", abstract: "Train and measure runs of a study, one at a time.",
    discussion: """
      One worker, for machines that are given their work by a scheduler: start as many as there is room for, on any \
      machines that share the folder. It ends when no run is left to take.
      """)

  @OptionGroup var study: StudyOptions
  @OptionGroup var training: StudyTrainingOptions

  @Option(help: "How many runs to train at most (default: as many as there are).")
  var limit: Int?

  func validate() throws {
    if let limit, limit < 1 { throw ValidationError("--limit must be at least 1, not \(limit)") }
  }

  func run(_ components: Components) throws {
    let plan = try study.plan(components)
    let session = try StudySession(plan, at: study.folder(of: plan), components, study, training)
    try session.work(workers: 1, limit: limit)
  }
}
