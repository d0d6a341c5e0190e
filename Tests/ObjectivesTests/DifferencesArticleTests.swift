import FileFormats
import Foundation
import TestSupport
import Testing

/// The numbers of the article "Where implementations differ" are those of the golden sets.
@Suite("Where implementations differ")
struct DifferencesArticleTests {
  static let numbers: [(text: String, file: String, array: String)] = [
    ("75.90", "objectives/objectives_B16", "recon/loss"), ("17.12", "objectives/objectives_B16", "recon/l2_dlib"),
    ("4366.68", "objectives/objectives_B16", "recon/gaussian_yann"),
    ("172.53", "objectives/objectives_B16", "recon/laplace_yann"),
    ("728.44", "objectives/objectives_B16", "btcvae/mws/loss"),
    ("128.44", "objectives/objectives_B16", "btcvae/mws/tc"),
    ("−4.31", "objectives/objectives_B16", "btcvae/mws_unnormalised/loss"),
    ("−18.11", "objectives/objectives_B16", "btcvae/mws_unnormalised/tc"),
    ("−3.68", "objectives/objectives_B16", "btcvae/dlib/loss"),
    ("−18.11", "objectives/objectives_B16", "btcvae/dlib/tc"),
    ("100.30", "objectives/objectives_B16", "btcvae/mss_paper/loss"),
    ("2.82", "objectives/objectives_B16", "btcvae/mss_paper/tc"),
    ("120.75", "objectives/objectives_B16", "btcvae/mss_rtqichen/loss"),
    ("6.91", "objectives/objectives_B16", "btcvae/mss_rtqichen/tc"),
    ("−11.54", "objectives/objectives_B16", "btcvae/mss_peer/loss"),
    ("−19.55", "objectives/objectives_B16", "btcvae/mss_peer/tc"),
    ("0.845", "objectives/objectives_B16", "factor/dlib_disc_loss"),
    ("1.169", "objectives/objectives_B16", "factor/disc_loss"),
    ("80.27", "objectives/objectives_B16", "dip_ii/penalty_amir_wrong"),
    ("20.98", "objectives/objectives_B16", "dip_ii/penalty"),
    ("0.0680", "objectives/objectives_B16", "infovae/imq/mmd"),
    ("58.43", "methods_second/methods", "capacity/batch/penalty"),
    ("124.62", "methods_second/methods", "capacity/per_image/penalty"),
    ("138.51", "methods_second/methods", "semi/evidence/xent_dlib_sum"),
    ("8.66", "methods_second/methods", "semi/labels_dlib/xent/loss"),
    ("223.07", "methods_second/methods", "semi/evidence/l2_sigmoid_dlib_broadcast"),
    ("0.83", "methods_second/methods", "semi/labels_dlib/l2_sigmoid/loss"),
    ("0.0166", "methods/methods", "B16/mmd/dim_squared_biased/mmd"),
    ("−0.0134", "methods/methods", "B16/mmd/four_dim_unbiased/mmd"),
    ("0.0041", "methods/methods", "B16/mmd/antixk_biased/mmd"),
    ("64.27", "methods/methods", "B16/iwae/K5/surrogate_pythae"),
    ("65.46", "methods/methods", "B16/iwae/K5/loss"), ("−51.157", "methods/methods", "B16/sigma/optimal_clipped/loss"),
    ("−51.185", "methods/methods", "B16/sigma/optimal/loss"), ("50.00", "methods/methods", "B16/hfs/random/value"),
    ("61.31", "methods/methods", "B16/hfs/mean/value"), ("56.66", "methods/methods", "B16/pairs/mlvae_12/loss"),
    ("64.92", "methods/methods", "B16/pairs/mlvae_product_12/loss"),
  ]

  private func article() throws -> String {
    var package = URL(fileURLWithPath: #filePath)
    for _ in 0..<3 { package.deleteLastPathComponent() }
    return try String(
      contentsOf: package.appendingPathComponent("Sources/Objectives/Documentation.docc/WhereImplementationsDiffer.md"),
      encoding: .utf8)
  }

  @Test("Each number of the article is a golden value, rounded", arguments: Self.numbers)
  func number(_ item: (text: String, file: String, array: String)) throws {
    #expect(try article().contains(item.text), "the article does not have \(item.text)")
    let value = try HDF5File(reading: Golden.path("\(item.file).h5")).read(item.array, as: Double.self).values[0]
    let written = try #require(Double(item.text.replacingOccurrences(of: "−", with: "-")))
    let digits = item.text.split(separator: ".").last?.count ?? 0
    // Half a unit of the last digit, and rounding of the comparison.
    #expect(abs(value - written) <= 0.5000001 * pow(10, -Double(digits)), "\(item.array) is \(value)")
  }

  @Test("The decisions that differ between distances are counted right")
  func masks() throws {
    let file = try HDF5File(reading: Golden.path("methods/methods.h5"))
    let masks = try ["12", "21", "sym"].map { try file.read("B16/pairs/mask_\($0)", as: UInt8.self).values }
    func different(_ k: Int) -> Int { zip(masks[0], masks[k]).count { $0 != $1 } }
    #expect(different(1) == 25 && different(2) == 9 && masks[0].count == 160)
    let text = try article()
    #expect(text.contains("25 of 160 decisions differ") && text.contains("9 of 160 differ"))
  }
}
