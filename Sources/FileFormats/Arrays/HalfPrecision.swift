extension Float {
  /// The value of an IEEE 754 binary16 number; Swift has the type `Float16` on some platforms only.
  init(binary16 bits: UInt16) {
    let sign: Float = bits >> 15 == 0 ? 1 : -1
    let exponent = Int(bits >> 10 & 31), fraction = Float(bits & 1023) / 1024
    self =
      switch exponent {
      case 0: sign * fraction * 0x1p-14
      case 31: fraction == 0 ? sign * .infinity : .nan
      default: sign * Float(sign: .plus, exponent: exponent - 15, significand: 1 + fraction)
      }
  }
}
