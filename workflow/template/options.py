"""What can be set about this replication's model; free of torch."""

from replications.core.spec.options import ModelOptions as Base
from replications.core.spec.options import Positive


class ModelOptions(Base):
    """Encoder and heads."""

    width: Positive = 16
    """Channels of the encoder's first stage."""
    head_channels: Positive = 48
