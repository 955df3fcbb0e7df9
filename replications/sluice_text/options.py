"""What can be set about this replication's model; free of torch."""

from replications.sluice.options import ModelOptions as Base


class ModelOptions(Base):
    """Embeddings and three bidirectional LSTMs for each task, whose subspaces are mixed."""

    encoder: str = "bilstm"
