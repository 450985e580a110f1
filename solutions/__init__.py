"""Reference solutions: the only copy of each; the build writes them into the notebooks."""
