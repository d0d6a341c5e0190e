import Figures
import FileFormats
import Pages

extension FolderKind {
  /// The report of a run, in its short or full form.
  static let report = FolderKind(
    "report", requiredFiles: ["index.html", "report.json", "explorer.html"],
    earlierFiles: figures(
      "decomposition", "latents", "pairwise", "factors", "audit", "likelihood", "training", "reconstructions",
      "traversals-prior", "traversals-posterior", "samples", "interpolations"
    ).union(["report.md", "figures/traversals.gif"]))

  /// A comparison of runs.
  static let comparison = FolderKind(
    "comparison", requiredFiles: ["index.html", "comparison.json"],
    earlierFiles: figures("decomposition", "latents", "training", "likelihood", "rate-distortion")
      .union(["comparison.md"]))

  /// Runs in the plane of rate and distortion.
  static let rateDistortion = FolderKind(
    "rate-distortion study", requiredFiles: ["index.html", "rate-distortion.json"],
    earlierFiles: figures("rate-distortion", "decomposition").union(["rate-distortion.md"]))

  private static func figures(_ names: String...) -> Set<String> { Set(names.flatMap(Figure.fileNames)) }
}
