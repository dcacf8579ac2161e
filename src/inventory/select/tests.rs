//! Selectors over a small fleet: whom they mean, and what each term that means nothing says.

use super::{Selection, parse, resolve};
use crate::inventory::Fleet;
use crate::inventory::testing::fleet;

fn small() -> Fleet {
    fleet(
        r#"
        [defaults]
        type = "lg-rs232"
        [sites.hq]
        [sites.lab]
        [sites.empty]
        [groups]
        lobby = "tag:lobby and not tag:maintenance"
        both = "@lobby or pump"
        stale = "tv-9 or tag:gone"
        unsure = "@nobody"
        [[device]]
        name = "tv-[1-4]"
        address = "10.0.0.[1-4]"
        site = "hq"
        tags = ["lobby"]
        [[device]]
        name = "wall-[01-02]"
        address = "wall"
        site = "lab"
        params = { set_id = "[1-2]" }
        [[device]]
        name = "pump"
        type = "devantech-eth008"
        address = "relay"
        tags = ["wet", "lobby x"]
        [[device]]
        name = "tv one"
        address = "one"
        [[device]]
        name = "and"
        address = "two"
        "#,
    )
}

fn select(text: &str) -> Result<(String, Vec<String>), Vec<String>> {
    let fleet = small();
    let Selection { positions, warnings } = resolve(&parse(text).unwrap(), &fleet).map_err(|errors| {
        errors
            .iter()
            .map(|error| format!("{:?} {} {}", error.at, error.message, error.help.as_deref().unwrap_or("-")))
            .collect::<Vec<_>>()
    })?;
    let names: Vec<&str> = positions.iter().map(|&position| &*fleet.devices[position as usize].name).collect();
    Ok((names.join(" "), warnings))
}

#[test]
fn a_selector_means_its_devices_in_inventory_order() {
    for (text, names) in [
        ("tv-3, tv-1", "tv-1 tv-3"),
        ("tv-*", "tv-1 tv-2 tv-3 tv-4"),
        ("tv?one", "tv one"),
        ("*-?", "tv-1 tv-2 tv-3 tv-4"),
        ("wall-[01-02]", "wall-01 wall-02"),
        ("\"tv one\" or \"and\"", "tv one and"),
        ("@lobby", "tv-1 tv-2 tv-3 tv-4"),
        ("@both and not tv-[1-3]", "tv-4 pump"),
        ("type:lg-rs232 and not site:hq", "wall-01 wall-02 tv one and"),
        ("type:devantech-*", "pump"),
        ("site:lab or tag:\"lobby x\"", "wall-01 wall-02 pump"),
        ("not (tv-* or type:lg-rs232)", "pump"),
        ("not not pump", "pump"),
        ("*", "tv-1 tv-2 tv-3 tv-4 wall-01 wall-02 pump tv one and"),
    ] {
        assert_eq!(select(text).map(|found| found.0), Ok(names.to_owned()), "{text}");
    }
    assert_eq!(Selection::all(&small()).positions.len(), 9);
}

#[test]
fn a_term_that_means_nothing_is_an_error_with_the_nearest_name() {
    for (text, errors) in [
        ("tv-9", &["0..4 no device is named `tv-9` did you mean `tv-1`?"][..]),
        ("tv-1 or tv-9*", &["8..13 no device's name matches `tv-9*` did you mean `tv-1`?"]),
        ("tv-[7-9]", &["0..8 no device of the range `tv-[7-9]` exists did you mean `tv-1`?"]),
        ("wall-of-the-lobby", &["0..17 no device is named `wall-of-the-lobby` did you mean `wall-01`?"]),
        ("pa-system", &["0..9 no device is named `pa-system` -"]),
        ("lobby", &["0..5 no device is named `lobby` did you mean `@lobby`?"]),
        ("hq", &["0..2 no device is named `hq` did you mean `site:hq`?"]),
        ("wet", &["0..3 no device is named `wet` did you mean `tag:wet`?"]),
        ("lg-rs232", &["0..8 no device is named `lg-rs232` did you mean `type:lg-rs232`?"]),
        ("tag=lobby", &["0..9 no device is named `tag=lobby` did you mean `tag:lobby`?"]),
        ("site=wet", &["0..8 no device is named `site=wet` -"]),
        ("@loby", &["0..5 unknown group `loby` did you mean `lobby`?"]),
        ("site:hw", &["0..7 unknown site `hw` did you mean `hq`?"]),
        ("type:lg-rs323", &["0..13 unknown device type `lg-rs323` did you mean `lg-rs232`?"]),
        ("tag:loby", &["0..8 no device has the tag `loby` did you mean `lobby`?"]),
        ("site:empty", &["0..10 no device has the site `empty` -"]),
        ("type:smart-home-hub", &["0..19 no device has the device type `smart-home-hub` -"]),
        (
            "pump and pumpe, @x",
            &[
                "9..14 no device is named `pumpe` did you mean `pump`?",
                "16..18 unknown group `x` known: both, lobby, stale, unsure",
            ],
        ),
        (
            "pump or @stale",
            &[
                "8..14 in group `stale`: no device has the tag `gone` known: lobby, lobby x, wet",
                "8..14 in group `stale`: no device is named `tv-9` did you mean `tv-1`?",
            ],
        ),
        ("@unsure", &["0..7 in group `unsure`: unknown group `nobody` known: both, lobby, stale, unsure"]),
        ("* and not site:hw", &["10..17 unknown site `hw` did you mean `hq`?"]),
        ("* and not type:x", &["10..16 unknown device type `x` known: devantech-eth008, lg-rs232, smart-home-hub"]),
        ("* and not @x", &["10..12 unknown group `x` known: both, lobby, stale, unsure"]),
        ("pump and tv-1", &["0..13 the selector matches no device -"]),
        ("not *", &["4..5 the selector matches no device -"]),
    ] {
        let expected: Vec<String> = errors.iter().map(|&error| error.to_owned()).collect();
        match select(text) {
            Err(mut found) if text == "not *" => {
                // Its place starts where the expression does.
                assert_eq!(found.pop().unwrap(), "0..5 the selector matches no device -");
            }
            found => assert_eq!(found, Err(expected), "{text}"),
        }
    }
}

#[test]
fn what_may_be_missing_is_a_warning() {
    for (text, warnings) in [
        ("tv-[3-6]", &["of the range `tv-[3-6]` these devices do not exist: tv-[5-6]"][..]),
        ("* and not tag:maintenance", &["no device has the tag `maintenance`"]),
        ("* and not tv-9", &["no device is named `tv-9`"]),
        ("* and not x*", &["no device's name matches `x*`"]),
        ("* and not tv-[7-9]", &["no device of the range `tv-[7-9]` exists"]),
        ("* and not site:empty", &["no device has the site `empty`"]),
        ("@lobby", &["in group `lobby`: no device has the tag `maintenance`"]),
        (
            "* and not @stale",
            &["in group `stale`: no device is named `tv-9`", "in group `stale`: no device has the tag `gone`"],
        ),
    ] {
        assert_eq!(select(text).map(|found| found.1), Ok(warnings.iter().map(|&w| w.to_owned()).collect()), "{text}");
    }
}

#[test]
fn of_a_long_range_ten_thousand_missing_devices_are_named_and_the_others_counted() {
    let missing = |text: &str| select(text).unwrap().1.join("\n");
    let head = "of the range";
    assert_eq!(missing("tv-[1-10004]"), format!("{head} `tv-[1-10004]` these devices do not exist: tv-[5-10004]"));
    assert_eq!(
        missing("tv-[1-10007]"),
        format!("{head} `tv-[1-10007]` these devices do not exist: tv-[5-10004] and 3 more")
    );
}

#[test]
fn many_unknown_names_are_reported_in_few_words() {
    let text: Vec<String> = (100..3000).map(|n| format!("tv-{n}")).collect();
    let errors = select(&text.join(",")).unwrap_err();
    assert_eq!(errors.len(), 11);
    assert!(errors[10].contains("these 2890 names: tv-[110-2999]"), "{}", errors[10]);
}

/// Two displays and a pump, with so many groups, each made of the next as `link` says; the last is the displays.
fn chain(length: usize, link: fn(usize) -> String) -> Fleet {
    let groups: Vec<String> = (0..length).map(|number| format!("g{number} = \"{}\"", link(number + 1))).collect();
    fleet(&format!(
        r#"
        [groups]
        g{length} = "tv-*"
        {}
        [defaults]
        type = "lg-rs232"
        [[device]]
        name = "tv-[1-2]"
        address = "10.0.0.[1-2]"
        [[device]]
        name = "pump"
        address = "10.0.0.3"
        "#,
        groups.join("\n")
    ))
}

#[test]
fn groups_that_name_the_next_one_twice_are_each_looked_into_once() {
    let fleet = chain(60, |next| format!("@g{next} and not (not @g{next} or pump)"));
    assert_eq!(resolve(&parse("@g0").unwrap(), &fleet).unwrap().positions, [0, 1]);
}

#[test]
fn groups_of_groups_without_end_are_a_mistake() {
    let fleet = chain(5_000, |next| format!("@g{next}"));
    let errors = resolve(&parse("@g0").unwrap(), &fleet).unwrap_err();
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(errors[0].message.ends_with("group `g100` stands more than 100 groups deep"), "{errors:?}");
    assert_eq!(resolve(&parse("@g4950").unwrap(), &fleet).unwrap().positions, [0, 1]);
}
