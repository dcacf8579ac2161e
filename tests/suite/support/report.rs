//! Looks things up in a JSON report, and says what a device's entry must hold.

use serde_json::Value;

/// A parsed `fleetctl.report/1`.
pub(crate) struct Report {
    document: Value,
}

/// What a device's entry must say.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expected {
    /// `status`.
    pub(crate) status: &'static str,
    /// `error.kind`; `None`: `error` is null.
    pub(crate) kind: Option<&'static str>,
    /// `delivery`.
    pub(crate) delivery: &'static str,
    /// `attempts`.
    pub(crate) attempts: u64,
}

impl Report {
    /// Takes the document; panics unless it is a report whose counts agree with its devices.
    #[track_caller]
    pub(crate) fn new(document: Value) -> Self {
        assert_eq!(document["schema"], "fleetctl.report/1", "{document:#}");
        let report = Self { document };
        let statuses = ["ok", "sent", "rejected", "unreachable", "no_reply", "bad_reply", "mismatch", "skipped"];
        for status in statuses {
            let count = report.devices().iter().filter(|device| device["status"] == status).count();
            assert_eq!(report.count(status), count, "summary.{status} against the devices: {:#}", report.document);
        }
        assert_eq!(report.count("total"), report.devices().len());
        let attempts: u64 = report.devices().iter().map(|device| device["attempts"].as_u64().unwrap()).sum();
        assert_eq!(report.document["summary"]["attempts"], attempts);
        report
    }

    /// The whole document.
    pub(crate) fn document(&self) -> &Value {
        &self.document
    }

    /// All device entries in their order.
    pub(crate) fn devices(&self) -> &[Value] {
        self.document["devices"].as_array().unwrap()
    }

    /// The entry of one device.
    #[track_caller]
    pub(crate) fn device(&self, name: &str) -> &Value {
        let found = self.devices().iter().find(|device| device["name"] == name);
        found.unwrap_or_else(|| panic!("no device {name} in {:#}", self.document))
    }

    /// The names of all devices in their order.
    pub(crate) fn names(&self) -> Vec<&str> {
        device_names(&self.document)
    }

    /// A count of the summary.
    #[track_caller]
    pub(crate) fn count(&self, key: &str) -> usize {
        let count = &self.document["summary"][key];
        usize::try_from(count.as_u64().unwrap_or_else(|| panic!("summary.{key} is {count}"))).unwrap()
    }

    /// How the run ended.
    pub(crate) fn ended(&self) -> &str {
        self.document["ended"].as_str().unwrap()
    }

    /// Panics unless the device's entry is as expected, and consistent in itself.
    #[track_caller]
    pub(crate) fn expect(&self, name: &str, expected: Expected) -> &Value {
        let device = self.device(name);
        assert_eq!(device["status"], expected.status, "status of {device:#}");
        let kind = expected.kind.map_or(Value::Null, Value::from);
        assert_eq!(device["error"].get("kind").unwrap_or(&Value::Null), &kind, "error.kind of {device:#}");
        assert_eq!(device["delivery"], expected.delivery, "delivery of {device:#}");
        assert_eq!(device["attempts"], expected.attempts, "attempts of {device:#}");
        let earlier = device["earlier_errors"].as_array().unwrap();
        assert_eq!(earlier.len() as u64, expected.attempts.saturating_sub(1), "earlier_errors of {device:#}");
        if expected.kind.is_some() {
            let said = |key: &str| device["error"][key].as_str().is_some_and(|text| !text.is_empty());
            assert!(said("message") && said("hint"), "message and hint of {device:#}");
        }
        device
    }
}

/// The `name` of each entry of `devices` in any document that has them.
pub(crate) fn device_names(document: &Value) -> Vec<&str> {
    document["devices"].as_array().unwrap().iter().map(|device| device["name"].as_str().unwrap()).collect()
}
