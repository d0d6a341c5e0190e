import Foundation

extension RateDecomposition {
  enum CodingKeys: String, CodingKey {
    case units, latents, samples, seed, estimator, rate, distortion, warnings
    case dataPoints = "data_points"
    case mutualInformation = "mutual_information"
    case totalCorrelation = "total_correlation"
    case dimensionWiseKL = "dimension_wise_kl"
    case klPerDimension = "kl_per_dimension"
    case jointEntropy = "joint_entropy"
    case marginalEntropies = "marginal_entropies"
    case conditionalEntropy = "conditional_entropy"
    case activeUnits = "active_units"
    case meanVariances = "mean_variances"
    case distortionStandardError = "distortion_standard_error"
    case distortionReason = "distortion_reason"
    case dataEntropy = "data_entropy"
    case dataEntropyReason = "data_entropy_reason"
    case informationBounds = "information_bounds"
    case identityResidual = "identity_residual"
    case monteCarloResidual = "monte_carlo_residual"
    case minibatchEstimates = "minibatch_estimates"
    case logDensities = "log_qz"
    case logDensitiesPerDimension = "log_qz_per_dimension"
  }

  /// Writes every field of the contract; what does not apply is null, with its reason beside it.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(units, forKey: .units)
    try container.encode(dataPoints, forKey: .dataPoints)
    try container.encode(latents, forKey: .latents)
    try container.encode(samples, forKey: .samples)
    try container.encode(seed, forKey: .seed)
    try container.encode(estimator, forKey: .estimator)
    try container.encode(rate, forKey: .rate)
    try container.encode(mutualInformation, forKey: .mutualInformation)
    try container.encode(totalCorrelation, forKey: .totalCorrelation)
    try container.encode(dimensionWiseKL, forKey: .dimensionWiseKL)
    try container.encode(klPerDimension, forKey: .klPerDimension)
    try container.encode(jointEntropy, forKey: .jointEntropy)
    try container.encode(marginalEntropies, forKey: .marginalEntropies)
    try container.encode(conditionalEntropy, forKey: .conditionalEntropy)
    try container.encode(activeUnits, forKey: .activeUnits)
    try container.encode(meanVariances, forKey: .meanVariances)
    try container.encode(distortion, forKey: .distortion)
    try container.encodeIfPresent(distortionStandardError, forKey: .distortionStandardError)
    try container.encodeIfPresent(distortionReason, forKey: .distortionReason)
    try container.encode(dataEntropy, forKey: .dataEntropy)
    try container.encodeIfPresent(dataEntropyReason, forKey: .dataEntropyReason)
    try container.encode(informationBounds, forKey: .informationBounds)
    try container.encode(identityResidual, forKey: .identityResidual)
    try container.encode(monteCarloResidual, forKey: .monteCarloResidual)
    try container.encode(minibatchEstimates, forKey: .minibatchEstimates)
    try container.encode(warnings, forKey: .warnings)
    try container.encodeIfPresent(logDensities, forKey: .logDensities)
    try container.encodeIfPresent(logDensitiesPerDimension, forKey: .logDensitiesPerDimension)
  }

  /// The decomposition as JSON: indented, keys in alphabetical order, so that equal results are equal files.
  public func json() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(self), as: UTF8.self)
  }
}

extension RateDecomposition.DimensionWiseKL {
  enum CodingKeys: String, CodingKey {
    case value
    case standardError = "standard_error"
    case perDimension = "per_dimension"
  }

  /// Writes every field; an unknown standard error as null.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(value, forKey: .value)
    try container.encode(standardError, forKey: .standardError)
    try container.encode(perDimension, forKey: .perDimension)
  }
}

extension RateDecomposition.MonteCarloResidual {
  enum CodingKeys: String, CodingKey {
    case value
    case standardError = "standard_error"
    case withinFourStandardErrors = "within_four_standard_errors"
  }

  /// Writes every field; what is not known is null.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(value, forKey: .value)
    try container.encode(standardError, forKey: .standardError)
    try container.encode(withinFourStandardErrors, forKey: .withinFourStandardErrors)
  }
}

extension RateDecomposition.InformationBounds {
  enum CodingKeys: String, CodingKey {
    case lower, upper, ceiling, hold
    case lowerReason = "lower_reason"
  }

  /// Writes every field; a bound that does not hold as null, with its reason.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(lower, forKey: .lower)
    try container.encodeIfPresent(lowerReason, forKey: .lowerReason)
    try container.encode(upper, forKey: .upper)
    try container.encode(ceiling, forKey: .ceiling)
    try container.encode(hold, forKey: .hold)
  }
}
