//! The vault against a small scripted world: sites, agents and targets that answer at once and remember what they did.

mod commands;
mod crash;
mod durable;
mod edges;
mod failures;
mod groups;
mod home;
mod joining;
mod journey;
mod moves;
mod parts;
mod planned_failovers;
mod plans;
mod plans_home;
mod prepared;
mod prerequisites;
mod random;
mod second_attempts;
mod settings;
mod silence;
mod status;
mod test_failovers;
mod way_home;
mod world;
