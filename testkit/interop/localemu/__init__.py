"""LocalEmu, an AWS emulator of other authors, with JSONata and a place for functions where there is no Docker."""
