import Diagnostics

extension Registry<MetricEntry> {
  /// The metrics of this package.
  public static let standard = Registry(
    "a metric",
    [
      MetricEntry(
        name: "mig", summary: "Mutual information gap, from bins",
        paper: "Chen et al. 2018, arXiv:1802.04942; binned as in Locatello et al. 2019, arXiv:1811.12359",
        configuration: MIG.Configuration.self),
      MetricEntry(
        name: "mig-exact", summary: "Mutual information gap, integrated over the posteriors",
        paper: "Chen et al. 2018, arXiv:1802.04942", configuration: MIGExact.Configuration.self),
      MetricEntry(
        name: "modularity", summary: "Whether each latent depends on one factor only",
        paper: "Ridgeway & Mozer 2018, arXiv:1802.05312", configuration: Modularity.Configuration.self),
      MetricEntry(
        name: "factor-vae-score",
        summary: "Whether the latent that varies least identifies the factor that was held fixed",
        paper: "Kim & Mnih 2018, arXiv:1802.05983", configuration: FactorVAEScore.Configuration.self),
      MetricEntry(
        name: "irs", summary: "Interventional robustness: how little a latent moves while its factor is held fixed",
        paper: "Suter et al. 2019, arXiv:1811.00007", configuration: IRS.Configuration.self),
      MetricEntry(
        name: "dcimig", summary: "Information gaps between factors instead of between latents (3CharM)",
        paper: "Sepliarskaia et al. 2019, arXiv:1910.05587", configuration: DCIMIG.Configuration.self),
      MetricEntry(
        name: "infomec", summary: "Modularity, compactness and explicitness by information",
        paper: "Hsu et al. 2023, arXiv:2305.18378", configuration: InfoMEC.Configuration.self),
      MetricEntry(
        name: "unsupervised",
        summary: "Dependence between latents: Gaussian total correlation, Wasserstein, information",
        paper: "Locatello et al. 2019, arXiv:1811.12359", configuration: Unsupervised.Configuration.self),
      MetricEntry(
        name: "udr", summary: "Unsupervised disentanglement ranking: whether several runs found the same latents",
        paper: "Duan et al. 2020, arXiv:1905.12614", configuration: UDR.Configuration.self, isDefault: false),
      MetricEntry(
        name: "beta-vae-score", summary: "Whether differences of codes identify the factor that two images share",
        paper: "Higgins et al. 2017, β-VAE", configuration: BetaVAEScore.Configuration.self),
      MetricEntry(
        name: "sap", summary: "How much better the best latent predicts a factor than the second best",
        paper: "Kumar et al. 2018, arXiv:1711.00848", configuration: SAP.Configuration.self),
      MetricEntry(
        name: "dci", summary: "Disentanglement, completeness, informativeness, by boosted trees, lasso or a forest",
        paper: "Eastwood & Williams 2018", configuration: DCI.Configuration.self),
      MetricEntry(
        name: "explicitness", summary: "How well a linear classifier predicts each value of each factor",
        paper: "Ridgeway & Mozer 2018, arXiv:1802.05312", configuration: Explicitness.Configuration.self),
      MetricEntry(
        name: "downstream", summary: "Accuracy of classifiers that learn the factors from few and many labels",
        paper: "Locatello et al. 2019, arXiv:1811.12359", configuration: Downstream.Configuration.self, isDefault: false
      ),
    ])
}
