"""Where postcodes and towns are: finding a place from what people type, distances between places,
and maps."""
