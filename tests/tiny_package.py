"""A tiny model as it may lie in a package of an index."""

from thermark.download.weights import WeightsCard

MODEL = b"TFL3" + bytes(range(256)) * 20
CARD = WeightsCard(
    model="tiny",
    source_page="https://example.org",
    licence="Apache-2.0",
    licence_url="https://example.org",
    input_size=(8, 8),
    channels="rgb",
    vocabulary=None,
    trained_on=["nothing"],
)
