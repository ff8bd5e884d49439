"""Data sets and weights from elsewhere: sources, pins, mirrors, licences."""
