import Architectures
import Autodiff
import Diagnostics
import NeuralLayers
import TensorCore
import TestSupport
import Testing

/// The networks for images of 64 × 64 pixels keep their bits: initial values, outputs, losses and gradients.
///
/// The hashes were recorded when a network was one stack of convolutions and a list of fully connected layers, before
/// networks became lists of layers. At a fixed instruction level and thread count results do not depend on the machine.
@Suite("Networks keep their bits")
struct PinnedNetworksTests {
  struct Pin: Sendable, CustomTestStringConvertible {
    let architecture: String
    let channels: Int
    let level: VectorLevel
    let hashes: [UInt64]

    var testDescription: String { "\(architecture), \(channels) channels, \(level)" }
  }

  static let pins: [Pin] = [
    Pin(
      architecture: "burgess", channels: 1, level: .plain,
      hashes: [
        0x6b0f_c1b7_1c50_d9a2, 0x3160_1aff_da30_0b1d, 0xc240_8703_99f2_1a95, 0xa9e5_ceb4_23ac_bac2,
        0xf4f0_4fc0_10f6_e461, 0x3160_1aff_da30_0b1d, 0xc240_8703_99f2_1a95, 0x5e1d_f552_ab59_95ea,
        0x83cb_57cd_5fed_c28d, 0x757e_d376_f46e_8566, 0xc70e_526a_94bc_9595,
      ]),
    Pin(
      architecture: "burgess", channels: 1, level: .avx2,
      hashes: [
        0x6b0f_c1b7_1c50_d9a2, 0x4778_7180_ef7e_2bd3, 0x43ec_322e_17cf_62bf, 0xa9e5_ceb4_23ac_bac2,
        0x0cb2_1325_fd72_39ed, 0x4778_7180_ef7e_2bd3, 0x43ec_322e_17cf_62bf, 0x5e1d_f552_ab59_95ea,
        0x83cb_57cd_5fed_c28d, 0x2454_bcb9_69e3_f790, 0x0cde_da05_5241_cbcd,
      ]),
    Pin(
      architecture: "burgess", channels: 1, level: .avx512,
      hashes: [
        0x6b0f_c1b7_1c50_d9a2, 0x4778_7180_ef7e_2bd3, 0x43ec_322e_17cf_62bf, 0xa9e5_ceb4_23ac_bac2,
        0x0cb2_1325_fd72_39ed, 0x4778_7180_ef7e_2bd3, 0x43ec_322e_17cf_62bf, 0x5e1d_f552_ab59_95ea,
        0x83cb_57cd_5fed_c28d, 0x2454_bcb9_69e3_f790, 0x0cde_da05_5241_cbcd,
      ]),
    Pin(
      architecture: "burgess", channels: 3, level: .plain,
      hashes: [
        0x2d5f_843d_479e_9d73, 0x17b5_404d_6060_93d4, 0xccde_3720_7f51_91d5, 0xb7f8_38b5_ee96_04e0,
        0x3590_a0c8_f66e_0409, 0x17b5_404d_6060_93d4, 0xccde_3720_7f51_91d5, 0x5410_f4c6_c88d_2046,
        0x05f5_94c2_581b_8834, 0x1994_8c6c_f5d0_f22d, 0x9db4_037c_c8fb_7f33,
      ]),
    Pin(
      architecture: "burgess", channels: 3, level: .avx2,
      hashes: [
        0x2d5f_843d_479e_9d73, 0x4942_568c_2ca7_e4a0, 0x6da9_3544_097f_24a7, 0xb7f8_38b5_ee96_04e0,
        0xd1f8_a339_63ff_ca18, 0x4942_568c_2ca7_e4a0, 0x6da9_3544_097f_24a7, 0x5410_f4c6_c88d_2046,
        0x05f5_94c2_581b_8834, 0xb9bc_7b90_1f07_a010, 0x0d76_303e_fc06_e820,
      ]),
    Pin(
      architecture: "burgess", channels: 3, level: .avx512,
      hashes: [
        0x2d5f_843d_479e_9d73, 0x4942_568c_2ca7_e4a0, 0x6da9_3544_097f_24a7, 0xb7f8_38b5_ee96_04e0,
        0xd1f8_a339_63ff_ca18, 0x4942_568c_2ca7_e4a0, 0x6da9_3544_097f_24a7, 0x5410_f4c6_c88d_2046,
        0x05f5_94c2_581b_8834, 0xb9bc_7b90_1f07_a010, 0x0d76_303e_fc06_e820,
      ]),
    Pin(
      architecture: "locatello", channels: 1, level: .plain,
      hashes: [
        0x2f80_bf9f_6590_24fa, 0x33f4_59d5_9829_ab0b, 0x7162_791d_e0a3_68c6, 0xaa43_12b4_244b_354e,
        0xf472_4a52_c4f6_ea14, 0x33f4_59d5_9829_ab0b, 0x7162_791d_e0a3_68c6, 0x39a7_80e4_d768_e31b,
        0x8516_61cd_6220_448b, 0x699f_1a5c_05e6_cbb4, 0xcf04_09d4_bb9e_0e9c,
      ]),
    Pin(
      architecture: "locatello", channels: 1, level: .avx2,
      hashes: [
        0x2f80_bf9f_6590_24fa, 0xdfe8_c9cc_b2c3_a887, 0xf419_425c_bf30_1d8e, 0xaa43_12b4_244b_354e,
        0x0e58_04b8_aed1_104a, 0xdfe8_c9cc_b2c3_a887, 0xf419_425c_bf30_1d8e, 0x39a7_80e4_d768_e31b,
        0x8516_61cd_6220_448b, 0x9383_4894_8216_0124, 0xf61f_37f1_c544_78d9,
      ]),
    Pin(
      architecture: "locatello", channels: 1, level: .avx512,
      hashes: [
        0x2f80_bf9f_6590_24fa, 0xdfe8_c9cc_b2c3_a887, 0xf419_425c_bf30_1d8e, 0xaa43_12b4_244b_354e,
        0x0e58_04b8_aed1_104a, 0xdfe8_c9cc_b2c3_a887, 0xf419_425c_bf30_1d8e, 0x39a7_80e4_d768_e31b,
        0x8516_61cd_6220_448b, 0x9383_4894_8216_0124, 0xf61f_37f1_c544_78d9,
      ]),
    Pin(
      architecture: "locatello", channels: 3, level: .plain,
      hashes: [
        0xa66c_7394_443f_f947, 0xb028_38cf_3a44_9f76, 0x7d94_e60c_8fed_e7dc, 0xb886_ccb5_ef88_4a5c,
        0x70b1_11d3_d932_f089, 0xb028_38cf_3a44_9f76, 0x7d94_e60c_8fed_e7dc, 0xe57e_79ba_034b_d5fe,
        0x0c54_53c2_62ee_86c1, 0x1ad3_178a_cd71_b55b, 0xe614_9588_f918_80cc,
      ]),
    Pin(
      architecture: "locatello", channels: 3, level: .avx2,
      hashes: [
        0xa66c_7394_443f_f947, 0x1a82_aa91_a046_cc57, 0xc372_f3b0_83f4_60dc, 0xb886_ccb5_ef88_4a5c,
        0x9181_ea97_03f1_5b85, 0x1a82_aa91_a046_cc57, 0xc372_f3b0_83f4_60dc, 0xe57e_79ba_034b_d5fe,
        0x0c54_53c2_62ee_86c1, 0x1893_0f43_8f5a_b58c, 0x5d56_0882_fbaa_5d11,
      ]),
    Pin(
      architecture: "locatello", channels: 3, level: .avx512,
      hashes: [
        0xa66c_7394_443f_f947, 0x1a82_aa91_a046_cc57, 0xc372_f3b0_83f4_60dc, 0xb886_ccb5_ef88_4a5c,
        0x9181_ea97_03f1_5b85, 0x1a82_aa91_a046_cc57, 0xc372_f3b0_83f4_60dc, 0xe57e_79ba_034b_d5fe,
        0x0c54_53c2_62ee_86c1, 0x1893_0f43_8f5a_b58c, 0x5d56_0882_fbaa_5d11,
      ]),
    Pin(
      architecture: "fully-connected", channels: 1, level: .plain,
      hashes: [
        0xa2b3_e69a_e56a_bf61, 0x5322_28f5_8433_828a, 0x360e_ab20_1ec2_24b3, 0xa9ad_45b4_234c_a9f7,
        0xace1_3a85_56fd_e96e, 0x5322_28f5_8433_828a, 0x360e_ab20_1ec2_24b3, 0x882d_f17e_16a6_5047,
        0x8357_26cd_5f28_534a, 0x8d14_3b87_db73_09f5, 0x779c_429f_a363_bbab,
      ]),
    Pin(
      architecture: "fully-connected", channels: 1, level: .avx2,
      hashes: [
        0xa2b3_e69a_e56a_bf61, 0x9095_999b_9ddc_2ed8, 0xeb41_0f44_049e_779f, 0xa9ad_45b4_234c_a9f7,
        0x98ac_aac7_8c6e_e471, 0x9095_999b_9ddc_2ed8, 0xeb41_0f44_049e_779f, 0x882d_f17e_16a6_5047,
        0x8357_26cd_5f28_534a, 0xc013_db87_3041_2dfc, 0x9bfc_5155_99e1_b460,
      ]),
    Pin(
      architecture: "fully-connected", channels: 1, level: .avx512,
      hashes: [
        0xa2b3_e69a_e56a_bf61, 0x9095_999b_9ddc_2ed8, 0xeb41_0f44_049e_779f, 0xa9ad_45b4_234c_a9f7,
        0x98ac_aac7_8c6e_e471, 0x9095_999b_9ddc_2ed8, 0xeb41_0f44_049e_779f, 0x882d_f17e_16a6_5047,
        0x8357_26cd_5f28_534a, 0xc013_db87_3041_2dfc, 0x9bfc_5155_99e1_b460,
      ]),
  ].filter { $0.level <= .best }

  /// FNV-1a over the bit patterns.
  private static func hash(_ values: [Float]) -> UInt64 {
    values.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1.bitPattern)) &* 0x100_0000_01b3 }
  }

  @Test("Parameters, posterior, distortions, losses and gradients have the bits they had", arguments: pins)
  func bits(pin: Pin) throws {
    let architecture = try #require(Registry<Architecture>.standard.entries.first { $0.name == pin.architecture })
    let device = Device(threads: 1, level: pin.level), store = ParameterStore(on: device)
    let image = ImageShape(height: 64, width: 64, channels: pin.channels)
    let networks = try architecture.build(image, 4, store)
    store.initialize(.kaimingUniform, from: RandomStream(seed: 3))
    // A bright rectangle on black, as in dSprites, and a little of everything else.
    let images = Tensor<Float>(repeating: 0, image.batch(3), on: device)
    var stream = RandomStream(seed: 9)
    images.withMutableElements { values in
      for i in values.indices {
        let pixel = i / pin.channels % 4096, y = pixel / 64, x = pixel % 64
        if (20..<31).contains(y), (9..<40).contains(x) { values[i] = Float(stream.integer(below: 256)) / 255 }
      }
    }
    var hashes = [Self.hash(store.values.elements)]
    for loss in ["mean", "by image"] {
      let pass = Pass(training: [store], on: device)
      let posterior = networks.encoder(images, pass)
      hashes += [Self.hash(posterior.mean.value.elements), Self.hash(posterior.logVariance.value.elements)]
      let value: Variable<Float>
      if loss == "mean" {
        value = networks.decoder.meanDistortion(of: images, from: posterior.mean, .bernoulli, pass) + posterior.rate
      } else {
        let distortions = networks.decoder.distortions(of: images, from: posterior.mean, .bernoulli, pass)
        hashes.append(Self.hash(distortions.value.elements))
        value = distortions.squared().sum()
      }
      hashes.append(Self.hash([value.scalar]))
      try pass.tape.backward(from: value)
      hashes.append(Self.hash(store.gradients.elements))
    }
    let pass = Pass.evaluation(on: device)
    hashes.append(Self.hash(networks.decoder(networks.encoder(images, pass).mean, pass).value.elements))
    #expect(hashes == pin.hashes, "\(pin): \(hashes.map { "0x" + String($0, radix: 16) })")
  }
}
