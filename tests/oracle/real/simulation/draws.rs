//! Which faults the program promises to play on a night: `--faults` and `--seed`, and what they mean for each device.

use fleetctl::simulate;

use crate::night::{Family, Fault, Gateway, LinkFault, Millis, Night};
use crate::random::Random;
use crate::world::{Request, Who};

/// What the program says that it plays.
pub(super) struct Draws {
    /// The value of `--faults`.
    pub(super) faults: String,
    /// The value of `--seed`.
    pub(super) seed: u64,
    /// How long a display boots.
    pub(super) boot: Millis,
    /// By gateway and device.
    devices: Vec<Vec<Draw>>,
}

/// What is drawn for a device.
#[derive(Debug, Clone, Copy)]
pub(super) struct Draw {
    pub(super) fault: Option<simulate::Fault>,
    /// How late it answers if it is slow.
    pub(super) delay: Millis,
}

impl Draws {
    /// The faults of a night, which is told of them: who has one need not be `ok`.
    pub(super) fn of(night: &mut Night) -> Self {
        let mut random = Random::new(night.seed ^ 0xFA17);
        let mut share = |most: u64| random.below(most);
        let (silent, refuse, reject, slow, cut) = (share(12), share(8), share(8), share(16), share(8));
        let boot = 1000 + share(3) * 1000;
        let faults =
            format!("silent={silent}%,refuse={refuse}%,reject={reject}%,slow={slow}%,cut={cut}%,boot={boot}ms");
        let seed = night.seed >> 1;
        let drawn = simulate::Night { faults: faults.parse().unwrap(), seed };
        let draw = |gateway: &Gateway, name: &str| {
            let (address, is_line) = (gateway.address(), gateway.family == Family::Display);
            let who = if is_line { name } else { &*address };
            let delay = Millis::try_from(drawn.delay_of(who).as_millis()).unwrap();
            Draw { fault: drawn.fault_of(&address, who), delay }
        };
        let of = |gateway: &Gateway| gateway.devices.iter().map(|one| draw(gateway, &one.name)).collect();
        let devices: Vec<Vec<Draw>> = night.gateways.iter().map(of).collect();
        let draws = Self { faults, seed, boot, devices };
        for place in 0..night.gateways.len() {
            if draws.refuses(place) {
                night.gateways[place].always = Some(LinkFault::Refused);
            }
            for device in 0..night.gateways[place].devices.len() {
                let planned = draws.planned((place, device));
                night.gateways[place].devices[device].always = planned;
            }
        }
        draws
    }

    /// Whether a gateway refuses.
    pub(super) fn refuses(&self, gateway: usize) -> bool {
        self.devices[gateway].iter().any(|draw| draw.fault == Some(simulate::Fault::Refuse))
    }

    /// What is drawn for a device.
    pub(super) fn device(&self, who: Who) -> Draw {
        self.devices[who.0][who.1]
    }

    /// What is drawn for whoever answers a request: what names no device is answered by the board, for all.
    pub(super) fn of_request(&self, gateway: usize, request: &Request) -> Draw {
        self.device(request.who.unwrap_or((gateway, 0)))
    }

    /// The fault as nights have it.
    fn planned(&self, who: Who) -> Option<Fault> {
        let draw = self.device(who);
        Some(match draw.fault? {
            simulate::Fault::Silent => Fault::Silent { acts: false },
            simulate::Fault::Reject => Fault::Refuses,
            simulate::Fault::Slow => Fault::Late { by: draw.delay },
            simulate::Fault::Cut => Fault::Closes { acts: true, after: 1 },
            simulate::Fault::Refuse => return None,
        })
    }
}
