import ArgumentParser
import Diagnostics
import Experiment
import StrictConfiguration
import Studies

struct StudyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "study",
    abstract: "Train, measure and analyse many runs.",
    discussion: """
      STUDY is a YAML file:

        name: strengths
        configuration: configs/beta-vae.yaml
        set: [training.steps=4000]
        variants:
          - name: beta-vae
            axes: [{key: objective.beta, values: [1, 4, 16]}]
          - name: factor-vae
            set: ["objective={name: factor-vae}"]
            axes: [{key: objective.gamma, log_range: {from: 1, to: 100, count: 3}}]
        seeds: {from: 1, count: 4}
        measure: {metrics: {preset: fast, metrics: [mig, dci]}}

      The folder of the study, by default runs/NAME, alone says how far it has come. A study that was interrupted or killed \
      continues with the same command. Any number of machines that share the folder can work on it at once.
      """,
    subcommands: [
      StudyPlanCommand.self, StudyRunCommand.self, StudyWorkCommand.self, StudyStatusCommand.self,
      StudyCancelCommand.self, StudyPresetCommand.self, StudyReportCommand.self, StudyExportCommand.self,
      StudyIndexCommand.self, StudyQueryCommand.self, StudyNotebookCommand.self,
    ])
}

extension StudyPlan {
  /// "1 thread each".
  var threadsEach: String { "\(study.threads) \(study.threads == 1 ? "thread" : "threads") each" }
}

/// The study that a command is about.
struct StudyOptions: ParsableArguments {
  @Argument(help: "The study, a YAML file.", completion: .file(extensions: ["yaml", "yml"]))
  var study: String

  @Option(name: .shortAndLong, help: "The folder of the study (default: runs/NAME, from the name of the study).")
  var output: String?

  @Option(
    help: ArgumentHelp(
      """
      Seconds without a sign of life after which a run is taken over from a process on another machine or in another \
      container (default: 300).
      """, valueName: "seconds"))
  var patience = 300.0

  func validate() throws {
    guard patience >= 60, patience <= 1e7 else { throw ValidationError("--patience must be from 60 to 10000000") }
  }

  /// Resolves every run.
  func plan(_ components: Components) throws -> StudyPlan {
    try StudyPlan(ConfigurationDocument(path: study), components: components)
  }

  /// Where the study is, or will be.
  func folder(of plan: StudyPlan) -> String { output ?? "runs/\(plan.study.name)" }
}
