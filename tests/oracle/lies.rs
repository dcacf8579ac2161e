//! Plants lies in the program and says whether the oracle finds them.

use std::process::ExitCode;

use fleetctl::lie::{LIES, Lie, plant};

use crate::arguments::Arguments;
use crate::draw::night;
use crate::shrink::judged;

/// A lie that is told in so many nights without being found is missed.
const NIGHTS: u64 = 1000;

/// Plants one lie, or all of them in turn.
pub(crate) fn hunt(arguments: &Arguments) -> ExitCode {
    let wanted = |name: &str| arguments.lie.as_ref().is_none_or(|lie| lie == name);
    let lies: Vec<&(&str, Lie)> = LIES.iter().filter(|(name, _)| wanted(name)).collect();
    if lies.is_empty() {
        let names: Vec<&str> = LIES.iter().map(|(name, _)| *name).collect();
        println!("no such lie; known are {}", names.join(", "));
        return ExitCode::from(2);
    }
    let mut missed = 0;
    for (name, lie) in &lies {
        plant(Some(*lie));
        let mut seeds = (arguments.seed..).take(usize::try_from(NIGHTS).unwrap());
        let found = seeds.find_map(|seed| {
            let first = judged(&night(seed)).1.into_iter().next()?;
            Some((seed, first))
        });
        plant(None);
        match found {
            Some((seed, first)) => {
                let nights = seed - arguments.seed + 1;
                println!("{name}: found in night {nights}, {} {}: {}", first.invariant, first.device, first.what);
            }
            None => {
                missed += 1;
                println!("{name}: MISSED in {NIGHTS} nights from seed {}", arguments.seed);
            }
        }
    }
    println!("{} of {} lies found", lies.len() - missed, lies.len());
    if missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
