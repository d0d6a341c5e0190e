import TensorCore

/// An entry of the data-set registry.
public struct DatasetEntry: Sendable {
  /// What a configuration calls it.
  public let name: String
  /// One line about it.
  public let summary: String
  /// Where it was published.
  public let paper: String
  /// Opens it.
  public let open: @Sendable (_ source: DatasetSource, _ device: Device) throws -> any FactorDataset

  /// Every data set.
  public static let all: [DatasetEntry] = [
    DatasetEntry(name: "dsprites", summary: "dSprites", paper: "Matthey et al. 2017") { _, device in
      try DSprites(renderedOn: device)
    }
  ]
}

/// Where.
public struct DatasetSource: Sendable {
  /// Path.
  public var path: String?
  /// Images.
  public var images: String?
  /// Factors.
  public var factors: String?
  /// Init.
  public init(path: String? = nil, images: String? = nil, factors: String? = nil) {
    (self.path, self.images, self.factors) = (path, images, factors)
  }
}
