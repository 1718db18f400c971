//! Bad input, one by one: each gets a clear error or a quarantined row, and the log stays whole.
mod bounded;
mod forms;
mod rows;
mod table;
