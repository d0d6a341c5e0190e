import Diagnostics

/// The studies of papers, as files to begin with.
public enum StudyPreset: String, CaseIterable, Sendable {
  /// Locatello et al. 2019, arXiv:1811.12359, and their library disentanglement_lib: seven data sets, six objectives, six
  /// strengths, 50 seeds; 12,600 runs.
  case dlib

  /// The study as YAML.
  public var yaml: String {
    switch self {
    case .dlib: Self.dlibYAML
    }
  }

  private static let dlibYAML = """
    # The unsupervised study of Locatello et al. 2019 (arXiv:1811.12359): 7 data sets × 6 objectives × 6 strengths × 50 seeds,
    # 12,600 runs of 300,000 steps. The configuration has the settings of disentanglement_lib: architecture locatello, ten
    # latents, batches of 64, Adam with a learning rate of 1e-4. Set the paths of the data sets, or leave some of them out.
    name: dlib
    configuration: configs/beta-vae.yaml
    axes:
      - key: dataset
        values:
          - {name: dsprites}
          - {name: color-dsprites}
          - {name: noisy-dsprites}
          - {name: scream-dsprites, picture: data/scream.jpg}
          - {name: small-norb, path: data/small-norb, resize: {size: 64, filter: lanczos}}
          - {name: cars3d, path: data/nips2015-analogy-data.tar.gz, resize: {size: 64, filter: lanczos}}
          - {name: shapes3d, path: data/3dshapes.h5}
    variants:
      - name: beta-vae
        set: ["objective={name: beta-vae}"]
        axes: [{key: objective.beta, values: [1, 2, 4, 6, 8, 16]}]
      - name: annealed-vae
        set: ["objective={name: capacity-vae, gamma: 1000, capacity: {from: 0, to: 5, steps: 100000}}"]
        axes: [{key: objective.capacity.to, values: [5, 10, 25, 50, 75, 100]}]
      - name: factor-vae
        set: ["objective={name: factor-vae}"]
        axes: [{key: objective.gamma, values: [10, 20, 30, 40, 50, 100]}]
      - name: dip-vae-i
        set: ["objective={name: dip-vae, variant: i}"]
        axes: [{key: objective.lambda_od, values: [1, 2, 5, 10, 20, 50]}]
      - name: dip-vae-ii
        set: ["objective={name: dip-vae, variant: ii}"]
        axes: [{key: objective.lambda_od, values: [1, 2, 5, 10, 20, 50]}]
      - name: beta-tcvae
        set: ["objective={name: beta-tcvae}"]
        axes: [{key: objective.beta, values: [1, 2, 4, 6, 8, 10]}]
    seeds: {from: 0, count: 50}
    measure:
      metrics:
        preset: dlib
        metrics: [beta-vae-score, factor-vae-score, mig, modularity, dci, sap, irs]
    keep: weights

    """
}
