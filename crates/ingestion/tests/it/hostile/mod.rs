//! Bad input, case by case: each gets a clear error or a rejected row, and the log stays whole.
mod bounded;
mod forms;
mod rows;
mod table;
