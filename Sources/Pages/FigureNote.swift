import Figures

/// A figure's title and caption, and the name of its files in `figures/`.
public struct FigureNote: Sendable, Equatable, Codable {
  /// The name of its files, without extension.
  public var name: String
  /// What it shows.
  public var title: String
  /// What a reader should know.
  public var caption: String

  package init(_ figure: Figure) { (name, title, caption) = (figure.name, figure.title, figure.caption) }
}
