"""An encoder that knows no task, and decoders that are trained apart."""
