import FactorData
import TensorCore

/// Binary noise images, without blank regions that kernels could skip.
struct NoiseImages: FactorDataset {
  let name = "noise"
  let images: ImageStore
  let factors: [Factor] = []
  let factorSpace: FactorSpace? = nil

  /// 4096 images of 64 × 64 pixels, about half of them 1.
  init() throws {
    images = try ImageStore(count: 4_096, shape: ImageShape(height: 64, width: 64, channels: 1), format: .bits)
    var stream = RandomStream(seed: 0)
    for image in 0..<images.count {
      let rows = images.rows(at: image)
      for word in 0..<images.shape.height * images.wordsPerRow { rows[word] = stream.next() }
    }
  }

  func factors(at index: Int) -> [Int] { [] }
}
