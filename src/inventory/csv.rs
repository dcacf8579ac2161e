//! `inventory import`: a spreadsheet becomes an inventory.
//!
//! Knows columns and TOML's quoting, not device types: every column that is not a field of a device is a parameter, and
//! loading the result judges it.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::Read;

/// A mistake in a spreadsheet.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct ImportError {
    /// From 1; the header's line is the first.
    pub line: u64,
    /// What is wrong.
    pub message: String,
}

/// The columns that are fields of a device; `tags` holds several, by spaces or `;`.
const FIELDS: [&str; 5] = ["name", "address", "type", "site", "tags"];

/// Begins the line `sep=;` that some programs write above the header, for Excel.
const DELIMITER_LINE: &str = "sep=";

/// Turns CSV with a header row, columns parted by `,` or `;`, into the TOML text of an inventory.
///
/// # Errors
/// Every mistake of the spreadsheet.
pub fn import(mut reader: impl Read) -> Result<String, Vec<ImportError>> {
    let at = |line, message: String| ImportError { line, message };
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes).map_err(|error| vec![at(1, format!("cannot be read: {error}"))])?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let line = 1 + error.as_bytes().iter().take(valid).filter(|&&byte| byte == b'\n').count() as u64;
        vec![at(line, "is no UTF-8 text: save the spreadsheet as UTF-8".to_owned())]
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let mut rows = csv::ReaderBuilder::new()
        .delimiter(delimiter(text))
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let mut errors = Vec::new();
    let mut header: Vec<String> = Vec::new();
    let mut sites = BTreeSet::new();
    let mut devices = String::new();
    for row in rows.records() {
        let row = row.map_err(|error| {
            vec![at(error.position().map_or(1, csv::Position::line), "cannot be read as CSV".to_owned())]
        })?;
        let line = row.position().map_or(1, |position| line_of(position, text));
        if header.is_empty() && row.get(0).is_some_and(|cell| cell.starts_with(DELIMITER_LINE)) {
            // Not a row: it says what parts the columns.
        } else if header.is_empty() && row.iter().any(|cell| !cell.is_empty()) {
            header = row.iter().map(column_name).collect();
            judge_header(&header, line, &mut errors);
        } else if row.iter().all(str::is_empty) {
            // Spreadsheets write empty rows as separators alone.
        } else if row.len() == header.len() {
            write_device(&header, &row, line, &mut devices, &mut sites, &mut errors);
        } else {
            errors.push(at(line, format!("{} columns, but the header has {}", row.len(), header.len())));
        }
    }
    if header.is_empty() {
        errors
            .push(at(1, "the header row is missing: it names the columns, `name` and `address` among them".to_owned()));
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let mut toml = String::new();
    if !header.iter().any(|column| column == "type") {
        toml.push_str("# The spreadsheet has no column `type`: name the type of its devices here.\n");
        toml.push_str("[defaults]\n# type = \"lg-rs232\"\n\n");
    }
    for site in sites {
        // Writing to a `String` cannot fail.
        _ = writeln!(toml, "[sites.{}]\n# timezone = \"Europe/Berlin\"\n", quoted(&site));
    }
    toml.push_str(devices.trim_end());
    toml.push('\n');
    Ok(toml)
}

/// The line of a record: the reader's position is that of the empty lines before it, where there are some.
fn line_of(position: &csv::Position, text: &str) -> u64 {
    let start = usize::try_from(position.byte()).unwrap_or(usize::MAX);
    let rest = text.as_bytes().get(start..).unwrap_or_default();
    let empty = rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).filter(|&&byte| byte == b'\n').count();
    position.line() + empty as u64
}

/// What parts the columns: whichever of the two the header has more of, outside quotes.
fn delimiter(text: &str) -> u8 {
    let header = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    match header.strip_prefix(DELIMITER_LINE).map(str::trim) {
        Some(";") => return b';',
        Some(",") => return b',',
        _ => {}
    }
    let mut quoted = false;
    let (mut commas, mut semicolons) = (0, 0);
    for c in header.chars() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => commas += 1,
            ';' if !quoted => semicolons += 1,
            _ => {}
        }
    }
    if semicolons > commas { b';' } else { b',' }
}

/// Fields are known however they are capitalised; parameters are left as they are written.
fn column_name(name: &str) -> String {
    let lower = name.to_lowercase();
    if FIELDS.contains(&lower.as_str()) { lower } else { name.to_owned() }
}

fn judge_header(header: &[String], line: u64, errors: &mut Vec<ImportError>) {
    let mut wrong = |message: String| errors.push(ImportError { line, message });
    for needed in ["name", "address"] {
        if !header.iter().any(|column| column == needed) {
            wrong(format!("the column `{needed}` is missing"));
        }
    }
    for (index, column) in header.iter().enumerate() {
        if !column.is_empty() && header.iter().take(index).any(|earlier| earlier == column) {
            wrong(format!("the column `{column}` comes twice"));
        }
    }
}

fn write_device(
    header: &[String],
    row: &csv::StringRecord,
    line: u64,
    toml: &mut String,
    sites: &mut BTreeSet<String>,
    errors: &mut Vec<ImportError>,
) {
    let mut params = Vec::new();
    toml.push_str("[[device]]\n");
    for (column, cell) in header.iter().zip(row) {
        match column.as_str() {
            "name" | "address" if cell.is_empty() => {
                errors.push(ImportError { line, message: format!("`{column}` is empty") });
            }
            _ if cell.is_empty() => {}
            // Spreadsheets write empty columns, too; only one with something in it needs a name.
            "" => errors.push(ImportError { line, message: format!("`{cell}` stands in a column without a name") }),
            "tags" => {
                let tags = cell.split(|c: char| c.is_whitespace() || c == ';').filter(|tag| !tag.is_empty());
                _ = writeln!(toml, "tags = [{}]", tags.map(quoted).collect::<Vec<_>>().join(", "));
            }
            "name" | "address" | "type" | "site" => {
                if column == "site" {
                    sites.insert(cell.to_owned());
                }
                _ = writeln!(toml, "{column} = {}", quoted(cell));
            }
            _ => params.push(format!("{} = {}", key(column), value(cell))),
        }
    }
    if !params.is_empty() {
        _ = writeln!(toml, "params = {{ {} }}", params.join(", "));
    }
    toml.push('\n');
}

fn key(name: &str) -> String {
    let bare = name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
    if bare { name.to_owned() } else { quoted(name) }
}

/// Integers and switches bare; `007` is a text, as a number would lose its zeros.
fn value(cell: &str) -> String {
    let is_integer = cell.parse::<i64>().is_ok_and(|number| number.to_string() == cell);
    match cell {
        "true" | "false" => cell.to_owned(),
        "TRUE" | "FALSE" => cell.to_lowercase(),
        _ if is_integer => cell.to_owned(),
        _ => quoted(cell),
    }
}

/// A text as TOML writes it.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => _ = write!(out, "\\u{:04X}", u32::from(c)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::testing::fleet;

    #[test]
    fn a_spreadsheet_becomes_an_inventory_that_loads() {
        let comma = "\u{feff}Name,address,type,site,tags,set_id,label\r\n\
            tv-1,10.0.0.1,lg-rs232,hq north,lobby;east,007,\"a \"\"b\"\" \\ c\"\r\n\
            ,,,,,,\r\n\
            tv-2,10.0.0.2:99,lg-rs232,,lobby west,2,\r\n";
        let toml = import(comma.as_bytes()).unwrap();
        let fleet = fleet(&toml);
        let shown: Vec<String> = fleet
            .devices
            .iter()
            .map(|one| format!("{} {} {:?} {:?} {:?}", one.name, one.address, one.site, one.tags, one.params))
            .collect();
        assert_eq!(
            shown,
            [
                "tv-1 10.0.0.1:23 Some(\"hq north\") [\"lobby\", \"east\"] \
                 Params([(\"label\", Text(\"a \\\"b\\\" \\\\ c\")), (\"set_id\", Int(7))])",
                "tv-2 10.0.0.2:99 None [\"lobby\", \"west\"] Params([(\"set_id\", Int(2))])",
            ]
        );
    }

    #[test]
    fn values_keep_their_kind() {
        let toml = import("name;address;relay;inverted;x y\npump;relay.example;1;TRUE;01\n".as_bytes()).unwrap();
        assert!(toml.contains("params = { relay = 1, inverted = true, \"x y\" = \"01\" }"), "{toml}");
        assert!(toml.starts_with("# The spreadsheet has no column `type`"), "{toml}");
    }

    #[test]
    fn every_mistake_of_a_spreadsheet_has_its_line() {
        for (text, wrong) in [
            ("", "line 1: the header row is missing: it names the columns, `name` and `address` among them"),
            ("name,type\n", "line 1: the column `address` is missing"),
            ("address\n", "line 1: the column `name` is missing"),
            ("name,address,Name\n", "line 1: the column `name` comes twice"),
            (
                "name,address\na,b\nc\n\nd,e,f\n,g\n",
                "line 3: 1 columns, but the header has 2|line 5: 3 columns, but the header has 2|line 6: `name` is empty",
            ),
        ] {
            let errors: Vec<String> = import(text.as_bytes()).unwrap_err().iter().map(ToString::to_string).collect();
            assert_eq!(errors.join("|"), wrong, "{text:?}");
        }
    }

    fn messages(csv: &str) -> Vec<String> {
        import(csv.as_bytes()).unwrap_err().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_spreadsheet_is_read_however_it_was_saved() {
        let rows = [
            "Name;Address;TYPE;Site;Tags;set_id;label;;",
            "\"tv \"\"one\"\"\";10.0.0.1;lg-rs232;hq;\"lobby;first floor\";007;\"a\nb, c\";;",
            ";;;;;;;;",
            "tv-[1-2];b\u{fc}ro.example:4001;lg-rs232;;;[1-2];TRUE;;",
        ];
        for text in [
            rows.join("\n"),
            format!("\u{feff}{}\r\n", rows.join("\r\n")),
            format!("sep=;\r\n{}", rows.join("\r\n")),
            format!("\n;;;;;;;;\n{}", rows.join("\n")),
            rows.join("\n")
                .replace(',', "\u{0}")
                .replace("lobby;first", "lobby,first")
                .replace(';', "\t")
                .replace('\t', ",")
                .replace("lobby,first", "lobby;first")
                .replace('\u{0}', ","),
        ] {
            let toml = import(text.as_bytes()).unwrap_or_else(|errors| panic!("{errors:?}: {text}"));
            let fleet = fleet(&toml);
            let shown: Vec<String> = fleet
                .devices
                .iter()
                .map(|one| {
                    let params: Vec<String> = one.params.iter().map(|(key, value)| format!("{key}={value}")).collect();
                    format!("{} {} {:?} {:?} {}", one.name, one.address, one.site, one.tags, params.join(" "))
                })
                .collect();
            let expected = [
                "tv \"one\" 10.0.0.1:23 Some(\"hq\") [\"lobby\", \"first\", \"floor\"] label=a\nb, c set_id=7",
                "tv-1 b\u{fc}ro.example:4001 None [] label=true set_id=1",
                "tv-2 b\u{fc}ro.example:4001 None [] label=true set_id=2",
            ];
            assert_eq!(shown, expected, "{toml}");
        }
    }

    #[test]
    fn all_mistakes_of_a_spreadsheet_are_found_at_once() {
        assert_eq!(
            messages(""),
            ["line 1: the header row is missing: it names the columns, `name` and `address` among them"]
        );
        assert_eq!(
            messages("name,adress,x,x,\na\n,b,1,2,\n\na,b,1,2,3\n"),
            [
                "line 1: the column `address` is missing",
                "line 1: the column `x` comes twice",
                "line 2: 1 columns, but the header has 5",
                "line 3: `name` is empty",
                "line 5: `3` stands in a column without a name",
            ]
        );
        let latin = import(&b"name,address\nb\xfcro,a\n"[..]).unwrap_err();
        assert_eq!(latin[0].to_string(), "line 2: is no UTF-8 text: save the spreadsheet as UTF-8");
    }

    proptest::proptest! {
        #[test]
        fn what_stands_in_a_cell_comes_out_as_it_was(
            names in proptest::collection::btree_set("[a-zäß€ \"\\\\,;'#=]{1,12}", 1..8),
            label in "[ -~ä\t\n]{0,10}",
        ) {
            let label = label.trim();
            let names: BTreeSet<&str> = names.iter().map(|name| name.trim()).filter(|name| !name.is_empty()).collect();
            proptest::prop_assume!(!label.contains(['[', ']']) && !matches!(label, "TRUE" | "FALSE"));
            let mut rows = csv::Writer::from_writer(Vec::new());
            rows.write_record(["name", "address", "type", "label"]).unwrap();
            for (index, name) in names.iter().enumerate() {
                rows.write_record([*name, &format!("gateway-{index}"), "lg-rs232", label]).unwrap();
            }
            let fleet = fleet(&import(rows.into_inner().unwrap().as_slice()).unwrap());
            let read: Vec<&str> = fleet.devices.iter().map(|one| &*one.name).collect();
            proptest::prop_assert!(read.iter().eq(names.iter()), "{:?}", read);
            let written = Some(label.to_owned()).filter(|label| !label.is_empty());
            for one in fleet.devices.iter() {
                proptest::prop_assert_eq!(one.params.get("label").map(ToString::to_string), written.clone());
            }
        }
    }
}
