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
