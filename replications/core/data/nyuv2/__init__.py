"""NYU Depth v2: photographs of rooms with their depth."""
