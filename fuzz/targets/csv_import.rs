//! `inventory import`: a spreadsheet is refused with its lines, or becomes TOML that says of each row what the row says.

use fleetctl::inventory::import;
use toml::Table;

/// The target.
pub(super) fn csv_import(data: &[u8]) {
    let lines = data.iter().filter(|byte| matches!(byte, b'\n' | b'\r')).count() as u64 + 1;
    let text = match import(data) {
        Ok(text) => text,
        Err(errors) => {
            assert!(!errors.is_empty() && errors.len() <= data.len() + 3, "{errors:?}");
            assert!(errors.iter().all(|error| (1..=lines).contains(&error.line)), "{lines} lines: {errors:?}");
            return;
        }
    };
    assert!(text.len() <= 40 * data.len() + 200, "{} bytes become {}", data.len(), text.len());
    let tree: Table = text.parse().unwrap_or_else(|error| panic!("{error}\n{text}"));
    assert!(tree.keys().all(|key| matches!(key.as_str(), "defaults" | "sites" | "device")), "{text}");
    let none = Vec::new();
    let devices = tree.get("device").map_or(&none, |devices| devices.as_array().unwrap());
    assert!(devices.len() as u64 <= lines, "{} devices in {lines} lines", devices.len());
    for device in devices {
        let device = device.as_table().unwrap();
        for key in ["name", "address"] {
            let cell = device.get(key).and_then(|cell| cell.as_str()).unwrap();
            // What stands in a cell stands in the spreadsheet, but for quotes, which mean something there.
            assert!(!cell.is_empty() && bare(&String::from_utf8_lossy(data)).contains(&bare(cell)), "{key} {cell:?}");
        }
    }
}

fn bare(text: &str) -> String {
    text.chars().filter(|c| *c != '"' && !c.is_whitespace()).collect()
}
