"""The plugins that come with the package: one file, or one package, for each. Any of them may be deleted."""
