import FileFormats
import MetricFiles
import TestSupport
import Testing

@Suite struct CodesFuzzingTests {
  @Test("Changed files of codes are read or refused") func changedFiles() throws {
    let fuzzing = Fuzzing(few: 2000, share: 0.05)
    let writer = try HDF5Writer()
    try writer.write("codes", (0..<12).map { Float($0) }, shape: [6, 2])
    try writer.write("factors", [0, 0, 0, 1, 1, 0, 1, 1, 2, 0, 2, 1], shape: [6, 2])
    try writer.write("factor_sizes", [3, 6], shape: [2])
    try writer.write("factor_vae/factor_index", [1, 0], shape: [2])
    try writer.write("factor_vae/rows", [0, 2, 4, 1, 3, 5], shape: [2, 3])
    try writer.setAttribute("names", ["shape", "scale"], of: "factors")
    let arrays = [
      ("codes.npy", NPYSample(values: (0..<12).map { Float($0) }, shape: "(6, 2)").bytes),
      (
        "factors.npy",
        NPYSample(header: "{'descr': '|i1', 'fortran_order': False, 'shape': (6, 2), }", data: Array(0..<12)).bytes
      ),
    ]
    let corpus = [
      FileMutator([UInt8](try writer.bytes())),
      FileMutator(ZipSample(entries: arrays, isDeflated: true).bytes, arrays: arrays),
    ]
    let outcome = try fuzzing.run("codes", corpus) { _ = try LabeledCodesFile(reading: $0) }
    #expect(outcome.others.isEmpty, "\(outcome.others.prefix(5))")
    #expect(outcome.values > 0 && outcome.refused > 0 && outcome.values + outcome.refused == fuzzing.count)
  }
}
