//! Random appends against a model of a log.
