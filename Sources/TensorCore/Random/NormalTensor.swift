extension RandomStream {
  /// A tensor of independent standard normal values.
  public mutating func normalTensor(_ shape: Shape, on device: Device) -> Tensor<Float> {
    let tensor = Tensor<Float>(uninitialized: shape, on: device)
    tensor.withMutableElements { fillNormal($0) }
    return tensor
  }
}
