"""What can be set about this replication's model; free of torch."""

from replications.core.nets.registry.staged import WORDS
from replications.hierarchical.options import ModelOptions as Base


class ModelOptions(Base):
    """Embeddings and three bidirectional LSTMs, with heads at several depths: 2 is the first of the
    LSTMs, 4 the last."""

    known = WORDS

    encoder: str = "bilstm"
