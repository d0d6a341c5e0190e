import Studies

/// A planned run of a study, as its report uses it.
package struct StudyRun: Sendable {
  /// What a finished run has measured.
  package struct Measured: Sendable {
    /// Every number of the run by its name (`RunResult.values`).
    package var values: [RunResult.Score]
    /// Whether no latent is active.
    package var isCollapsed: Bool
    /// Seconds of training and measuring times threads.
    package var coreSeconds: Double

    package init(values: [RunResult.Score], isCollapsed: Bool = false, coreSeconds: Double = 0) {
      (self.values, self.isCollapsed, self.coreSeconds) = (values, isCollapsed, coreSeconds)
    }
  }

  /// The name of its variant.
  package var objective: String
  /// The strength of the objective.
  package var strength: String
  /// Its values on the axes of all runs, as its data set; empty if there are none.
  package var dataset: String
  /// Its seed.
  package var seed: Int
  /// What tells it from the others.
  package var label: String
  /// As in `StudyTable.Row`.
  package var state: String
  /// What is wrong, if it failed or is unreadable.
  package var error: String?
  /// What it has measured, if it is finished.
  package var measured: Measured?

  package init(
    objective: String, strength: String, dataset: String = "", seed: Int, state: String = "finished",
    error: String? = nil, measured: Measured?
  ) {
    (self.objective, self.strength, self.dataset, self.seed) = (objective, strength, dataset, seed)
    label = [objective, strength, dataset, "seed \(seed)"].filter { !$0.isEmpty }.joined(separator: ", ")
    (self.state, self.error, self.measured) = (state, error, measured)
  }

  init(_ row: StudyTable.Row) {
    objective = row.run.variant
    strength = row.run.strengthLabel
    dataset = row.run.commonLabel
    seed = row.run.seed
    label = row.run.label
    state = row.state
    error = row.error
    measured = row.result.map { result in
      Measured(
        values: result.values, isCollapsed: result.isCollapsed,
        coreSeconds: result.coreSeconds)
    }
  }
}
