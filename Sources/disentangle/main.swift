import CommandLine

DisentangleTool.main { $0.commit = commit }
