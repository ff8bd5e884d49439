"""What contestants and networks cost on this machine. No stage reads the clock: times belong to a machine."""
