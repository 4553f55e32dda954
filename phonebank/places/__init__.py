"""Where postcodes and towns are: finding a place by what people type, distances between places, and
maps."""
