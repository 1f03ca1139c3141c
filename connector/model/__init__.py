"""Our words: frozen dataclasses and pure functions. Nothing here does I/O."""
