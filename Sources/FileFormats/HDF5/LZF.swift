/// The compression that h5py calls `lzf` (Marc Lehmann's LibLZF).
enum LZF {
  /// Undoes it.
  ///
  /// The stream is a sequence of runs. One that begins with a byte c < 32 is c + 1 bytes as they are. Any other repeats
  /// what lies (c mod 32)·256 + o + 1 bytes back, n + 2 bytes long, where n = c / 32, or, if that is 7, 7 more than the
  /// byte that follows; o is the byte after these.
  ///
  /// - Throws: ``HDF5Problem`` unless the result has exactly `size` bytes.
  static func decoded(_ input: [UInt8], size: Int) throws -> [UInt8] {
    let problem = HDF5Problem.damaged("a chunk compressed by LZF is damaged")
    var output: [UInt8] = []
    output.reserveCapacity(size)
    var at = 0
    func next() throws -> Int {
      guard at < input.count else { throw problem }
      defer { at += 1 }
      return Int(input[at])
    }
    while at < input.count {
      let control = try next()
      if control < 32 {
        guard control < input.count - at, control < size - output.count else { throw problem }
        output.append(contentsOf: input[at...at + control])
        at += control + 1
      } else {
        let length = (control >> 5 == 7 ? 7 + (try next()) : control >> 5) + 2
        let distance = (control & 31) << 8 + (try next()) + 1
        guard distance <= output.count, length <= size - output.count else { throw problem }
        // The run may overlap what it makes.
        for _ in 0..<length { output.append(output[output.count - distance]) }
      }
    }
    guard output.count == size else { throw problem }
    return output
  }
}
