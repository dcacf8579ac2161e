//! The run over time: how many devices were done in each slice of it, and what became of them.

use std::io::{self, Write};
use std::time::Duration;

use super::super::super::Collected;
use super::super::summary::span;
use crate::model::Outcome;

/// Slices of the run.
const SLICES: usize = 60;
/// The drawing's height, and its width per slice, in its own units.
const HEIGHT: f64 = 100.0;
const STEP: f64 = 10.0;

/// What became of a device, as far as the drawing tells.
#[derive(Clone, Copy)]
enum Kind {
    Success,
    Flaky,
    Failure,
}

impl Kind {
    const ALL: [(Self, &'static str, &'static str); 3] = [
        (Self::Success, "ok", "success"),
        (Self::Flaky, "flaky", "success after more than one attempt"),
        (Self::Failure, "no_reply", "failure"),
    ];

    fn of(outcome: &Outcome) -> Self {
        match (outcome.status.is_success(), outcome.is_flaky()) {
            (true, false) => Self::Success,
            (true, true) => Self::Flaky,
            (false, _) => Self::Failure,
        }
    }
}

/// The counts of every slice by kind, and how long the whole drawing is.
fn slices(run: &Collected) -> (Vec<[u64; Kind::ALL.len()]>, Duration) {
    let start = run.info().started_at.0;
    let after = |outcome: &Outcome| outcome.finished_at.map(|at| u64::try_from(at.0 - start).unwrap_or(0));
    let last = run.outcomes().filter_map(|(_, outcome)| after(outcome)).max().unwrap_or(0);
    let whole = u64::try_from(run.elapsed().as_millis()).unwrap_or(u64::MAX).max(last).max(1);
    let mut slices = vec![[0; Kind::ALL.len()]; SLICES];
    for (_, outcome) in run.outcomes() {
        let Some(at) = after(outcome) else { continue };
        let slice = u128::from(at) * SLICES as u128 / (u128::from(whole) + 1);
        let slice = usize::try_from(slice).ok().and_then(|slice| slices.get_mut(slice));
        if let Some(count) = slice.and_then(|counts| counts.get_mut(Kind::of(outcome) as usize)) {
            *count += 1;
        }
    }
    (slices, Duration::from_millis(whole))
}

/// Draws it.
#[expect(clippy::cast_precision_loss, reason = "a drawing needs no more than a float has")]
pub(super) fn write(out: &mut impl Write, run: &Collected) -> io::Result<()> {
    let (slices, whole) = slices(run);
    let most = slices.iter().map(|counts| counts.iter().sum::<u64>()).max().unwrap_or(0);
    if most == 0 {
        return Ok(());
    }
    let width = STEP * SLICES as f64;
    writeln!(
        out,
        "<section>\n<h2>Timeline</h2>\n<p class=\"quiet\">Devices that were done, at most {most} in {} s</p>\n\
         <svg viewBox=\"0 0 {width} {HEIGHT}\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"Devices over time\">",
        format_args!("{:.2}", whole.as_secs_f64() / SLICES as f64)
    )?;
    for (place, counts) in slices.iter().enumerate() {
        let mut top = HEIGHT;
        for ((_, class, word), count) in Kind::ALL.iter().zip(counts).filter(|(_, count)| **count > 0) {
            let height = HEIGHT * *count as f64 / most as f64;
            top -= height;
            let from = whole.mul_f64(place as f64 / SLICES as f64);
            writeln!(
                out,
                "<rect class=\"{class}\" x=\"{}\" y=\"{top:.2}\" width=\"{}\" height=\"{height:.2}\"><title>from {:.2} s: \
                 {count} {word}</title></rect>",
                STEP * place as f64,
                STEP - 1.0,
                from.as_secs_f64()
            )?;
        }
    }
    writeln!(
        out,
        "</svg>\n<p class=\"axis quiet\"><span>0 s</span><span>{}</span><span>{}</span></p>\n</section>",
        span(whole / 2),
        span(whole)
    )
}
