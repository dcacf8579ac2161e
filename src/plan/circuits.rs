//! What the commands of a plan draw, and from which circuits: each distinct inrush once, and no circuit that nothing is
//! drawn from.
//! That no device alone draws more than its circuit carries is seen to where the inventory is read.

use std::collections::HashMap;

use super::{InrushIndex, PlannedCircuit};
use crate::device_type::Request;
use crate::inventory::{CircuitIndex, Draw, Fleet, Member};
use crate::model::Inrush;

/// The circuits of a plan that is being made.
#[derive(Default)]
pub(super) struct Circuits {
    pub(super) list: Vec<PlannedCircuit>,
    pub(super) inrushes: Vec<Inrush>,
    /// Where a circuit of the inventory stands in `list`.
    places: HashMap<CircuitIndex, u32>,
    known: HashMap<Draw, InrushIndex>,
}

impl Circuits {
    /// What a device draws when it gets a command, if that counts.
    pub(super) fn inrush(&mut self, fleet: &Fleet, member: &Member, request: &Request) -> Option<InrushIndex> {
        let (draw, circuit) = fleet.circuit(member).filter(|_| request.draws_inrush())?;
        if let Some(known) = self.known.get(draw) {
            return Some(*known);
        }
        let place = *self.places.entry(draw.circuit).or_insert_with(|| {
            self.list.push(PlannedCircuit { name: circuit.name.clone(), max_milliamps: circuit.max_milliamps });
            u32::try_from(self.list.len() - 1).unwrap_or(u32::MAX)
        });
        let index = InrushIndex(u32::try_from(self.inrushes.len()).unwrap_or(u32::MAX));
        self.inrushes.push(Inrush { circuit: place, milliamps: draw.milliamps, settle: draw.settle });
        self.known.insert(*draw, index);
        Some(index)
    }
}
