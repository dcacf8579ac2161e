//! A secret in an inventory is drawn in no picture of a mistake, whatever the slip around it.

use super::read_text;

#[test]
fn a_plain_secret_is_warned_of_and_drawn_nowhere() {
    let text = "[[device]]\nname = 'a'\naddress = 'a'\ntype = 'devantech-eth008'\nparams = { password = 'äpple', relay = 9, pasword = 'pear' }\n";
    let (_, messages, drawn) = read_text(text);
    assert_eq!(messages.len(), 3, "{drawn}");
    assert!(!drawn.contains("pple") && !drawn.contains("pear"), "{drawn}");
    let (fleet, messages, drawn) = read_text(&text.replace("relay = 9, pasword = 'pear'", "relay = 8"));
    assert_eq!(messages, ["warning: `password` stands in the inventory for everyone to read"]);
    assert!(fleet.is_some() && !drawn.contains("pple"), "{drawn}");
    // A syntax error is drawn with its line, too.
    let (_, _, drawn) = read_text("[[device]]\nparams = { password = 'apple', relay = = 9 }\n");
    assert!(drawn.contains("error") && !drawn.contains("apple"), "{drawn}");
}

#[test]
fn a_slip_around_a_secret_shows_nothing_of_it() {
    for slip in [
        "params = { password = ['apple'] }",
        "params = { password = { value = 'apple' } }",
        "params = { passwrd = 'apple', x = 1 }",
        "params = { pasword = 'apple' }",
        "params = { password = 'apple",
        "params = { password = 'apple' 'x' }",
        "params = { password = 'app' 'apple', relay = = 9 }",
        "params = { 'password' : 'apple' }",
        "params.password apple",
        "params.password = \"apple\" \"x\" = = 1",
        "password = 'x'\npassword = 'apple'",
        "password = \"\"\"x\napple\"\"\" apple\n",
        "password =\n'apple'",
        "password = 'äöü€𝄞 apple' =",
    ] {
        let text =
            format!("[[device]]\nname = 'a'\naddress = 'a'\ntype = 'devantech-eth008'\n{slip}\nport = = 1\nport = 2\n");
        let (fleet, _, drawn) = read_text(&text);
        assert!(fleet.is_none() && drawn.contains("error") && !drawn.contains("apple"), "{slip}: {drawn}");
    }
    // Where a secret is kept is no secret, and what is blotted out moves no column.
    let (_, _, drawn) = read_text("a = { password = { env = 'RELAY' }, b = = 1 }\n");
    assert!(drawn.contains("'RELAY' }, b = = 1"), "{drawn}");
    let (_, _, drawn) = read_text("a = { password = 'äö€', b = 1 }\n");
    assert!(drawn.contains("fleet.toml:1:1\n") && drawn.contains("'··•', b = 1"), "{drawn}");
}
