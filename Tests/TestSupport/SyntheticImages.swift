import Figures
import Foundation

/// Soft discs: image n is `[size, size, channels]`, its disc moving from left to right, values from 0 to 1.
public func discs(_ count: Int, size: Int = 64, channels: Int = 1, softness: Float = 0.5) throws -> ImageStack {
  var values: [Float] = []
  for image in 0..<count {
    let center = Float(size) * (0.25 + 0.5 * Float(image) / Float(max(1, count - 1)))
    for y in 0..<size {
      for x in 0..<size {
        let distance = hypotf(Float(x) + 0.5 - center, Float(y) + 0.5 - Float(size) / 2)
        let level = 1 / (1 + expf((distance - Float(size) / 6) / softness))
        for channel in 0..<channels { values.append(channel == image % channels ? level : 0.3 * level) }
      }
    }
  }
  return try ImageStack(values, count: count, height: size, width: size, channels: channels)
}

/// The parts of a PNG file that tell whether it is one: signature, size from its header, and its last chunk.
public func pngSize(_ data: Data) -> (width: Int, height: Int)? {
  let bytes = [UInt8](data)
  guard bytes.count > 45, Array(bytes[0..<8]) == [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A],
    Array(bytes[12..<16]) == Array("IHDR".utf8),
    Array(bytes[(bytes.count - 8)..<(bytes.count - 4)]) == Array("IEND".utf8)
  else { return nil }
  func number(_ at: Int) -> Int { bytes[at..<(at + 4)].reduce(0) { $0 << 8 | Int($1) } }
  return (number(16), number(20))
}
