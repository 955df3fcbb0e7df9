"""What arrives of pictures, at every value of a condition."""

from replications.core.inference.arrivals import run_arrivals

if __name__ == "__main__":
    run_arrivals("universal_jscc")
