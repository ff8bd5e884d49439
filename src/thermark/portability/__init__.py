"""The same numbers on every machine: canaries, the doctor, another arithmetic."""
