//! How `doctor` is called: an address or a device of the inventory, what it writes, and what it refuses before sending.

use crate::support::{FakeFleet, Workspace};

fn inventory(fleet: &FakeFleet) -> Workspace {
    let workspace = Workspace::with_inventory(&format!(
        "[defaults]\ntype = \"lg-rs232\"\n\n[[device]]\nname = \"tv-[1-2]\"\naddress = \"127.21.0.1:{}\"\nparams = {{ set_id = \"[3-4]\" }}\n",
        fleet.port()
    ));
    fleet.daisy_chain("127.21.0.1", [3, 4]);
    workspace
}

#[test]
fn a_device_of_the_inventory_is_asked_with_its_own_parameters() {
    let fleet = FakeFleet::start();
    let workspace = inventory(&fleet);
    workspace.fleetctl(&["doctor", "tv-2", "--write", "out/tv.toml"]).expect_status(2);
    workspace.fleetctl(&["doctor", "tv-2", "--write", "tv.toml"]).expect_status(0);
    assert_eq!(fleet.journal("127.21.0.1").texts(), ["ka 04 ff"]);
    let address = format!("127.21.0.1:{}", fleet.port());
    assert_eq!(
        workspace.read("tv.toml"),
        format!(
            "[[device]]\nname = \"tv-2\"\naddress = \"{address}\"\ntype = \"lg-rs232\"\nparams = {{ set_id = 4 }}\n"
        )
    );
    let run = workspace.fleetctl(&["run", "-i", "tv.toml", "--do", "power-on", "--format", "json"]);
    assert_eq!(run.expect_status(0).report().names(), ["tv-2"]);
}

#[test]
fn an_address_has_its_parameters_on_the_command_line() {
    let fleet = FakeFleet::start();
    let workspace = inventory(&fleet);
    let address = format!("127.21.0.1:{}", fleet.port());
    let arguments = ["doctor", &address, "--type", "lg-rs232", "--param", "set_id=3", "--param", "id_digits=3"];
    workspace.fleetctl(&arguments).expect_status(0);
    assert_eq!(fleet.journal("127.21.0.1").texts(), ["ka 003 ff"]);
}

#[test]
fn an_entry_for_an_ipv6_address_can_be_read() {
    let workspace = Workspace::new();
    let listener = std::net::TcpListener::bind("[::1]:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        use std::io::{Read as _, Write as _};
        for mut stream in listener.incoming().flatten() {
            let mut request = [0; 64];
            while let Ok(1..) = stream.read(&mut request) {
                stream.write_all(b"a 01 OK01x").ok();
            }
        }
    });
    let address = format!("[::1]:{port}");
    workspace.fleetctl(&["doctor", &address, "--type", "lg-rs232", "--write", "tv.toml"]).expect_status(0);
    workspace.fleetctl(&["run", "-i", "tv.toml", "--do", "power-on"]).expect_status(0);
}

#[test]
fn a_mistake_is_told_before_anything_is_sent() {
    let fleet = FakeFleet::start();
    let workspace = inventory(&fleet);
    workspace.write("mine.toml", "# mine\n");
    let address = format!("127.21.0.1:{}", fleet.port());
    let cases: [(&[&str], &[&str]); 11] = [
        (&["tv-3"], &["no device `tv-3` in fleet.toml", "did you mean `tv-"]),
        (&[&address], &["no device `127.21.0.1", "--type"]),
        (&[&address, "--type", "lg-rs233"], &["no device type `lg-rs233`", "did you mean `lg-rs232`"]),
        (&["127.21.0.1:0", "--type", "lg-rs232"], &["`0` is no port"]),
        (&["", "--type", "lg-rs232"], &["the host is missing"]),
        (&[&address, "--param", "set_id=3"], &["--type"]),
        (&[&address, "--type", "lg-rs232", "--param", "set=3"], &["`--param set`", "set_id"]),
        (&[&address, "--type", "lg-rs232", "--param", "set_id=0"], &["`--param set_id` must be"]),
        (&[&address, "--type", "lg-rs232", "--param", "set_id=1", "--param", "set_id=2"], &["given twice"]),
        (&["tv-1", "--write", "mine.toml"], &["mine.toml", "exists"]),
        (&["tv-1", "-i", "none.toml"], &["none.toml"]),
    ];
    for (arguments, texts) in cases {
        let finished = workspace.fleetctl(&[&["doctor"], arguments].concat());
        finished.expect_status(2);
        for text in texts {
            assert!(finished.stderr.contains(text), "no `{text}` in {finished}");
        }
    }
    assert_eq!((fleet.connections(), workspace.read("mine.toml").as_str()), (0, "# mine\n"));
}
