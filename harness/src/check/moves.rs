//! A machine that was moved to another process server sends there, taken from the wire: from the agent's answer on, until
//! it is told something else.

use std::collections::BTreeMap;

use switchback_engine::message::{Answer, Order, RequestId};
use switchback_engine::role::Address;
use switchback_engine::{MachineId, Message};

use super::Judge;
use crate::content::Simulated;
use crate::world::World;

/// Where machines were told to send to.
#[derive(Debug, Clone, Default)]
pub(super) struct Moves {
    told: BTreeMap<MachineId, Told>,
}

/// The last order that says where a machine sends to.
#[derive(Debug, Clone, Copy)]
struct Told {
    request: RequestId,
    process_server: Address,
    /// The agent has said that it does so.
    answered: bool,
}

impl<C: Simulated> World<C> {
    /// A message that has to do with where an agent sends to is put on the wire.
    pub(super) fn overhear_move(&mut self, from: Address, to: Address, message: &Message<C>) {
        match (message, from, to) {
            (Message::Order { request, order }, _, Address::Agent(machine, _)) => match **order {
                Order::UseProcessServer { process_server, .. } => {
                    self.judges.moves.told(machine, *request, process_server);
                }
                Order::StartReplication(_) | Order::StopReplication { .. } => {
                    self.judges.moves.told.remove(&machine);
                }
                _ => {}
            },
            (Message::Answer { request, answer: Answer::Done }, Address::Agent(machine, _), _) => {
                if let Some(told) = self.judges.moves.told.get_mut(&machine) {
                    told.answered |= told.request == *request;
                }
            }
            (Message::Batch(_), Address::Agent(machine, _), _) => self.judge_batch(machine, to),
            _ => {}
        }
    }

    fn judge_batch(&mut self, machine: MachineId, to: Address) {
        let Some(told) = self.judges.moves.told.get(&machine).copied() else { return };
        self.judges.looked(Judge::JobsEnd);
        if told.answered && told.process_server != to {
            let what =
                format!("machine {} sends to {to:?} and was moved to {:?}", machine.0, told.process_server);
            self.found(Judge::JobsEnd, what);
        }
    }
}

impl Moves {
    /// The same order may come again, when its answer is late.
    fn told(&mut self, machine: MachineId, request: RequestId, process_server: Address) {
        let answered = false;
        let told = Told { request, process_server, answered };
        if self.told.get(&machine).is_none_or(|last| last.request < request) {
            self.told.insert(machine, told);
        }
    }
}
