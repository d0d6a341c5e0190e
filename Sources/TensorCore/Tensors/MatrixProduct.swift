extension Tensor {
  /// C = op(A)·op(B), or C += …, where op optionally transposes; row-major matrices, split among the threads.
  package static func multiply(
    _ a: Tensor, transposeA: Bool = false, _ b: Tensor, transposeB: Bool = false,
    into c: Tensor, accumulate: Bool = false
  ) {
    requireFit(
      a.shape.rank == 2 && b.shape.rank == 2 && c.shape.rank == 2, "times",
      "\(a.shape), \(b.shape) and \(c.shape) are not three matrices")
    let m = transposeA ? a.shape[1] : a.shape[0], k = transposeA ? a.shape[0] : a.shape[1]
    let n = transposeB ? b.shape[0] : b.shape[1], inner = transposeB ? b.shape[1] : b.shape[0]
    requireFit(
      k == inner && c.shape[0] == m && c.shape[1] == n, "times",
      "a product of \(a.shape)\(transposeA ? "ᵀ" : "") and \(b.shape)\(transposeB ? "ᵀ" : "") does not fill \(c.shape)")
    let pa = a.pointer, pb = b.pointer, pc = c.pointer
    let lda = a.shape[1], ldb = b.shape[1], ldc = n, level = c.device.level
    func block(_ rows: Range<Int>, _ columns: Range<Int>) {
      let i = rows.lowerBound, j = columns.lowerBound
      Scalar.layerProduct(
        level, transposeA, transposeB, rows.count, columns.count, k, pa + i * (transposeA ? 1 : lda), lda,
        pb + j * (transposeB ? ldb : 1), ldb, accumulate, pc + i * ldc + j, ldc)
    }
    c.device.forEachBlock(of: m, n, inner: k, transposeA: transposeA, block)
  }

  /// The matrix product A·B of `[M, K]` and `[K, N]`.
  public func times(_ other: Tensor) -> Tensor {
    requireFit(
      shape.rank == 2 && other.shape.rank == 2 && shape[1] == other.shape[0], "times",
      "\(shape) and \(other.shape) do not fit, expected [M, K] and [K, N]")
    let result = Tensor(uninitialized: [shape[0], other.shape[1]], on: device)
    Tensor.multiply(self, other, into: result)
    return result
  }

  /// The transpose of a matrix.
  public func transposed() -> Tensor {
    requireRank(2, "transposed", "a matrix [M, N]")
    let rows = shape[0], columns = shape[1]
    let result = Tensor(uninitialized: [columns, rows], on: device)
    let x = pointer, y = result.pointer
    for i in 0..<rows { for j in 0..<columns { y[j * rows + i] = x[i * columns + j] } }
    return result
  }

  /// Columns `range` of a matrix, copied.
  public func columns(_ range: Range<Int>) -> Tensor {
    requireRank(2, "columns", "a matrix [M, N]")
    requireFit(
      range.lowerBound >= 0 && range.upperBound <= shape[1], "columns", "\(shape) has no columns \(range)")
    let rows = shape[0], width = shape[1]
    let result = Tensor(uninitialized: [rows, range.count], on: device)
    for i in 0..<rows {
      (result.pointer + i * range.count).update(from: pointer + i * width + range.lowerBound, count: range.count)
    }
    return result
  }
}

extension Device {
  /// Splits a product `[m, k]` × `[k, n]` among the threads: each takes a part of the weights, so that they are read, or their
  /// gradient is written, only once; where there are fewer parts than threads, several threads share one.
  func forEachBlock(
    of m: Int, _ n: Int, inner k: Int, transposeA: Bool, _ body: (_ rows: Range<Int>, _ columns: Range<Int>) -> Void
  ) {
    if m * n * k < 65_536 { return body(0..<m, 0..<n) }
    // The side that is longer in units of a tile is split first, and the other as well if there are threads left.
    let rows = (m + 7) / 8, columns = (n + 31) / 32
    let byRows = transposeA ? m >= n : n < 64
    let first = min(threads, byRows ? rows : columns), second = min(threads / first, byRows ? columns : rows)
    forEachRange(first * second) { _, blocks in
      for block in blocks {
        let (i, j) = block.quotientAndRemainder(dividingBy: second)
        let row = byRows ? (i, first) : (j, second), column = byRows ? (j, second) : (i, first)
        body(
          Self.range(of: row.0, among: row.1, count: m, grain: 8),
          Self.range(of: column.0, among: column.1, count: n, grain: 32))
      }
    }
  }
}
