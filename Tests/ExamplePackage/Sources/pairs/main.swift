import CommandLine

DisentangleTool.main { components in
  components.objectives.add(PairVAE.entry)
  components.architectures.add(.smallResidual)
  components.datasets.add(Discs.entry)
}
