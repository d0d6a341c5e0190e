import CommandLine

DisentangleTool.main()
