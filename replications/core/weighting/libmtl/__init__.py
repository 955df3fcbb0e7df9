"""The weightings of the library LibMTL."""
