"""One encoder and decoder for every digital modulation, with codebooks and batch norm of each."""
