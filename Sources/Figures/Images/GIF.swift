import CGIF
import Diagnostics
import Foundation

/// An animation that repeats forever.
package struct GIF {
  /// At most 256 colours.
  package let palette: [Color]
  /// The frames, `[height · width]` each, as places in the palette.
  package let frames: [[UInt8]]
  /// Width in pixels.
  package let width: Int
  /// Height in pixels.
  package let height: Int
  /// How long a frame is shown, in hundredths of a second.
  package let delay: Int

  /// Describes an animation.
  package init(palette: [Color], frames: [[UInt8]], width: Int, height: Int, delay: Int) {
    (self.palette, self.frames, self.width, self.height, self.delay) = (palette, frames, width, height, delay)
  }

  /// The bytes of the file.
  ///
  /// - Throws: `StructuredError` if giflib refuses, as more than 65,535 pixels a side.
  package func data() throws -> Data {
    guard (1...65535).contains(width), (1...65535).contains(height) else {
      throw StructuredError("an animation of \(width) × \(height) pixels cannot be written")
    }
    let output = Output()
    var status: Int32 = 0
    let write: OutputFunc = { file, bytes, count in
      guard let file, let bytes, let data = file.pointee.UserData else { return 0 }
      Unmanaged<Output>.fromOpaque(data).takeUnretainedValue().data.append(bytes, count: Int(count))
      return count
    }
    guard let file = EGifOpen(Unmanaged.passUnretained(output).toOpaque(), write, &status) else {
      throw Self.failure(status)
    }
    var isOpen = true
    defer { if isOpen { EGifCloseFile(file, nil) } }
    func check(_ result: Int32) throws { if result == GIF_ERROR { throw Self.failure(file.pointee.Error) } }

    let colors = (0..<256).map { index in
      let word = index < palette.count ? palette[index].word : 0
      return GifColorType(Red: UInt8(word >> 16 & 255), Green: UInt8(word >> 8 & 255), Blue: UInt8(word & 255))
    }
    let map = GifMakeMapObject(256, colors)
    defer { GifFreeMapObject(map) }
    EGifSetGifVersion(file, true)
    try check(EGifPutScreenDesc(file, Int32(width), Int32(height), 8, 0, map))
    // The Netscape extension: repeat without end.
    try check(EGifPutExtensionLeader(file, APPLICATION_EXT_FUNC_CODE))
    try check(EGifPutExtensionBlock(file, 11, Array("NETSCAPE2.0".utf8)))
    try check(EGifPutExtensionBlock(file, 3, [1, 0, 0] as [UInt8]))
    try check(EGifPutExtensionTrailer(file))
    for frame in frames {
      var control = GraphicsControlBlock(
        DisposalMode: DISPOSE_DO_NOT, UserInputFlag: false, DelayTime: Int32(delay), TransparentColor: -1)
      var bytes = [UInt8](repeating: 0, count: 4)
      let count = EGifGCBToExtension(&control, &bytes)
      try check(EGifPutExtension(file, GRAPHICS_EXT_FUNC_CODE, Int32(count), bytes))
      try check(EGifPutImageDesc(file, 0, 0, Int32(width), Int32(height), false, nil))
      var frame = frame
      for y in 0..<height {
        try frame.withUnsafeMutableBufferPointer { pixels in
          try check(EGifPutLine(file, pixels.baseAddress! + y * width, Int32(width)))
        }
      }
    }
    isOpen = false
    guard EGifCloseFile(file, &status) != GIF_ERROR else { throw Self.failure(status) }
    return output.data
  }

  private final class Output {
    var data = Data()
  }

  private static func failure(_ status: Int32) -> StructuredError {
    let reason = GifErrorString(status).map { String(cString: $0) } ?? "unknown reason"
    return StructuredError("the animation cannot be written: \(reason)")
  }
}
