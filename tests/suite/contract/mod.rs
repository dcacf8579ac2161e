//! What scripts rely on letter by letter: messages for bad input, exit statuses, schemas, the smaller commands.

mod bad_arguments;
mod bad_inventory;
mod exit_status;
mod hostile;
mod house;
mod inventory_command;
mod matrix;
mod monitoring;
mod pages;
mod readme;
mod refusal;
mod schemas;
mod secrets;
mod type_commands;
