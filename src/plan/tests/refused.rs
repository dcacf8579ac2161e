//! What a plan refuses or warns of, before anything is sent, and with which words.

use std::collections::BTreeMap;

use super::{DISPLAYS, plan_and_words, planned};
use crate::model::Command;

const WALL: &str = "[[device]]\nname = \"wall-[1-3]\"\ntype = \"lg-rs232\"\naddress = \"10.0.0.7\"\n\
                    params = { set_id = \"[1-3]\" }\n";

fn raw(text: &str) -> Command {
    Command::raw(text)
}

fn arguments(args: &[(&str, &str)]) -> BTreeMap<String, String> {
    args.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn action(name: &str, args: &[(&str, &str)]) -> Command {
    Command::Action { name: name.to_owned(), args: arguments(args) }
}

fn raw_with(text: &str, args: &[(&str, &str)]) -> Command {
    Command::Raw { text: text.to_owned(), args: arguments(args) }
}

#[test]
fn one_command_for_several_displays_behind_one_gateway_is_refused() {
    let wrong = planned(WALL, &raw("ka 01 01"), false).unwrap_err();
    for words in ["comes out the same for wall-[1-3] behind one gateway (10.0.0.7:23)", "write `{set_id}`"] {
        assert!(wrong.contains(words), "{wrong}");
    }
    planned(WALL, &raw("ka {set_id} 01"), false).unwrap();
    let apart = WALL.replace("10.0.0.7", "10.0.0.[1-3]");
    planned(&apart, &raw("ka 01 01"), false).unwrap();
}

#[test]
fn an_argument_in_the_place_of_the_units_is_refused_where_a_gateway_has_several() {
    let wrong = planned(WALL, &action("power-on", &[("set_id", "1")]), false).unwrap_err();
    assert!(wrong.contains("leave `--arg set_id=…` out"), "{wrong}");
    planned(WALL, &action("power-on", &[]), false).unwrap();
}

#[test]
fn what_is_missing_for_a_command_is_named_with_the_way_to_give_it() {
    let wrong = planned(WALL, &action("volume", &[]), false).unwrap_err();
    assert!(wrong.contains("`volume` needs `--arg level=…`") && wrong.contains("wall-[1-3]"), "{wrong}");
    let pump = "[[device]]\nname = \"pump\"\ntype = \"devantech-eth008\"\naddress = \"10.0.0.8\"\n";
    let wrong = planned(pump, &action("relay-on", &[]), false).unwrap_err();
    assert!(wrong.contains("relay") && wrong.contains("pump"), "{wrong}");
}

#[test]
fn an_action_that_a_type_does_not_have_is_named_with_the_nearest_one() {
    let wrong = planned(WALL, &action("power-onn", &[]), false).unwrap_err();
    for words in ["`lg-rs232` has no action `power-onn`: wall-[1-3]", "did you mean `power-on`?"] {
        assert!(wrong.contains(words), "{wrong}");
    }
    let wrong = planned(WALL, &action("make-coffee", &[]), false).unwrap_err();
    assert!(wrong.contains("its actions are") && wrong.contains("power-off"), "{wrong}");
}

#[test]
fn an_argument_that_nobody_knows_or_that_does_not_fit_is_refused() {
    let wrong = planned(WALL, &action("volume", &[("levle", "10"), ("level", "10")]), false).unwrap_err();
    for words in ["`--arg levle`: `volume` knows no such argument", "did you mean `level`?"] {
        assert!(wrong.contains(words), "{wrong}");
    }
    let wrong = planned(WALL, &action("volume", &[("zzzz", "1"), ("level", "10")]), false).unwrap_err();
    assert!(wrong.contains("known: level"), "{wrong}");
    let wrong = planned(WALL, &action("volume", &[("level", "101")]), false).unwrap_err();
    assert!(wrong.contains("`--arg level`"), "{wrong}");
    planned(WALL, &action("volume", &[("level", "100")]), false).unwrap();
}

#[test]
fn an_argument_of_a_raw_command_takes_the_place_of_the_devices_parameter() {
    let one = WALL.replace("[1-3]", "1");
    let sent = |args: &[(&str, &str)]| {
        let plan = planned(&one, &raw_with("ka {set_id} 01", args), false).unwrap();
        plan.jobs[0].request.payload().shown()
    };
    assert_eq!(sent(&[]), "ka 01 01\\r");
    assert_eq!(sent(&[("set_id", "10")]), "ka 0a 01\\r");
    assert_eq!(sent(&[("set_id", "10"), ("id_digits", "3")]), "ka 00a 01\\r");
}

#[test]
fn an_argument_of_a_raw_command_that_the_type_does_not_know_or_take_is_refused() {
    for (key, value, words) in [
        ("nosuch", "5", &["`--arg nosuch`: `lg-rs232` has no such parameter", "known: set_id, id_digits"][..]),
        ("setid", "5", &["did you mean `set_id`?"]),
        ("set_id", "5000", &["`--arg set_id`: must be an integer from 1 to 1000, not `5000`"]),
        ("set_id", "one", &["`--arg set_id`: must be an integer"]),
        ("set_id", "2", &["comes out the same for wall-[1-3]", "leave `--arg set_id=…` out"]),
    ] {
        let wrong = planned(WALL, &raw_with("ka {set_id} 01", &[(key, value)]), false).unwrap_err();
        assert!(words.iter().all(|one| wrong.contains(one)), "{wrong}");
    }
}

#[test]
fn a_mistake_in_a_command_or_its_argument_is_told_alone() {
    let wrong = planned(WALL, &action("power-onn", &[("nosuch", "1")]), false).unwrap_err();
    assert!(wrong.contains("no action `power-onn`"), "{wrong}");
    assert_eq!(wrong.matches("error: ").count(), 1, "what an action that is not there takes is not said: {wrong}");
    let pump = "[[device]]\nname = \"pump\"\ntype = \"devantech-eth008\"\naddress = \"10.0.0.8\"\n";
    let wrong = planned(pump, &raw_with("20 {relay} 00", &[("relay", "none")]), false).unwrap_err();
    assert!(wrong.contains("`--arg relay`: must be an integer"), "{wrong}");
    assert_eq!(wrong.matches("error: ").count(), 1, "that the pump has no relay is not said besides: {wrong}");
}

#[test]
fn a_type_that_has_no_actions_and_no_parameters_is_not_said_to_know_some() {
    let sign = "[[device]]\nname = \"sign\"\ntype = \"esc-cr\"\naddress = \"10.0.0.9\"\n";
    let wrong = planned(sign, &action("power-on", &[]), false).unwrap_err();
    assert!(wrong.contains("it has no actions: give its command with `--cmd`"), "{wrong}");
    let wrong = planned(sign, &raw_with("status", &[("level", "1")]), false).unwrap_err();
    assert!(wrong.contains("`esc-cr` has no such parameter") && !wrong.contains("known:"), "{wrong}");
}

#[test]
fn a_raw_command_for_several_types_is_refused() {
    let both = format!(
        "{WALL}[[device]]\nname = \"pump\"\ntype = \"devantech-eth008\"\naddress = \"10.0.0.8\"\nparams = {{ relay = 1 }}\n"
    );
    let wrong = planned(&both, &raw("ka {set_id} 01"), false).unwrap_err();
    assert!(wrong.contains("of 2: lg-rs232 (3), devantech-eth008 (1)"), "{wrong}");
}

#[test]
fn a_raw_command_that_cannot_be_read_is_shown_where_it_is_wrong() {
    let wrong = planned(WALL, &raw("ka {nobody} 01"), false).unwrap_err();
    let shown = wrong.lines().find(|line| line.contains("ka {nobody} 01")).unwrap();
    let marks = wrong.lines().find(|line| line.contains('^')).unwrap();
    let place = shown.find("{nobody}").unwrap();
    let marked = shown.get(marks.find('^').unwrap()..=marks.rfind('^').unwrap()).unwrap();
    assert!(marks.find('^').unwrap() >= place && "{nobody}".contains(marked) && marked.contains("nobody"), "{wrong}");
}

#[test]
fn a_raw_command_is_warned_of_where_its_reply_or_its_device_may_be_another() {
    for (command, words) in [
        ("ka {set_id} 01", None),
        ("ka 00 01", Some("the command speaks to every device behind the gateway, not to one: tv-[1-6]")),
        ("ka 07 01", Some("the command names unit 07, which is not the device's own: tv-[1-6]")),
        ("hello", Some("`hello\\r` is not of the form that `lg-rs232` replies can be matched to")),
    ] {
        let (plan, said) = plan_and_words(DISPLAYS, &raw(command), false, None);
        assert!(plan.is_some(), "{said}");
        assert_eq!(said.matches("warning: ").count(), usize::from(words.is_some()), "{command}: {said}");
        assert!(said.contains(words.unwrap_or_default()), "{command}: {said}");
    }
}
