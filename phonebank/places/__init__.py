"""Where postcodes and towns are, finding one by what people type, and distances."""
