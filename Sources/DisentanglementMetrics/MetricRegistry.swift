extension MetricEntry {
  /// Every metric, in the order they are listed.
  public static let all: [MetricEntry] = []
}
