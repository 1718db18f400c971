//! What only a log on a server can suffer.
