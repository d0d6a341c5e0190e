import FactorData
import TensorCore

/// Binary noise images, without blank regions that kernels could skip.
struct NoiseImages: FactorDataset {
  let name = "noise"
  let images: any ImageSource
  let factors = Factors.none

  /// 4096 images of 64 × 64 pixels, about half of them 1.
  init() throws {
    let store = try ImageStore(count: 4_096, shape: ImageShape(height: 64, width: 64, channels: 1), format: .bits)
    var stream = RandomStream(seed: 0)
    for image in 0..<store.count {
      let rows = store.rows(at: image)
      for word in 0..<store.shape.height * store.wordsPerRow { rows[word] = stream.next() }
    }
    images = store
  }
}
