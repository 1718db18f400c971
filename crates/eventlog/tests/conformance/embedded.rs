//! What only a log in a file can suffer.
