/// The product of numbers that are not negative, or the largest `Int` where it would be larger: what a size is compared with a
/// limit by.
@inlinable public func saturatingProduct(_ factors: Int...) -> Int { saturatingProduct(factors) }

/// The product of numbers that are not negative, or the largest `Int` where it would be larger; 1 of none.
@inlinable public func saturatingProduct(_ factors: some Sequence<Int>) -> Int {
  var result = 1, overflows = false
  for factor in factors {
    if factor == 0 { return 0 }
    let (product, overflow) = result.multipliedReportingOverflow(by: factor)
    if overflow { overflows = true } else { result = product }
  }
  return overflows ? .max : result
}

/// The sum of numbers that are not negative, or the largest `Int` where it would be larger; 0 of none.
@inlinable public func saturatingSum(_ terms: Int...) -> Int {
  terms.reduce(0) {
    let (sum, overflow) = $0.addingReportingOverflow($1)
    return overflow ? .max : sum
  }
}
