import CommandLine

DisentangleTool.main { components in
  components.objectives.add(PairVAE.entry)
  components.architectures.add(.residual)
  components.datasets.add(Discs.entry)
}
