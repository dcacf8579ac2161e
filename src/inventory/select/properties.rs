//! Properties of names, ranges and selectors over random fleets.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use proptest::prelude::*;

use super::{parse, resolve};
use crate::inventory::testing::{fleet, read_text};
use crate::inventory::{Fleet, Pattern, Place};
use crate::model::{fold_names, selector_name};

/// A fleet of devices with these names; each stands in brackets of its own making, so as a text without ranges.
fn named(names: &BTreeSet<String>) -> Option<Fleet> {
    let mut text = String::from("[defaults]\ntype = \"lg-rs232\"\n");
    for (index, name) in names.iter().enumerate() {
        // Names with brackets that are meant as ranges cannot stand in an inventory.
        let is_itself = Pattern::parse(name, Place::Name).is_ok_and(|one| one.count() == 1 && one.member(0) == *name);
        if !is_itself || name.trim().is_empty() {
            return None;
        }
        let name = toml::Value::String(name.clone());
        _ = write!(text, "[[device]]\nname = {name}\naddress = \"gateway-{index}\"\n");
    }
    Some(fleet(&text))
}

fn selected(fleet: &Fleet, expression: &str) -> Result<BTreeSet<String>, String> {
    let selector = parse(expression).map_err(|error| error.to_string())?;
    let found = resolve(&selector, fleet).map_err(|errors| format!("{errors:?}"))?;
    assert!(found.warnings.is_empty(), "{:?}", found.warnings);
    assert!(found.positions.is_sorted());
    Ok(found.positions.iter().map(|&place| fleet.devices[place as usize].name.to_string()).collect())
}

proptest! {
    #[test]
    fn folded_names_select_just_these_names(
        names in proptest::collection::btree_set(
            "(tv-?|a b|ä|@|tag:|not|\"|\\\\|\\*|\\[x\\]|)(0{0,2}[0-9]{0,2}|18446744073709551617)(-l|, r|/|:|)[0-9]?", 1..30),
        others in proptest::collection::btree_set("(tv-?|ä|not)0{0,2}[0-9]{0,2}(-l|)[0-9]?", 0..10),
    ) {
        let all: BTreeSet<String> = names.union(&others).cloned().collect();
        let Some(fleet) = named(&all) else { return Ok(()) };
        let folded = fold_names(names.iter().map(String::as_str));
        prop_assert_eq!(selected(&fleet, &folded), Ok(names.clone()), "{}", folded);
        for name in &names {
            prop_assert_eq!(selected(&fleet, &selector_name(name)), Ok([name.clone()].into()));
        }
    }

    #[test]
    fn an_expression_selects_what_logic_says(expression in expression(), tagged in proptest::collection::vec(any::<[bool; 3]>(), 1..20)) {
        let mut text = String::from("[defaults]\ntype = \"lg-rs232\"\n[groups]\ng = \"tag:a or tag:b\"\n");
        // One device has every tag, so that no term means nothing.
        for (index, tags) in tagged.iter().chain([&[true; 3]]).enumerate() {
            let tags: Vec<&str> = ["a", "b", "c"].into_iter().zip(tags).filter_map(|(tag, has)| has.then_some(tag)).collect();
            _ = write!(text, "[[device]]\nname = \"d{index}\"\naddress = \"gateway-{index}\"\ntags = {tags:?}\n");
        }
        let fleet = fleet(&text);
        let expected: BTreeSet<String> = tagged
            .iter()
            .chain([&[true; 3]])
            .enumerate()
            .filter(|(_, tags)| expression.holds(**tags))
            .map(|(index, _)| format!("d{index}"))
            .collect();
        let written = expression.written();
        match selected(&fleet, &written) {
            Ok(found) => prop_assert_eq!(found, expected, "{}", written),
            Err(message) => prop_assert!(expected.is_empty() && message.contains("matches no device"), "{} {}", written, message),
        }
    }

    #[test]
    fn no_inventory_makes_the_reader_or_the_picture_panic(
        lines in proptest::collection::vec(line(), 0..25),
        start in "\u{feff}?",
        newline in "\r?\n",
    ) {
        let (found, messages, drawn) = read_text(&format!("{start}{}", lines.join(&newline)));
        prop_assert!(found.is_some() || !messages.is_empty());
        prop_assert!(!drawn.contains("panicked"));
    }
}

/// Lines as they stand in inventories, whole and broken.
fn line() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("[[device]]".to_owned()),
        Just("[defaults]".to_owned()),
        "(name|address|type|site|tags|params|link|pasword|ü) ?= ?[\"']?(ä|tv|10\\.0\\.0\\.|\\[|::)?\\[?[0-9]{0,2}-?[0-9]{0,2}\\]?(é|\\]:23)?[\"']?",
        "params = \\{ (set_id|label|password|relay) = (\"\\[1-[0-9]\\]\"|[0-9]|'ö'|\\{ env = 'RELAY_PASSWORD' \\}) \\}",
        "tags = \\[\"(ä|b)\"(, \"c\")?\\]",
        "type = \"(lg-rs232|devantech-eth008|smart-home-hub|lg)\"",
        "\\[(groups|sites|sites\\.hq|run|fleet|device)\\]",
        "(g|h) = \"(@g|@h|tag:x|tv-\\[1-3\\]|not|\\(|and|,| ){1,6}\"",
        "\\PC{0,20}",
    ]
}

/// An expression over three tags.
#[derive(Debug, Clone)]
enum Logic {
    Tag(usize),
    Group,
    Not(Box<Logic>),
    And(Box<Logic>, Box<Logic>),
    Or(Box<Logic>, Box<Logic>, bool),
}

fn expression() -> impl Strategy<Value = Logic> {
    let leaf = prop_oneof![(0..3_usize).prop_map(Logic::Tag), Just(Logic::Group)];
    leaf.prop_recursive(4, 24, 2, |inner| {
        let pair = (inner.clone(), inner.clone());
        prop_oneof![
            inner.prop_map(|one| Logic::Not(Box::new(one))),
            pair.clone().prop_map(|(a, b)| Logic::And(Box::new(a), Box::new(b))),
            (pair, any::<bool>()).prop_map(|((a, b), comma)| Logic::Or(Box::new(a), Box::new(b), comma)),
        ]
    })
}

impl Logic {
    fn holds(&self, tags: [bool; 3]) -> bool {
        match self {
            Self::Tag(tag) => tags[*tag],
            Self::Group => tags[0] || tags[1],
            Self::Not(one) => !one.holds(tags),
            Self::And(a, b) => a.holds(tags) && b.holds(tags),
            Self::Or(a, b, _) => a.holds(tags) || b.holds(tags),
        }
    }

    /// With no more parentheses than precedence asks for.
    fn written(&self) -> String {
        let inside = |one: &Self, wraps: bool| if wraps { format!("({})", one.written()) } else { one.written() };
        let is_or = |one: &Self| matches!(one, Self::Or(..));
        match self {
            Self::Tag(tag) => format!("tag:{}", ["a", "b", "c"][*tag]),
            Self::Group => "@g".to_owned(),
            Self::Not(one) => format!("not {}", inside(one, matches!(**one, Self::And(..) | Self::Or(..)))),
            Self::And(a, b) => format!("{} and {}", inside(a, is_or(a)), inside(b, is_or(b))),
            Self::Or(a, b, true) => format!("{},{}", a.written(), b.written()),
            Self::Or(a, b, false) => format!("{} or {}", a.written(), b.written()),
        }
    }
}
