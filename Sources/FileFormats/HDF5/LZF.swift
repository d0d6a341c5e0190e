/// The compression of h5py's filter `lzf` (Marc Lehmann's LibLZF).
enum LZF {
  /// Decompresses a stream.
  ///
  /// The stream is a sequence of runs. A run that begins with a byte c < 32 is followed by c + 1 literal bytes. Any
  /// other run repeats n + 2 bytes of the output from (c mod 32)·256 + o + 1 bytes before its end, where n = c / 32,
  /// or, if that is 7, the next byte plus 7; o is the last byte of the run.
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
        // The run may overlap its own output.
        for _ in 0..<length { output.append(output[output.count - distance]) }
      }
    }
    guard output.count == size else { throw problem }
    return output
  }
}
