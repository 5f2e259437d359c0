"""Networks at our size; what a library has at this size comes from the library."""
