import FileFormats
import Foundation
import TestSupport
import Testing

extension CommandLineTests {
  @Suite("Converting data sets, and training from disk")
  struct ConvertTests {
    private let experiment: SmallExperiment
    private var folder: TemporaryFolder { experiment.folder }

    init() throws { experiment = try SmallExperiment(steps: 6, checkpointEvery: 3, logEvery: 1) }

    private func losses(_ run: String) throws -> [String] {
      try String(contentsOfFile: folder.file("\(run)/metrics.jsonl"), encoding: .utf8).split(separator: "\n").map {
        // Without the times.
        $0.components(separatedBy: ",\"seconds\"")[0]
      }
    }

    @Test("a converted set trains from disk to the same losses, resumed with another budget of memory")
    func trains() throws {
      let converted = try Program.run("dataset", "convert", "data.h5", "packed.h5", in: folder)
      #expect(converted.code == 0 && converted.output == "packed.h5: 512 images of 64×64×1, 0 MiB\n")
      #expect(try HDF5File(reading: folder.file("packed.h5")).information("packed_images").shape == [512, 64, 8])
      let memory = try Program.run("train", "config.yaml", "-o", "memory", in: folder)
      #expect(memory.code == 0 && memory.output.contains("512 images of 64×64×1, 262.1 kB in memory"))
      let first = try Program.run(
        "train", "config.yaml", "-o", "disk", "--set", "dataset.path=packed.h5", "--set", "dataset.memory=0",
        "--profile", in: folder)
      #expect(first.code == 0 && first.output.contains("512 images of 64×64×1, 2.1 MB read from disk"), "\(first)")
      #expect(first.output.contains("\nimages "), "the profile shows the wait for images")
      #expect(try losses("disk") == losses("memory"))
      let again = try Program.run(
        "train", "config.yaml", "-o", "disk", "--set", "dataset.path=packed.h5", "--resume", in: folder)
      #expect(again.code == 0, "\(again.errors)")
    }

    @Test(
      "settings of the data set are taken, and h5py reads the result", .enabled(if: PythonScript.has("h5py", "numpy")))
    func settings() throws {
      let result = try Program.run(
        "dataset", "convert", "data.h5", "small.h5", "--set", "resize.size=16", "--set", "resize.filter=area",
        in: folder)
      #expect(result.code == 0 && result.output.hasPrefix("small.h5: 512 images of 16×16×1"), "\(result)")
      let packed = try Program.run("dataset", "convert", "data.h5", "packed.h5", in: folder)
      #expect(packed.code == 0)
      let script = """
        import sys, h5py, numpy as np
        a, b, c = (h5py.File(p) for p in sys.argv[1:4])
        x = a["images"][:]
        small = np.rint(x.reshape(512, 16, 4, 16, 4).mean((2, 4)) * 255)
        assert b["images"].shape == (512, 16, 16, 1) and b.attrs["pixels"] == "bytes"
        assert np.abs(b["images"][..., 0] - small).max() <= 1
        bits = np.unpackbits(c["packed_images"][:], axis=-1, count=64, bitorder="little")
        assert (bits == x).all() and list(c.attrs["image_shape"]) == ["64", "64", "1"]
        assert (b["factors"][:] == a["factors"][:]).all() and (c["factors"][:] == a["factors"][:]).all()
        print("same")
        """
      let read = try PythonScript.run(script, folder.file("data.h5"), folder.file("small.h5"), folder.file("packed.h5"))
      #expect(read.status == 0 && read.output.contains("same"), "\(read.output)")
    }

    @Test("what is there is replaced only by force, and never a file of another kind")
    func overwriting() throws {
      func convert(_ arguments: String...) throws -> Program.Result {
        try Program.run(["dataset", "convert", "data.h5"] + arguments, in: folder)
      }
      #expect(try convert("out.h5").code == 0)
      expectError(try convert("out.h5"), "out.h5")
      #expect(try convert("out.h5", "--force").code == 0)
      _ = try folder.write("mine".utf8, as: "thesis.h5")
      expectError(try convert("thesis.h5", "--force"), "thesis.h5")
      #expect(FileManager.default.contents(atPath: folder.file("thesis.h5")) == Data("mine".utf8))
      expectError(try convert("./data.h5", "--force"), "this file is what would be converted")
    }

    @Test(
      "what cannot be converted is one error, and nothing is written",
      arguments: [
        (["data.h5", "out.txt"], "a name that ends in .h5 or .npz"), (["none.h5", "out.h5"], "no such file"),
        (["data.h5", "out.h5", "--dataset", "dsprits"], "Did you mean dsprites?"),
        (["color-dsprites", "out.h5"], "the pixels of the data set are floats"),
        (["data.h5", "out.h5", "--set", "camera=left"], "unknown key camera"),
        (["data.h5", "out.h5", "--set", "resize.size=16"], "the key resize.filter is missing"),
        (["shapes3d", "out.h5"], "the key path is missing"),
        (["data.h5", "missing/out.h5"], "No such file or directory"),
      ])
    func refused(arguments: [String], message: String) throws {
      let before = try experiment.snapshot()
      let result = try Program.run(["dataset", "convert"] + arguments, in: folder)
      expectError(result, message)
      let untouched = try experiment.snapshot() == before
      #expect(untouched)
    }
  }
}
