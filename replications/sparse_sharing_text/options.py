"""What can be set about this replication's model; free of torch."""

from replications.core.nets.registry.staged import WORDS
from replications.sparse_sharing.options import ModelOptions as Base


class ModelOptions(Base):
    """Embeddings and three bidirectional LSTMs, of whose weights every task uses some."""

    known = WORDS

    encoder: str = "bilstm"
