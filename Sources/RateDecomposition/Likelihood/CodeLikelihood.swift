/// log p(x|z) of some images as a function of their codes, with its gradient: what a decoder is to the methods that move
/// codes.
public struct CodeLikelihood {
  /// The number of latents, D.
  public let latents: Int
  /// The number of images.
  public let images: Int
  private let evaluation: (_ codes: [Double], _ images: [Int]) throws -> (values: [Double], gradients: [Double])

  /// Takes a function.
  ///
  /// - Parameters:
  ///   - latents: D.
  ///   - images: the number of images.
  ///   - evaluation: log p(x|z) in nats `[rows]` at codes `[rows, D]`, each for the image of the given number, and
  ///     ∂ log p(x|z) / ∂z, `[rows, D]`. Values need not be finite where no code explains an image.
  public init(
    latents: Int, images: Int,
    _ evaluation: @escaping (_ codes: [Double], _ images: [Int]) throws -> (values: [Double], gradients: [Double])
  ) {
    (self.latents, self.images, self.evaluation) = (latents, images, evaluation)
  }

  /// log p(x|z) `[rows]` and its gradients `[rows, D]` at codes `[rows, D]`, each for the image of the given number.
  public func values(_ codes: [Double], _ images: [Int]) throws -> (values: [Double], gradients: [Double]) {
    let result = try evaluation(codes, images)
    precondition(
      result.values.count == images.count && result.gradients.count == codes.count, "one value and one gradient a code")
    return result
  }

  func callAsFunction(_ codes: [Double], _ images: [Int]) throws -> (values: [Double], gradients: [Double]) {
    try values(codes, images)
  }
}
