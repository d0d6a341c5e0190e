import Diagnostics
import FactorData
import FileFormats
import Foundation
import TensorCore
import TestSupport
import Testing

/// Data sets in their official layouts, against the golden files, and damaged ones.
@Suite("Published data sets")
struct PublishedSetsTests {
  private let folder: TemporaryFolder
  private let device = Device(threads: 2)

  init() throws { folder = try TemporaryFolder() }

  private func bytes(_ data: any FactorDataset, _ indices: [Int]) throws -> [UInt8] {
    var pixels = [Float](repeating: -1, count: indices.count * data.imageShape.count)
    try data.read(indices, into: &pixels)
    return pixels.map { UInt8(($0 * 255).rounded()) }
  }

  private func golden(_ name: String, _ array: String) throws -> [UInt8] {
    try HDF5File(reading: Golden.path(name)).read(array, as: UInt8.self).values
  }

  private func integers(_ name: String, _ array: String) throws -> [Int] {
    try HDF5File(reading: Golden.path(name)).read(array, as: Int.self).values
  }

  /// A folder with the files of a golden one, some of them replaced by others.
  private func copy(_ name: String, replacing files: [String: String] = [:]) throws -> String {
    let target = folder.file("set"), manager = FileManager.default
    try? manager.removeItem(atPath: target)
    try manager.createDirectory(atPath: target, withIntermediateDirectories: true)
    for file in try manager.contentsOfDirectory(atPath: Golden.path(name)) where file.hasSuffix(".gz") {
      try manager.copyItem(atPath: Golden.path("\(name)/\(file)"), toPath: "\(target)/\(file)")
    }
    for (file, source) in files {
      try? manager.removeItem(atPath: "\(target)/\(file)")
      try manager.copyItem(atPath: Golden.path(source), toPath: "\(target)/\(file)")
    }
    return target
  }

  // MARK: MNIST

  @Test(
    "MNIST and Fashion-MNIST, compressed or not, both splits",
    arguments: [
      ("datasets/mnist", "mnist"), ("datasets/fashion_mnist", "fashion-mnist"),
    ])
  func mnist(golden name: String, entry: String) throws {
    let data = try MNIST(entry, folder: Golden.path(name), split: .both)
    #expect(data.count == 27 && data.imageShape == ImageShape(height: 28, width: 28) && !data.isBinary)
    let expected = try golden("\(name)/expected.h5", "train/images") + golden("\(name)/expected.h5", "t10k/images")
    #expect(try bytes(data, Array(0..<27)) == expected)
    let labels = try integers("\(name)/expected.h5", "train/labels") + integers("\(name)/expected.h5", "t10k/labels")
    #expect(data.factors.column(0).map(Int.init) == labels && data.factors.names == ["class"])
    let test = try MNIST(entry, folder: Golden.path(name), split: .test)
    #expect(test.count == 7)
    #expect(try bytes(test, Array(0..<7)) == golden("\(name)/expected.h5", "t10k/images"))
  }

  @Test("Files that are not compressed, and the second golden set") func otherMNIST() throws {
    let plain = try MNIST("mnist", folder: Golden.path("datasets/mnist/uncompressed"), split: .train)
    #expect(try bytes(plain, Array(0..<20)) == golden("datasets/mnist/expected.h5", "train/images"))
    for name in ["mnist", "fashion-mnist"] {
      let data = try MNIST(name, folder: Golden.path("datasets_second/\(name)"), split: .both)
      let path = "datasets_second/\(name)/expected.h5"
      #expect(try bytes(data, Array(0..<40)) == golden(path, "train/images") + golden(path, "t10k/images"))
      #expect(
        try data.factors.column(0).map(Int.init) == integers(path, "train/factors") + integers(path, "t10k/factors"))
    }
  }

  private static let images = "train-images-idx3-ubyte.gz", labels = "train-labels-idx1-ubyte.gz"

  @Test(
    "A damaged MNIST file is one error",
    arguments: [
      ("datasets/bad/mnist_wrong_dtype-images-idx3-ubyte.gz", images, "the elements are of type 13"),
      ("datasets/bad/mnist_wrong_magic-images-idx3-ubyte.gz", images, "the file begins with the bytes [1, 0, 8, 3]"),
      ("datasets/bad/mnist_count_differs-labels-idx1-ubyte.gz", labels, "there are 19 labels for 20 images"),
      ("datasets/bad/mnist_dims_overflow-images-idx3-ubyte.gz", images, "more than the file can hold"),
      ("datasets/bad/mnist_label_10-labels-idx1-ubyte.gz", labels, "has the label 10"),
      ("datasets_second/bad/mnist_truncated-images-idx3-ubyte.gz", images, "the gzip stream ends early"),
      ("datasets_second/bad/mnist_crc-images-idx3-ubyte.gz", images, "its checksum does not match"),
      ("datasets_second/bad/mnist_magic-images-idx3-ubyte.gz", images, "the array has 1 dimensions"),
      ("datasets_second/bad/mnist_dtype-images-idx3-ubyte.gz", images, "the elements are of type 13"),
      ("datasets_second/bad/mnist_overflow-images-idx3-ubyte.gz", images, "more than the file can hold"),
      ("datasets_second/bad/mnist_overflow2-images-idx3-ubyte.gz", images, "more than the file can hold"),
      ("datasets_second/bad/mnist_label-labels-idx1-ubyte.gz", labels, "image 7 has the label 10"),
      ("datasets_second/bad/mnist_count-labels-idx1-ubyte.gz", labels, "there are 19 labels for 20 images"),
    ])
  func damagedMNIST(file: String, replaced: String, message: String) throws {
    let path = try copy(
      file.hasPrefix("datasets/") ? "datasets/mnist" : "datasets_second/mnist", replacing: [replaced: file])
    let error = #expect(throws: StructuredError.self) { try MNIST("mnist", folder: path, split: .train) }
    #expect(error.map { message.isEmpty || $0.what.contains(message) } == true, "\(error.map { "\($0)" } ?? "none")")
    #expect(error?.location?.hasPrefix(path) == true)
  }

  @Test("A missing file is named, and verifying counts the images") func verifyingMNIST() throws {
    let error = #expect(throws: StructuredError.self) { try MNIST("mnist", folder: folder.path, split: .both) }
    #expect(error?.what == "there is no such file" && error?.location == folder.file("train-images-idx3-ubyte.gz"))
    let entry = try Registry<DatasetEntry>.standard.entry(named: "mnist", at: "test")
    let published = try #require(entry.publishedFile), path = Golden.path("datasets/mnist")
    #expect(published.recognizes(path) && !published.recognizes(folder.path))
    let findings = try published.verify(path, device)
    #expect(findings.map(\.text) == ["20 images of 28×28×1, labels 0 to 9", "7 images of 28×28×1, labels 0 to 9"])
    #expect(findings.allSatisfy { !$0.isAsPublished })
  }

  // MARK: SmallNORB

  @Test("SmallNORB in the order of the files, by either camera", arguments: [SmallNORB.Camera.left, .right])
  func norb(camera: SmallNORB.Camera) throws {
    let path = "datasets/small_norb/expected.h5", eye = camera.rawValue
    let data = try SmallNORB(folder: Golden.path("datasets/small_norb"), split: .both, camera: camera, order: .file)
    #expect(data.count == 20 && data.imageShape == ImageShape(height: 96, width: 96))
    let images = try golden(path, "training/\(eye)") + golden(path, "testing/\(eye)")
    #expect(try bytes(data, Array(0..<20)) == images)
    let factors = try integers(path, "training/factors") + integers(path, "testing/factors")
    #expect((0..<20).flatMap { data.factors.values(at: $0).map { $0 ?? -1 } } == factors)
    #expect(data.factors.sizes == [5, 10, 9, 18, 6])
  }

  @Test("Sorted by factors; of one split the instances are ranked", arguments: ["training", "testing"])
  func sortedNORB(split name: String) throws {
    let path = "datasets/small_norb/expected.h5"
    let split = try #require(SmallNORB.Split(rawValue: name))
    let data = try SmallNORB(folder: Golden.path("datasets/small_norb"), split: split)
    let order = try integers(path, "\(name)/sorted_order"), all = try golden(path, "\(name)/left")
    #expect(try bytes(data, Array(order.indices)) == order.flatMap { all[$0 * 9216..<($0 + 1) * 9216] })
    let stored = try integers(path, "\(name)/factors"), ranks = name == "training" ? [4, 6, 7, 8, 9] : [0, 1, 2, 3, 5]
    let expected = order.flatMap { row -> [Int] in
      var values = Array(stored[row * 5..<row * 5 + 5])
      values[1] = ranks.firstIndex(of: values[1]) ?? -1
      return values
    }
    #expect(order.indices.flatMap { data.factors.values(at: $0).map { $0 ?? -1 } } == expected)
    #expect(data.factors.sizes == [5, 5, 9, 18, 6])
  }

  @Test("SmallNORB of the second golden set") func secondNORB() throws {
    let path = "datasets_second/small-norb/expected.h5"
    let data = try SmallNORB(folder: Golden.path("datasets_second/small-norb"), order: .file)
    #expect(try bytes(data, Array(0..<40)) == golden(path, "training/left") + golden(path, "testing/left"))
    #expect((0..<40).flatMap { data.factors.values(at: $0).map { $0 ?? -1 } } == (try integers(path, "factors")))
  }

  private static let norb = "smallnorb-5x46789x9x18x6x2x96x96-training"

  @Test(
    "A damaged SmallNORB file is one error",
    arguments: [
      ("datasets/bad/norb_wrong_magic-dat.mat.gz", "dat", "the magic number is 0x1E3D4C99"),
      ("datasets/bad/norb_dims_overflow-dat.mat.gz", "dat", "more than the file can hold"),
      ("datasets/bad/norb_negative_dim-dat.mat.gz", "dat", "the matrix has extents [-1, 2, 96, 96]"),
      ("datasets/bad/norb_huge_ndim-dat.mat.gz", "dat", "the matrix has 1000000000 dimensions"),
      ("datasets/bad/norb_gzip_truncated-dat.mat.gz", "dat", "the gzip stream ends early"),
      ("datasets/bad/norb_gzip_crc-dat.mat.gz", "dat", "its checksum does not match"),
      ("datasets/bad/norb_big_endian-dat.mat.gz", "dat", "the magic number is 0x554C3D1E"),
      ("datasets/bad/norb_short_data-dat.mat.gz", "dat", "the file ends after"),
      ("datasets/bad/norb_rows_differ-info.mat.gz", "info", "the matrix has shape [11, 4]"),
      ("datasets/bad/norb_azimuth_odd-info.mat.gz", "info", "row 3 has the azimuth 35"),
      ("datasets/bad/norb_category_out_of_range-cat.mat.gz", "cat", "row 5 has the category 5"),
      ("datasets/bad/norb_bomb-dat.mat.gz", "dat", "more bytes follow"),
      ("datasets_second/bad/norb_magic-dat.mat.gz", "dat", "the magic number is 0x1E3D4C52"),
      ("datasets_second/bad/norb_big_endian-dat.mat.gz", "dat", "the magic number is"),
      ("datasets_second/bad/norb_overflow-dat.mat.gz", "dat", "more than the file can hold"),
      ("datasets_second/bad/norb_negative-dat.mat.gz", "dat", "the matrix has extents"),
      ("datasets_second/bad/norb_ndim-dat.mat.gz", "dat", "the matrix has 1073741824 dimensions"),
      ("datasets_second/bad/norb_category-cat.mat.gz", "cat", "row 3 has the category 5"),
      ("datasets_second/bad/norb_azimuth-info.mat.gz", "info", "has the azimuth"),
      ("datasets_second/bad/norb_bomb-dat.mat.gz", "dat", "more bytes follow"),
    ])
  func damagedNORB(file: String, kind: String, message: String) throws {
    let set = file.hasPrefix("datasets/") ? "datasets/small_norb" : "datasets_second/small-norb"
    let path = try copy(set, replacing: ["\(Self.norb)-\(kind).mat.gz": file])
    let error = #expect(throws: StructuredError.self) { try SmallNORB(folder: path, split: .training) }
    #expect(error.map { message.isEmpty || $0.what.contains(message) } == true, "\(error.map { "\($0)" } ?? "none")")
    #expect(error?.location?.hasPrefix(path) == true)
  }

  @Test("The full grid of SmallNORB, unsorted on file, is a grid when sorted") func fullNORB() throws {
    // One split of the official size, with tiny files: images of zeros compress well.
    let target = folder.file("full")
    try FileManager.default.createDirectory(atPath: target, withIntermediateDirectories: true)
    func matrix(_ magic: UInt32, _ extents: [Int], _ values: [UInt8]) -> [UInt8] {
      ([Int(magic), extents.count] + extents + [Int](repeating: 1, count: max(0, 3 - extents.count)))
        .flatMap { value in (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } } + values
    }
    func words(_ values: [Int]) -> [UInt8] {
      values.flatMap { v in (0..<4).map { UInt8(truncatingIfNeeded: v >> (8 * $0)) } }
    }
    var stream = RandomStream(seed: 1)
    let order = stream.permutation(of: 24_300), instances = [4, 6, 7, 8, 9]
    let rows = order.map { [$0 / 4860, instances[$0 / 972 % 5], $0 / 108 % 9, $0 / 6 % 18 * 2, $0 % 6] }
    // The image's number in its first pixels.
    var pixels = [UInt8](repeating: 0, count: 24_300 * 2 * 9216)
    for (row, index) in order.enumerated() {
      pixels[row * 18_432] = UInt8(index & 255)
      pixels[row * 18_432 + 1] = UInt8(index >> 8)
    }
    let contents: [(String, [UInt8])] = [
      ("dat", matrix(0x1E3D_4C55, [24_300, 2, 96, 96], pixels)),
      ("cat", matrix(0x1E3D_4C54, [24_300], words(rows.map { $0[0] }))),
      ("info", matrix(0x1E3D_4C54, [24_300, 4], words(rows.flatMap { $0.dropFirst() }))),
    ]
    for (kind, bytes) in contents { _ = try folder.write(bytes, as: "full/\(Self.norb)-\(kind).mat") }
    let data = try SmallNORB(folder: target, split: .training)
    #expect(data.factorSpace?.sizes == [5, 5, 9, 18, 6] && data.count == 24_300)
    for index in [0, 1, 255, 256, 12_345, 24_299] {
      let image = try bytes(data, [index])
      #expect(Int(image[0]) + Int(image[1]) << 8 == index)
    }
  }

  // MARK: 3D Shapes

  @Test(
    "3D Shapes: factors by place, labels in order, images",
    arguments: [
      ("datasets/shapes3d/3dshapes_grid_1x1.h5", "datasets/shapes3d/expected.h5", "grid/"),
      ("datasets_second/shapes3d/full_1x1/3dshapes.h5", "datasets_second/shapes3d/full_1x1/expected.h5", ""),
    ])
  func shapes(file: String, expected: String, group: String) throws {
    let data = try Shapes3D(
      file: Golden.path(file), image: ImageShape(height: 1, width: 1, channels: 3), loadingOn: device)
    #expect(data.count == 480_000 && data.factorSpace?.sizes == [10, 10, 10, 8, 4, 15])
    let index = try integers(expected, "\(group)index")
    #expect(try bytes(data, index) == golden(expected, "\(group)images"))
    #expect(
      index.flatMap { data.factors.values(at: $0).map { $0 ?? -1 } } == (try integers(expected, "\(group)factors")))
  }

  @Test(
    "What is not the published 3D Shapes is one error",
    arguments: [
      ("datasets/shapes3d/3dshapes_grid_1x1.h5", "the array has shape [480000, 1, 1, 3]"),
      ("datasets/shapes3d/3dshapes_first60.h5", "the array has shape [60, 64, 64, 3]"),
      ("datasets_second/shapes3d/3dshapes.h5", "the array has shape [240, 64, 64, 3]"),
      ("datasets/bad/shapes3d_truncated.h5", ""), ("datasets_second/bad/shapes3d_truncated.h5", ""),
      ("datasets/bad/shapes3d_wrong_dtype.h5", "the array declares 5898240000 elements"),
      ("datasets/bad/shapes3d_labels_off_grid.h5", "image 367043 has the value 31.7 of orientation"),
      ("datasets/bad/shapes3d_rows_swapped.h5", "image 367043 has the value"),
      ("datasets/bad/shapes3d_sparse_bomb.h5", ""), ("datasets/bad/shapes3d_dims_overflow.h5", ""),
      ("datasets/bad/shapes3d_missing_member.h5", "the array has shape [2, 64, 64, 3]"),
      ("datasets_second/bad/shapes3d_no_labels.h5", "the array has shape"),
      ("datasets_second/bad/shapes3d_sparse.h5", ""), ("datasets_second/bad/shapes3d_dtype.h5", "the array"),
    ])
  func notShapes(file: String, message: String) throws {
    let path = Golden.path(file)
    let error = #expect(throws: StructuredError.self) { try Shapes3D(file: path, on: device) }
    #expect(error.map { message.isEmpty || $0.what.contains(message) } == true, "\(error.map { "\($0)" } ?? "none")")
    #expect(error?.location?.hasPrefix(path) == true)
  }

  // MARK: MPI3D

  @Test(
    "MPI3D: factors by place and images",
    arguments: [
      (
        MPI3D.Variant.toy, "datasets/mpi3d/mpi3d_toy_1x1_deflated.npz", 1, "datasets/mpi3d/expected.h5",
        "mpi3d_toy_1x1_deflated/"
      ),
      (
        .realComplex, "datasets/mpi3d/mpi3d_real_complex_2x2_deflated.npz", 2, "datasets/mpi3d/expected.h5",
        "mpi3d_real_complex_2x2_deflated/"
      ),
    ])
  func mpi3d(variant: MPI3D.Variant, file: String, side: Int, expected: String, group: String) throws {
    let data = try MPI3D(
      variant, file: Golden.path(file), image: ImageShape(height: side, width: side, channels: 3), loadingOn: device)
    #expect(data.count == (variant == .toy ? 1_036_800 : 460_800))
    let index = try integers(expected, "\(group)index")
    #expect(try bytes(data, index) == golden(expected, "\(group)images"))
    #expect(
      index.flatMap { data.factors.values(at: $0).map { $0 ?? -1 } } == (try integers(expected, "\(group)factors")))
  }

  @Test(
    "What is not the published MPI3D is one error",
    arguments: [
      ("datasets/mpi3d/mpi3d_toy_6_images_stored.npz", "the array has shape [6, 64, 64, 3]"),
      ("datasets/mpi3d/mpi3d_toy_6_images_deflated.npz", "the array has shape [6, 64, 64, 3]"),
      ("datasets/mpi3d/mpi3d_toy_6_images_fortran.npz", "the array has shape [6, 64, 64, 3]"),
      ("datasets/mpi3d/mpi3d_toy_1x1_deflated.npz", "the array has shape [1036800, 1, 1, 3]"),
      ("datasets/bad/mpi3d_truncated.npz", ""), ("datasets_second/bad/mpi3d_truncated.npz", ""),
      ("datasets/bad/mpi3d_pickle.npz", ""), ("datasets_second/bad/mpi3d_pickle.npz", ""),
      ("datasets/bad/mpi3d_header_beyond_member.npz", "the array declares shape [460800, 64, 64, 3]"),
      ("datasets/bad/mpi3d_missing_member.npz", "there is no array \"images\""),
      ("datasets_second/bad/mpi3d_no_images.npz", "there is no array \"images\""),
      ("datasets_second/bad/mpi3d_dtype.npz", "the array"), ("datasets_second/bad/mpi3d_overflow.npz", ""),
    ])
  func notMPI3D(file: String, message: String) throws {
    for variant in [MPI3D.Variant.toy, .realComplex] {
      let error = #expect(throws: StructuredError.self) { try MPI3D(variant, file: Golden.path(file), on: device) }
      #expect(error.map { message.isEmpty || $0.what.contains(message) } == true, "\(error.map { "\($0)" } ?? "none")")
    }
  }

  @Test("A wrong file says what is wanted, and how it loads otherwise") func advice() throws {
    let error = #expect(throws: StructuredError.self) {
      try Shapes3D(file: Golden.path("datasets/shapes3d/3dshapes_first60.h5"), on: device)
    }
    #expect(error?.expected == "shape [480000, 64, 64, 3]")
    #expect(error?.action == "Other image files load with the data set name \"file\".")
  }
}
