//! The report for CI: `JUnit` XML, a test case per device, a suite per site.
//!
//! In the dialect of Maven Surefire, which most readers know: an attempt that was followed by a success is a
//! `flakyFailure`, one that was followed by the failure that counts a `rerunFailure`. Text that XML cannot hold is
//! escaped as on a terminal.

use std::collections::HashMap;
use std::io::{self, Write};

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

use super::super::group::skipped_because;
use super::super::mask::Mask;
use super::super::moment::MomentText;
use super::super::record::{device_seconds, run_seconds};
use super::super::texts::Texts;
use super::super::{Collected, Reporter, Sink, hint};
use crate::model::escape::printable;
use crate::model::{Device, Failure, Outcome, Status};

/// Writes `JUnit` XML.
pub struct Junit {
    sink: Sink,
}

impl Junit {
    /// A `JUnit` report that goes to `sink`.
    pub fn new(sink: Sink) -> Self {
        Self { sink }
    }
}

impl Reporter for Junit {
    fn needs_outcomes(&self) -> bool {
        true
    }

    fn finish(&mut self, run: &Collected) -> io::Result<()> {
        let mut xml = Xml(Writer::new_with_indent(&mut self.sink, b' ', 2));
        write(&mut xml, run)?;
        self.sink.write_all(b"\n")?;
        self.sink.finish()
    }
}

/// The devices of one site.
#[derive(Default)]
struct Suite<'a> {
    name: &'a str,
    cases: Vec<(&'a Device, &'a Outcome)>,
}

/// The devices by site, in the order of their first device; those without one stand under the fleet's name.
fn suites(run: &Collected) -> Vec<Suite<'_>> {
    let mut suites: Vec<Suite<'_>> = Vec::new();
    let mut places: HashMap<Option<&str>, usize> = HashMap::new();
    for (device, outcome) in run.outcomes() {
        let place = *places.entry(device.site.as_deref()).or_insert_with(|| {
            suites.push(Suite { name: device.site.as_deref().unwrap_or(&run.info().fleet), cases: Vec::new() });
            suites.len() - 1
        });
        if let Some(suite) = suites.get_mut(place) {
            suite.cases.push((device, outcome));
        }
    }
    suites
}

fn write<W: Write>(xml: &mut Xml<W>, run: &Collected) -> io::Result<()> {
    let summary = run.summary();
    let skipped = summary.count(Status::Skipped);
    let failures = summary.total - summary.successes() - skipped;
    xml.0.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let name = format!("fleetctl {}", run.info().command.label());
    xml.open(
        "testsuites",
        &[
            ("name", &name),
            ("uuid", &run.info().id.0),
            ("tests", &summary.total.to_string()),
            ("failures", &failures.to_string()),
            ("errors", "0"),
            ("skipped", &skipped.to_string()),
            ("time", &run_seconds(run.elapsed())),
        ],
    )?;
    let mut started = MomentText::default();
    let mut texts = Texts::default();
    for suite in suites(run) {
        let count = |is: fn(Status) -> bool| suite.cases.iter().filter(|(_, outcome)| is(outcome.status)).count();
        xml.open(
            "testsuite",
            &[
                ("name", suite.name),
                ("tests", &suite.cases.len().to_string()),
                ("failures", &count(|status| !status.is_success() && status != Status::Skipped).to_string()),
                ("errors", "0"),
                ("skipped", &count(|status| status == Status::Skipped).to_string()),
                (
                    "time",
                    &format!(
                        "{:.4}",
                        suite.cases.iter().map(|(_, outcome)| device_seconds(outcome.elapsed)).sum::<f64>()
                    ),
                ),
                ("timestamp", started.of(run.info().started_at)),
            ],
        )?;
        for (device, outcome) in &suite.cases {
            write_case(xml, run, (device, outcome), &mut texts)?;
        }
        xml.close("testsuite")?;
    }
    xml.close("testsuites")
}

fn write_case<W: Write>(
    xml: &mut Xml<W>,
    run: &Collected,
    (device, outcome): (&Device, &Outcome),
    texts: &mut Texts,
) -> io::Result<()> {
    let mask = Mask::new(device, outcome);
    xml.open(
        "testcase",
        &[
            ("name", &device.name),
            ("classname", &device.device_type),
            ("time", &format!("{:.4}", device_seconds(outcome.elapsed))),
        ],
    )?;
    let said = |failure: &Failure| mask.text(&failure.to_string()).into_owned();
    if outcome.status == Status::Skipped {
        xml.open("skipped", &[("message", &skipped_because(run, device, outcome))])?;
        xml.close("skipped")?;
    } else if !outcome.status.is_success() {
        let (message, advice) = match &outcome.error {
            Some(failure) => (said(failure), hint(failure, Some(outcome.status), outcome.delivery, device.medium)),
            None => (outcome.status.as_str().to_owned(), "".into()),
        };
        let kind = outcome.error.as_ref().map_or(outcome.status.as_str(), |failure| failure.kind.as_str());
        xml.open("failure", &[("message", &message), ("type", kind)])?;
        xml.text(&advice)?;
        xml.close("failure")?;
    }
    let again = if outcome.status.is_success() { "flakyFailure" } else { "rerunFailure" };
    for earlier in &outcome.earlier_errors {
        let message = format!("attempt {}: {}", earlier.attempt, said(&earlier.failure));
        xml.open(again, &[("message", &message), ("type", earlier.failure.kind.as_str())])?;
        xml.open("stackTrace", &[])?;
        xml.text(&hint(&earlier.failure, None, outcome.delivery, device.medium))?;
        xml.close("stackTrace")?;
        xml.close(again)?;
    }
    let mut facts = format!("address {}\nattempts {}", texts.address.of(&device.address), outcome.attempts);
    facts.extend(["\ndelivery ", outcome.delivery.as_str()]);
    if let Some(sent) = &outcome.sent {
        facts.extend(["\nsent ", texts.sent.of(sent).0]);
    }
    if let Some(reply) = &outcome.reply {
        facts.extend(["\nreply ", texts.reply.of(reply, &mask).0]);
    }
    xml.open("system-out", &[])?;
    xml.0.write_event(Event::Text(BytesText::new(&facts)))?;
    xml.close("system-out")?;
    xml.close("testcase")
}

/// Elements and texts, made safe.
struct Xml<W: Write>(Writer<W>);

impl<W: Write> Xml<W> {
    fn open(&mut self, name: &str, attributes: &[(&str, &str)]) -> io::Result<()> {
        let mut start = BytesStart::new(name);
        let texts: Vec<(&str, String)> = attributes.iter().map(|(key, text)| (*key, legal(text))).collect();
        start.extend_attributes(texts.iter().map(|(key, text)| (*key, text.as_str())));
        self.0.write_event(Event::Start(start))
    }

    fn text(&mut self, text: &str) -> io::Result<()> {
        self.0.write_event(Event::Text(BytesText::new(&legal(text))))
    }

    fn close(&mut self, name: &str) -> io::Result<()> {
        self.0.write_event(Event::End(BytesEnd::new(name)))
    }
}

/// Text without what XML 1.0 has no way to write: control characters and the two that are none.
fn legal(text: &str) -> String {
    printable(text).replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use super::super::super::test_run::{self, device};
    use super::*;
    use std::time::Duration;

    use crate::model::{AttemptError, Delivery, Ended, ErrorKind};

    fn render(all: Vec<(Device, Outcome)>) -> String {
        let events = test_run::run_of(test_run::action("power-on"), all, Ended::Completed);
        test_run::render(|sink| Box::new(Junit::new(sink)), events)
    }

    #[test]
    fn a_device_is_a_case_and_its_failed_attempts_are_reruns() {
        let failure = |kind| Failure::new(kind).waited(Duration::from_secs(8));
        let earlier = |attempt| AttemptError { attempt, failure: failure(ErrorKind::ConnectTimeout) };
        let flaky = Outcome {
            attempts: 2,
            earlier_errors: [earlier(1)].into(),
            ..test_run::ok(crate::model::Value::Text("01".into()))
        };
        let failed = Outcome {
            attempts: 3,
            earlier_errors: [earlier(1), earlier(2)].into(),
            ..test_run::outcome(Status::NoReply, Delivery::Unknown, 8000, Some(failure(ErrorKind::ReplyTimeout)))
        };
        let late = Outcome::skipped(crate::model::SkipReason::Deadline);
        let text = render(vec![
            (device("tv-1", "10.0.0.1"), flaky),
            (device("tv-2", "10.0.0.2"), failed),
            (Device { site: None, ..device("tv-3", "10.0.0.3") }, late),
        ]);
        insta::assert_snapshot!(text, @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuites name="fleetctl power-on" uuid="01JD2X0000000000000000TEST" tests="3" failures="1" errors="0" skipped="1" time="4.210">
          <testsuite name="hq" tests="2" failures="1" errors="0" skipped="0" time="8.1310" timestamp="2026-11-21T05:30:00.000Z">
            <testcase name="tv-1" classname="lg-rs232" time="0.1310">
              <flakyFailure message="attempt 1: no connection within 8s" type="connect_timeout">
                <stackTrace>Check power and network of the gateway, its address, and that no firewall drops the connection.</stackTrace>
              </flakyFailure>
              <system-out>address 10.0.0.1:23
        attempts 2
        delivery confirmed
        sent ka 01 01\r</system-out>
            </testcase>
            <testcase name="tv-2" classname="lg-rs232" time="8.0000">
              <failure message="no reply within 8s" type="reply_timeout">Check the serial cable (crossed, null-modem), that RS-232 control is enabled on the device, its set ID, and the command&apos;s terminator. In standby some devices answer nothing but power commands.</failure>
              <rerunFailure message="attempt 1: no connection within 8s" type="connect_timeout">
                <stackTrace>Check power and network of the gateway, its address, and that no firewall drops the connection.</stackTrace>
              </rerunFailure>
              <rerunFailure message="attempt 2: no connection within 8s" type="connect_timeout">
                <stackTrace>Check power and network of the gateway, its address, and that no firewall drops the connection.</stackTrace>
              </rerunFailure>
              <system-out>address 10.0.0.2:23
        attempts 3
        delivery unknown
        sent ka 01 01\r</system-out>
            </testcase>
          </testsuite>
          <testsuite name="field-tvs" tests="1" failures="0" errors="0" skipped="1" time="0.0000" timestamp="2026-11-21T05:30:00.000Z">
            <testcase name="tv-3" classname="lg-rs232" time="0.0000">
              <skipped message="not started, the run&apos;s deadline was over">
              </skipped>
              <system-out>address 10.0.0.3:23
        attempts 0
        delivery none</system-out>
            </testcase>
          </testsuite>
        </testsuites>
        "#);
    }

    #[test]
    fn what_xml_cannot_hold_is_escaped() {
        let failure = Failure::new(ErrorKind::Refused).detail("]]><x a=\"b\"> & \u{1b}[2J\u{ffff}");
        let failed = test_run::outcome(Status::Rejected, Delivery::Confirmed, 1, Some(failure));
        let text = render(vec![(device("<tv> & \"co\"\0", "h"), failed)]);
        let mut reader = quick_xml::Reader::from_str(&text);
        let mut names = Vec::new();
        loop {
            match reader.read_event().unwrap() {
                Event::Start(start) => {
                    for attribute in start.attributes() {
                        let attribute = attribute.unwrap();
                        let value = attribute.normalized_value(quick_xml::XmlVersion::default()).unwrap();
                        if attribute.key.as_ref() == "name" {
                            names.push(value.into_owned());
                        }
                    }
                }
                Event::Eof => break,
                _ => {}
            }
        }
        assert_eq!(names, ["fleetctl power-on", "hq", "<tv> & \"co\"\\u{0}"]);
        assert!(text.contains("[2J\u{fffd}"), "{text}");
    }
}
