//! How long each device of a plan is expected to take, as far as earlier runs have measured it.

use std::collections::HashMap;
use std::time::Duration;

use super::Plan;
use crate::model::DeviceIndex;

impl Plan {
    /// Takes what was measured of each device, from the start of its first attempt to its outcome. Who was never measured
    /// is expected to take as long as the median of its type, else of all. A device that is believed to be dead is given no
    /// longer than its one attempt. Where nothing was measured nothing is expected.
    pub fn expect(&mut self, measured: &[Option<Duration>]) {
        let mut by_type: HashMap<&str, Vec<Duration>> = HashMap::new();
        for (device, measured) in self.devices.iter().zip(measured) {
            by_type.entry(&device.device_type).or_default().extend(*measured);
        }
        let mut all: Vec<Duration> = measured.iter().copied().flatten().collect();
        let Some(of_all) = median(&mut all) else { return };
        let of_type: HashMap<&str, Duration> =
            by_type.into_iter().map(|(name, mut times)| (name, median(&mut times).unwrap_or(of_all))).collect();
        let devices = self.devices.iter().zip(&self.jobs).zip(measured.iter().copied().chain(std::iter::repeat(None)));
        self.expected = devices
            .map(|((device, job), measured)| {
                let usual = of_type.get(&*device.device_type).copied().unwrap_or(of_all);
                let one_attempt = job.timing.connect_timeout + job.timing.reply_timeout;
                let longest = if job.is_probe { one_attempt } else { Duration::MAX };
                measured.unwrap_or(usual).min(longest)
            })
            .collect();
    }

    /// How long a lane of these devices is expected to take, the gaps between them included; zero where nothing was
    /// measured.
    pub fn expected_of(&self, lane: &[DeviceIndex]) -> Duration {
        let known = lane.iter().filter_map(|device| Some((self.expected.get(device.get())?, self.job(*device)?)));
        let gaps = known.clone().skip(1).map(|(_, job)| job.link.gap);
        known.map(|(&time, _)| time).chain(gaps).sum()
    }
}

/// The upper one of two.
fn median(times: &mut [Duration]) -> Option<Duration> {
    let middle = times.len() / 2;
    (middle < times.len()).then(|| *times.select_nth_unstable(middle).1)
}
