//! What is seen from outside: `/metrics` for Prometheus, `/healthz` for whoever asks whether all is well.

use std::fmt::Write as _;
use std::sync::Arc;

use hyper::StatusCode;
use serde_json::json;

use super::State;
use super::state::{Inner, NotRun};
use crate::report::{RunMetrics, metric_label};
use crate::web::{Page, Pages};

/// The pages of a daemon.
pub fn pages(state: Arc<State>) -> Pages {
    Arc::new(move |path| match path {
        "/metrics" => Some(Page {
            status: StatusCode::OK,
            content_type: "text/plain; version=0.0.4; charset=utf-8",
            body: metrics(&state.lock()),
        }),
        "/healthz" => Some(health(&state.lock())),
        _ => None,
    })
}

/// The last run of each schedule and of each action by hand, and what the daemon itself counts.
fn metrics(inner: &Inner) -> String {
    let mut text = String::new();
    let scheduled = inner.schedules.values().filter_map(|shown| shown.last.as_ref());
    // A schedule that came with the inventory meanwhile has its name for itself.
    let by_hand = inner.by_hand.iter().filter(|(name, _)| !inner.schedules.contains_key(*name)).map(|(_, last)| last);
    let last: Vec<&RunMetrics> = scheduled.chain(by_hand).map(|last| &last.metrics).collect();
    RunMetrics::write(&last, &mut text);
    let next = inner.schedules.iter().filter_map(|(name, shown)| Some((name, shown.next?)));
    let next: Vec<String> =
        next.map(|(name, at)| format!("{{run=\"{}\"}} {}", metric_label(name), at.as_second())).collect();
    let not_run: Vec<String> = inner
        .schedules
        .iter()
        .flat_map(|(name, shown)| {
            NotRun::ALL.map(|why| {
                let count = shown.not_run.get(&why).copied().unwrap_or(0);
                format!("{{run=\"{}\",reason=\"{}\"}} {count}", metric_label(name), why.as_str())
            })
        })
        .collect();
    for (name, kind, help, samples) in [
        (
            "fleetctl_schedule_next_run_timestamp_seconds",
            "gauge",
            "When the schedule runs next, in seconds since the epoch.",
            next,
        ),
        (
            "fleetctl_schedule_not_run_total",
            "counter",
            "How often the schedule brought no run, by why; times that were missed in a row count once.",
            not_run,
        ),
        (
            "fleetctl_inventory_up_to_date",
            "gauge",
            "Whether the inventory was without a mistake when it was read last.",
            vec![format!(" {}", u8::from(inner.unread.is_none()))],
        ),
    ] {
        if samples.is_empty() {
            continue;
        }
        // Writing to a `String` cannot fail.
        _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
        for sample in samples {
            _ = writeln!(text, "{name}{sample}");
        }
    }
    text
}

fn health(inner: &Inner) -> Page {
    let reasons = inner.reasons();
    let is_well = reasons.is_empty();
    let status = if is_well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let document = json!({
        "status": if is_well { "ok" } else { "unwell" },
        "reasons": reasons,
        "inventory_read_at": inner.read_at.to_string(),
    });
    Page { status, content_type: "application/json", body: format!("{document}\n") }
}
