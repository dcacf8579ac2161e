//! What every refused input has in common: status 2, a message that helps, an empty stdout, and not one connection.

use std::path::Path;

use crate::support::{FakeFleet, Finished, Workspace};

/// A listening display that must never be connected to, and a valid inventory with it.
pub(super) struct Bystander {
    pub(super) fleet: FakeFleet,
    pub(super) workspace: Workspace,
}

impl Bystander {
    /// With this inventory, in which `PORT` stands for the display's port.
    pub(super) fn with_inventory(text: &str) -> Self {
        let fleet = FakeFleet::start();
        let workspace = Workspace::with_inventory(&text.replace("PORT", &fleet.port().to_string()));
        Self { fleet, workspace }
    }

    /// With three good displays, two of them behind one gateway.
    pub(super) fn new() -> Self {
        Self::with_inventory(
            "[groups]\nlobby = \"tag:lobby\"\n[defaults]\ntype = \"lg-rs232\"\n\
             [[device]]\nname = \"tv-1\"\naddress = \"127.11.0.1:PORT\"\ntags = [\"lobby\"]\n\
             [[device]]\nname = \"wall-[1-2]\"\naddress = \"127.11.0.2:PORT\"\nparams = { set_id = \"[1-2]\" }\n",
        )
    }

    /// Adds a second device type: the built-in one under another name, perhaps with a secret parameter.
    pub(super) fn with_second_type(self, name: &str, secret: Option<&str>) -> Self {
        let mut table: toml::Table = toml::from_str(&built_in_type().replace("lg-rs232", name)).unwrap();
        if let Some(secret) = secret {
            let declared = toml::Table::from_iter([("kind".to_owned(), "secret".into())]);
            table["params"].as_table_mut().unwrap().insert(secret.to_owned(), declared.into());
        }
        self.workspace.write(&format!("device-types/{name}.toml"), &toml::to_string(&table).unwrap());
        self
    }

    /// Runs, and checks that it was refused before anything was sent, with all these texts in the message.
    #[track_caller]
    pub(super) fn refuses(&self, arguments: &[&str], texts: &[&str]) -> Finished {
        let finished = self.workspace.fleetctl(arguments);
        finished.expect_status(2);
        assert_eq!(finished.stdout, "", "stdout is for the document: {finished}");
        for text in texts {
            assert!(finished.stderr.contains(text), "`{text}` is missing in {finished}");
        }
        assert_eq!(self.fleet.connections(), 0, "something was sent: {finished}");
        finished
    }
}

/// The text of the built-in type's file.
pub(super) fn built_in_type() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/device-types/lg-rs232.toml");
    std::fs::read_to_string(path).unwrap()
}
