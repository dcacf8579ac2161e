//! The HTML report in a real browser: light, dark and on a phone, without network.
//!
//! Needs the Debian package chromium (`tests/run` installs it); without it these tests fail and say so. What the browser
//! made of the page is asked of the browser: a page around it looks inside and writes what it finds into its title.

use std::path::Path;
use std::process::Command;

use crate::support::{FakeFleet, Workspace, closed_port, send};

/// A browser without its own traffic, in a profile of its own.
fn chromium(folder: &Path, arguments: &[&str]) -> String {
    let profile = format!("--user-data-dir={}", folder.join("profile").display());
    let output = Command::new("chromium")
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"])
        .args(["--disable-background-networking", "--disable-component-update", "--hide-scrollbars"])
        // The page around the report is another file, which may not look into it otherwise.
        .args(["--allow-file-access-from-files", "--disable-web-security", &profile])
        .args(arguments)
        .current_dir(folder)
        .env("HOME", folder)
        .output()
        .unwrap_or_else(|error| {
            panic!("chromium does not start ({error}): `tests/run` installs it, or `apt-get install chromium`")
        });
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// What a page of this width is in the browser: its own width, and what the expressions give.
fn looked_at(workspace: &Workspace, width: u32, dark: bool, expressions: &[&str]) -> Vec<String> {
    let script = expressions.join(", ");
    workspace.write(
        "around.html",
        &format!(
            "<iframe src=page.html style=\"width:{width}px;height:800px;border:0\"></iframe><script>\
             onload = () => {{ const page = document.querySelector('iframe').contentDocument;\
             const colour = of => page.defaultView.getComputedStyle(page.querySelector(of)).backgroundColor;\
             document.title = ['found', {script}].join(';') }}</script>"
        ),
    );
    let address = format!("file://{}", workspace.path("around.html").display());
    let scheme =
        if dark { "--blink-settings=preferredColorScheme=0" } else { "--blink-settings=preferredColorScheme=1" };
    let seen = chromium(workspace.folder(), &[scheme, "--dump-dom", &address]);
    let title = seen.split_once("<title>found;").and_then(|(_, rest)| rest.split_once("</title>"));
    let (found, _) = title.unwrap_or_else(|| panic!("the browser has not seen the page: {seen}"));
    found.split(';').map(str::to_owned).collect()
}

/// A page of a mixed night with sixty devices, one with a name that would like to be markup.
fn page() -> Workspace {
    let fleet = FakeFleet::start();
    fleet.on_command("127.15.0.3", 1, vec![vec![send("a 01 NG00x")]]);
    fleet.on_command("127.15.0.4", 1, vec![vec![]]);
    let (_closed, port) = closed_port("127.15.1.1");
    let workspace = Workspace::with_inventory(&format!(
        "[fleet]\nname = \"<script>document.title='broken'</script>\"\n[defaults]\ntype = \"lg-rs232\"\n[sites.hq]\n[sites.quay]\n\
         [[device]]\nname = \"tv-[01-50]\"\naddress = \"127.15.0.[1-50]:{}\"\nsite = \"hq\"\n\
         [[device]]\nname = \"wall-[1-9]\"\naddress = \"127.15.1.1:{port}\"\nsite = \"quay\"\nparams = {{ set_id = \"[1-9]\" }}\n\
         [[device]]\nname = \"a-very-long-name-that-has-no-place-to-break-and-would-push-a-narrow-page-apart\"\n\
         address = \"127.15.1.1:{port}\"\nsite = \"quay\"\nparams = {{ set_id = 10 }}\n",
        fleet.port()
    ));
    let run = ["run", "--do", "power-on", "--retries", "0", "--reply-timeout", "500ms", "--report", "html=page.html"];
    workspace.fleetctl(&run).expect_status(1);
    workspace
}

#[test]
fn the_page_shows_every_device_and_fits_a_phone() {
    let workspace = page();
    for width in [320, 360, 1200] {
        let found = looked_at(
            &workspace,
            width,
            false,
            &[
                "page.documentElement.scrollWidth",
                "page.querySelectorAll('.field a').length",
                "page.querySelectorAll('.field .ok').length",
                "page.querySelectorAll('article').length",
                "page.querySelectorAll('.site').length",
                "page.querySelectorAll('svg rect').length > 0",
                "page.scripts.length",
                "page.defaultView.performance.getEntriesByType('resource').length",
            ],
        );
        let width = width.to_string();
        assert_eq!(found, [&width, "60", "48", "3", "2", "true", "0", "0"], "a page of {width} pixels");
    }
}

#[test]
fn the_page_is_light_or_dark_as_the_reader_likes_and_a_square_leads_to_its_device() {
    let workspace = page();
    let seen =
        |dark| looked_at(&workspace, 800, dark, &["colour('body')", "colour('section')", "colour('.field .ok')"]);
    let (light, dark) = (seen(false), seen(true));
    for (light, dark) in light.iter().zip(&dark) {
        assert_ne!(light, dark);
    }
    let brightness = |colour: &String| -> u32 {
        colour.split(|c: char| !c.is_ascii_digit()).filter_map(|part| part.parse::<u32>().ok()).sum()
    };
    assert!(brightness(&light[0]) > 600 && brightness(&dark[0]) < 150, "{light:?} {dark:?}");
    let found = looked_at(
        &workspace,
        800,
        false,
        &[
            "[...page.querySelectorAll('.field a')].every(a => page.querySelector(a.getAttribute('href')).cells.length == 9)",
        ],
    );
    assert_eq!(found, ["true"]);
}

/// How many of a picture's points have this colour.
fn points_of(png: &Path, colour: [u8; 3]) -> usize {
    let decoder = png::Decoder::new(std::io::BufReader::new(std::fs::File::open(png).unwrap()));
    let mut reader = decoder.read_info().unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut bytes).unwrap();
    bytes[..info.buffer_size()].chunks_exact(info.color_type.samples()).filter(|point| point[..3] == colour).count()
}

#[test]
fn a_screenshot_shows_the_colours_of_what_happened() {
    let workspace = page();
    let address = format!("file://{}", workspace.path("page.html").display());
    let picture = workspace.path("page.png");
    let into = format!("--screenshot={}", picture.display());
    let scheme = "--blink-settings=preferredColorScheme=1";
    chromium(workspace.folder(), &[scheme, "--window-size=1000,1600", &into, &address]);
    // As in the style sheet: success, refused connections, refusals, silence.
    for (name, colour, least) in [
        ("ok", [0x2f, 0x9e, 0x5f], 5000),
        ("unreachable", [0x8f, 0x2d, 0x3c], 1000),
        ("rejected", [0xd9, 0x82, 0x2b], 200),
        ("no_reply", [0xd6, 0x45, 0x50], 200),
    ] {
        let points = points_of(&picture, colour);
        assert!(points > least, "{points} points of {name}");
    }
}
