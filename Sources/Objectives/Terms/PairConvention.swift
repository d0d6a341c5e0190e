import StrictConfiguration

/// How the pairs of weakly supervised objectives are made, by name.
///
/// | name | k, the number of factors that change | new values | also known as |
/// |---|---|---|---|
/// | `paper` | `changed`, or uniform on 1 … F − 1 | differ from the old | `uniform_fixed` of disentangling-correlated-factors |
/// | `simple-dynamics` | the same, then 1 with probability ½ | any | disentanglement_lib; `locatello` of disentangling-correlated-factors |
/// | `uniform` | `changed`, or uniform on 1 … F − 1 | any | `uniform` of disentangling-correlated-factors |
struct PairConvention: StrictlyDecodable, Sendable {
  /// The names.
  enum Name: String, CaseIterable, Sendable {
    case paper
    case simpleDynamics = "simple-dynamics"
    case uniform
  }

  var name = Name.paper
  /// k; nil for uniform on 1 … F − 1.
  var changed: Int?

  init() {}

  /// Reads `convention` and `changed`.
  init(from section: inout ConfigurationSection) throws {
    name = try section.choice("convention", default: name)
    changed = try section.optional("changed") { try $0.integer($1, in: .atLeast(1)) }
  }

  /// What a batch must hold.
  var request: PairRequest {
    switch name {
    case .paper: PairRequest(changedFactors: changed.map { .fixed($0) } ?? .uniform, valuesDiffer: true)
    case .simpleDynamics:
      PairRequest(changedFactors: changed.map { .fixedOrOne($0) } ?? .uniformOrOne, valuesDiffer: false)
    case .uniform: PairRequest(changedFactors: changed.map { .fixed($0) } ?? .uniform, valuesDiffer: false)
    }
  }
}

/// What objectives that train on pairs have in common.
struct PairSettings: Sendable {
  /// Weight of the rate.
  let beta: Schedule
  /// How posteriors are averaged.
  let averaging: PosteriorAveraging
  /// How pairs are made.
  let convention: PairConvention

  /// Reads `beta`, with more than one way of averaging `variance`, what `own` reads, and the section `pairs`.
  ///
  /// - Parameters:
  ///   - section: the objective's.
  ///   - averagings: the ways of averaging that there are, the default first.
  ///   - own: reads the objective's own keys.
  init(
    from section: inout ConfigurationSection, _ averagings: [PosteriorAveraging],
    own: (inout ConfigurationSection) throws -> Void
  ) throws {
    beta = try section.schedule("beta", default: 1, in: .atLeast(0))
    if averagings.count == 1 {
      averaging = averagings[0]
    } else {
      let name = try section.choice("variance", among: averagings.map(\.rawValue), default: averagings[0].rawValue)
      averaging = averagings.first { $0.rawValue == name } ?? averagings[0]
    }
    try own(&section)
    convention = try section.section("pairs")
  }

  /// What a batch must hold.
  var batch: BatchRequest { BatchRequest(pairs: convention.request) }
}
