"""What can be set about this replication's model; free of torch."""

from replications.core.nets.registry.staged import WORDS
from replications.sluice.options import ModelOptions as Base


class ModelOptions(Base):
    """Embeddings and three bidirectional LSTMs for each task, whose subspaces are mixed."""

    known = WORDS

    encoder: str = "bilstm"
