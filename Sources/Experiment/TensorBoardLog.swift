import FileFormats
import Foundation

/// A TensorBoard event file: the rows of `metrics.jsonl` as scalars, and pictures, appended as training goes.
///
/// Each event carries `wall_time`, the seconds since 1970 at which it was written; TensorBoard shows it as the time of a
/// point. It is the only thing in the file that two runs of one configuration need not share (besides the speed that is
/// measured), and nothing else reads it. On resuming, ``truncate(path:afterStep:)`` drops the events that the
/// checkpoint does not know of, so that no step is there twice.
///
/// The messages are those of TensorFlow's event.proto and summary.proto, as far as they are needed.
public final class TensorBoardLog {
  /// A picture to show.
  public struct Picture: Sendable {
    /// What it is called.
    public var tag: String
    /// The bytes of a PNG file.
    public var png: Data
    /// Its width in pixels.
    public var width: Int
    /// Its height in pixels.
    public var height: Int

    /// Makes a picture.
    public init(tag: String, png: Data, width: Int, height: Int) {
      (self.tag, self.png, self.width, self.height) = (tag, png, width, height)
    }
  }

  private let file: AppendedFile

  /// Opens the file for appending, and begins it if it is not there.
  ///
  /// - Throws: `StructuredError` if it cannot be opened or written.
  public init(path: String) throws {
    file = try AppendedFile(path: path, contents: "the TensorBoard events")
    if file.isEmpty { try append(step: 0) { $0.text(3, "brain.Event:2") } }
  }

  /// Appends the values of a row as scalars, in single precision, as the format has it.
  ///
  /// - Throws: `StructuredError` if the system refuses, as on a full disk; the file is then as it was.
  public func append(_ row: EventLog.Row) throws {
    try append(step: row.step) { event in
      event.message(5) { summary in
        for value in row.values {
          summary.message(1) {
            $0.text(1, value.name)
            $0.float(2, Float(value.value))
          }
        }
      }
    }
  }

  /// Appends pictures that belong to a step.
  ///
  /// - Throws: `StructuredError` if the system refuses, as on a full disk; the file is then as it was.
  public func append(_ pictures: [Picture], step: Int) throws {
    guard !pictures.isEmpty else { return }
    try append(step: step) { event in
      event.message(5) { summary in
        for picture in pictures {
          summary.message(1) { value in
            value.text(1, picture.tag)
            value.message(4) { image in
              image.integer(1, picture.height)
              image.integer(2, picture.width)
              image.integer(3, 3)  // red, green, blue
              image.bytes(4, picture.png)
            }
          }
        }
      }
    }
  }

  /// Forces all events onto the disk, as before a checkpoint that presumes them.
  public func synchronize() throws { try file.synchronize() }

  private func append(step: Int, _ body: (inout ProtobufMessage) -> Void) throws {
    var event = ProtobufMessage()
    event.double(1, Date().timeIntervalSince1970)
    event.integer(2, step)
    body(&event)
    try file.append(RecordFile.framed(event.encoded))
  }

  /// Drops the events beyond a step, and a torn one at the end; rewrites the file atomically if there is anything to
  /// drop. A file that is not there has nothing to drop.
  ///
  /// - Throws: `StructuredError` if the file is damaged or cannot be rewritten.
  public static func truncate(path: String, afterStep step: Int) throws {
    guard let data = FileManager.default.contents(atPath: path) else { return }
    let bytes = [UInt8](data)
    let known = try RecordFile.records(in: bytes, location: path).prefix { Self.step(of: $0.record) <= step }
    let end = known.last?.end ?? 0
    if end < bytes.count { try AtomicFile.write(bytes[..<end], to: path) }
  }

  /// The step of an event as this type writes it: field 2, after the nine bytes of field 1.
  private static func step(of event: ArraySlice<UInt8>) -> Int {
    var step = 0, shift = 0
    for byte in event.dropFirst(10) {
      step |= Int(byte & 0x7f) << shift
      if byte < 0x80 { break }
      shift += 7
    }
    return step
  }
}

/// A message in the wire format of protocol buffers (https://protobuf.dev/programming-guides/encoding), as it is built.
private struct ProtobufMessage {
  private(set) var encoded: [UInt8] = []

  private mutating func varint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      encoded.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    encoded.append(UInt8(rest))
  }

  private mutating func key(_ field: Int, wireType: Int) { varint(UInt64(field << 3 | wireType)) }

  mutating func integer(_ field: Int, _ value: Int) {
    key(field, wireType: 0)
    varint(UInt64(bitPattern: Int64(value)))
  }

  mutating func double(_ field: Int, _ value: Double) {
    key(field, wireType: 1)
    withUnsafeBytes(of: value.bitPattern.littleEndian) { encoded += $0 }
  }

  mutating func float(_ field: Int, _ value: Float) {
    key(field, wireType: 5)
    withUnsafeBytes(of: value.bitPattern.littleEndian) { encoded += $0 }
  }

  mutating func bytes(_ field: Int, _ value: some Collection<UInt8>) {
    key(field, wireType: 2)
    varint(UInt64(value.count))
    encoded += value
  }

  mutating func text(_ field: Int, _ value: String) { bytes(field, Array(value.utf8)) }

  mutating func message(_ field: Int, _ body: (inout ProtobufMessage) -> Void) {
    var inner = ProtobufMessage()
    body(&inner)
    bytes(field, inner.encoded)
  }
}
